// SPDX-License-Identifier: Apache-2.0
#include "commerce/puller.h"

#include <algorithm>
#include <pthread.h>

#include "commerce/detail/backoff.h"
#include "commerce/detail/deadline.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;

constexpr int kMostOpenOrders = 200;
constexpr size_t kOrdersARead = 100;
/// More rows are quicker read as a list than by id.
constexpr size_t kMostHints = 20'000;
/// Between two attempts while the server fails.
constexpr std::chrono::milliseconds kLongest = 60s;
constexpr std::chrono::milliseconds kLongestInAShow = 5s;

/// The next call would fail too, whatever it asks for.
bool is_of_the_path(ErrorCode code) {
  return code == ErrorCode::kConnectRefused || code == ErrorCode::kResolveFailed ||
         code == ErrorCode::kTlsFailed || code == ErrorCode::kAuthRejected || code == ErrorCode::kRateLimited;
}

bool names(const Ref& hinted, const Ref& item) {
  return (hinted.product.empty() || hinted.product == item.product) &&
         (hinted.variant.empty() || hinted.variant == item.variant);
}

}  // namespace

Puller::Puller(const Parts& parts, const Plan& plan, OnChange on_change)
    : parts_(parts), plan_(plan), on_change_(std::move(on_change)) {
  work(Job::kEverything).due_at = steady_now() + plan_.everything;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "pull");
    run(stop);
  });
}

Puller::~Puller() = default;

void Puller::watch(std::vector<Ref> refs) {
  const std::lock_guard lock(mutex_);
  watched_ = std::move(refs);
  work(Job::kWatched).due_at = steady_now();
  is_poked_ = true;
  wake_.notify_all();
}

void Puller::hint(const Adapter::Event& event) {
  const std::lock_guard lock(mutex_);
  const MediaTime now = steady_now();
  for (const auto& ref : event.items) {
    const bool is_on_air = is_watched(ref);
    if ((is_on_air ? watched_hints_ : item_hints_).push(ref))
      bring_forward(is_on_air ? Job::kWatchedHints : Job::kItemHints, now);
  }
  for (const auto& id : event.orders)
    if (order_hints_.push(id)) bring_forward(Job::kOrderHints, now);
  if (item_hints_.size() > kMostHints) {
    item_hints_.clear();
    bring_forward(Job::kEverything, now);
  }
  if (order_hints_.size() > kMostHints) order_hints_.clear();  // the list of orders has them too
  if (event.is_orders) bring_forward(Job::kOrders, now);
  if (event.is_catalogue) {
    bring_forward(Job::kWatched, now);  // a list does not say what a timed price or a sale has changed
    bring_forward(Job::kCatalogue, now);
  }
  is_poked_ = true;
  wake_.notify_all();
}

void Puller::reconcile_now() {
  const std::lock_guard lock(mutex_);
  work(Job::kEverything).due_at = steady_now();
  not_before_ = {};
  is_poked_ = true;
  wake_.notify_all();
}

Puller::Status Puller::status() const {
  const std::lock_guard lock(mutex_);
  Status status = status_;
  status.hinted = watched_hints_.size() + item_hints_.size() + order_hints_.size();
  for (const auto& work : work_) {
    if (!work.fault) continue;
    status.fault = work.fault;
    status.next_attempt_in = std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(
                                               std::max(work.due_at, not_before_) - steady_now()));
    break;
  }
  return status;
}

void Puller::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::optional<Job> job;
    {
      std::unique_lock lock(mutex_);
      is_poked_ = false;
      MediaTime next_look{};
      job = due(steady_now(), next_look);
      if (!job) {
        wake_.wait_until(lock, stop, std::chrono::steady_clock::time_point(next_look),
                         [&] { return is_poked_; });
        continue;
      }
    }
    note(*job, step(*job), steady_now());
  }
}

bool Puller::is_due(Job job, MediaTime now, MediaTime& next_look) const {
  if ((job == Job::kWatchedHints && watched_hints_.size() == 0) ||
      (job == Job::kItemHints && item_hints_.size() == 0) ||
      (job == Job::kOrderHints && order_hints_.size() == 0))
    return false;
  const MediaTime at = work(job).due_at;
  if (at > now) next_look = std::min(next_look, at);
  return at <= now;
}

/// The job that is due, and nothing when all can wait until `next_look`. What is on air goes first, but not
/// twice while something else waits; those of a kind take turns.
std::optional<Puller::Job> Puller::due(MediaTime now, MediaTime& next_look) {
  next_look = now + plan_.everything;
  if (now < not_before_) {
    next_look = not_before_;
    return std::nullopt;
  }
  const auto turn = [&](size_t first, size_t count, size_t last) -> std::optional<Job> {
    std::optional<Job> found;
    for (size_t i = 0; i < count; ++i) {
      const auto job = static_cast<Job>(first + (last + 1 + i) % count);
      if (is_due(job, now, next_look) && !found) found = job;
    }
    return found;
  };
  const auto on_air = turn(0, kJobsOnAir, last_of_[0]);
  const auto other = turn(kJobsOnAir, kJobs - kJobsOnAir, last_of_[1]);
  was_on_air_ = on_air && !(was_on_air_ && other);
  const auto job = was_on_air_ ? on_air : other;
  if (!job) return std::nullopt;
  last_of_.at(was_on_air_ ? 0 : 1) = static_cast<size_t>(*job) - (was_on_air_ ? 0 : kJobsOnAir);
  constexpr std::chrono::milliseconds kWhenHinted{0};
  const std::array<std::chrono::milliseconds, kJobs> every = {
      kWhenHinted, plan_.watched, kWhenHinted, kWhenHinted, plan_.orders, plan_.catalogue, plan_.everything};
  work(*job).started_at = now;
  // Before it begins: a hint that comes meanwhile is not answered by it.
  work(*job).due_at = sharpen(*job, now, now + every.at(static_cast<size_t>(*job)));
  return job;
}

/// What is asked for all the time is asked for when a second of the backend's begins, as far as that is
/// known: then the answer says most about its clock, by which prices end.
MediaTime Puller::sharpen(Job job, MediaTime now, MediaTime due_at) const {
  constexpr std::chrono::milliseconds kGoodEnough{25};
  const bool is_steady = job == Job::kWatched || job == Job::kOrders;
  const auto shop = parts_.adapter.capabilities();
  if (!is_steady || shop.clock_slack <= kGoodEnough) return due_at;
  const auto there =
      system_now() + std::chrono::duration_cast<std::chrono::microseconds>(due_at - now) + shop.clock_offset;
  return due_at + (std::chrono::ceil<std::chrono::seconds>(there) - there);
}

void Puller::bring_forward(Job job, MediaTime now) {
  auto& at = work(job).due_at;
  at = std::min(at, std::max(now, work(job).started_at + plan_.hinted));
}

bool Puller::is_watched(const Ref& hinted) const {
  return std::ranges::any_of(watched_, [&](const Ref& item) { return names(hinted, item); });
}

Result<Puller::Progress> Puller::step(Job job) {
  switch (job) {
    case Job::kWatchedHints:
      return read_hinted(watched_hints_);
    case Job::kWatched:
      return read_watched();
    case Job::kItemHints:
      return read_hinted(item_hints_);
    case Job::kOrderHints:
      return read_hinted_orders();
    case Job::kOrders:
      return pull_orders();
    case Job::kCatalogue:
      return pull_catalogue();
    case Job::kEverything:
      return pull_everything();
  }
  return Progress::kDone;
}

Result<Puller::Progress> Puller::read_hinted(detail::HintQueue<Ref>& hints) {
  std::vector<Ref> refs;
  {
    const std::lock_guard lock(mutex_);
    refs = hints.take(std::max<size_t>(1, parts_.adapter.capabilities().most_items_a_read));
  }
  auto done = read_items(refs);
  if (done) return Progress::kDone;
  const std::lock_guard lock(mutex_);
  hints.put_back(refs);
  return tl::unexpected(done.error());
}

Result<Puller::Progress> Puller::read_hinted_orders() {
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = order_hints_.take(kOrdersARead);
  }
  auto done = read_orders(ids);
  if (done) return Progress::kDone;
  const std::lock_guard lock(mutex_);
  order_hints_.put_back(ids);
  return tl::unexpected(done.error());
}

Result<Puller::Progress> Puller::read_watched() {
  std::vector<Ref> refs;
  {
    const std::lock_guard lock(mutex_);
    refs = watched_;
  }
  const size_t most = std::max<size_t>(1, parts_.adapter.capabilities().most_items_a_read);
  for (size_t at = 0; at < refs.size(); at += most)
    if (auto read = read_items(std::span(refs).subspan(at, std::min(most, refs.size() - at))); !read)
      return tl::unexpected(read.error());
  return Progress::kDone;
}

/// A page that could not be read, and how far its parts could.
struct Puller::Reading {
  int failures_left = 10;       // one row in a hundred is found within eight
  std::optional<Error> error;   // the first
  bool has_read = false;        // some part of it: then it is not the server that fails
  std::vector<Ref> unreadable;  // alone
};

/// At most a page. A row on which the server fails must not hide those beside it, which may be on air: the
/// page is halved until that row is found.
Status Puller::read_items(std::span<const Ref> refs) {
  if (refs.empty()) return {};
  Reading reading;
  if (auto read = read_part(refs, reading); !read) return read;
  if (!reading.has_read) return tl::unexpected(*reading.error);
  ReadItems refused;
  for (const auto& ref : reading.unreadable) {
    // Who was only hinted at is read with the next list.
    if (const auto row = parts_.catalogue.find(ref); row && *row)
      refused.refused.push_back(
          {ref, {{"row", "an answer that can't be used", "the row; the shop's server fails on it"}}});
  }
  if (refused.refused.empty()) return {};
  return take_items(refused, {});
}

Status Puller::read_part(std::span<const Ref> refs, Reading& reading) {
  const MediaTime asked_at = steady_now();
  auto read = parts_.adapter.read_items(refs, detail::soon());
  if (read) {
    reading.has_read = true;
    return take_items(*read, asked_at);
  }
  if (read.error().code != ErrorCode::kProtocol || --reading.failures_left < 0)
    return tl::unexpected(read.error());
  if (!reading.error) reading.error = read.error();
  if (refs.size() == 1) {
    reading.unreadable.push_back(refs.front());
    return {};
  }
  const size_t half = refs.size() / 2;
  for (const auto part : {refs.first(half), refs.subspan(half)})
    if (auto done = read_part(part, reading); !done) return done;
  return {};
}

Status Puller::take_items(const ReadItems& read, MediaTime asked_at) {
  auto applied = parts_.catalogue.apply(read, system_now());
  if (!applied) return tl::unexpected(applied.error());
  // A row that was refused confirms nothing: what the store has is not what the backend says.
  for (const auto& item : read.items) {
    const auto row = parts_.catalogue.find(item.ref);
    if (row && *row && (*row)->item == item) parts_.freshness.confirm(item.ref, asked_at);
  }
  if (applied->added + applied->changed + applied->refused > 0) on_change_();
  return {};
}

Status Puller::read_orders(const std::vector<std::string>& ids) {
  if (ids.empty()) return {};
  auto orders = parts_.adapter.read_orders(ids, detail::soon());
  if (!orders) return tl::unexpected(orders.error());
  auto applied = parts_.orders.apply(*orders, system_now());
  if (!applied) return tl::unexpected(applied.error());
  if (applied->added + applied->changed + applied->refused > 0) on_change_();
  return {};
}

Result<Puller::Progress> Puller::pull_orders() {
  auto cursor = parts_.orders.cursor();
  if (!cursor) return tl::unexpected(cursor.error());
  auto page = parts_.adapter.orders(*cursor, detail::soon());
  if (!page) return tl::unexpected(page.error());
  auto applied = parts_.orders.apply(*page, system_now());
  if (!applied) return tl::unexpected(applied.error());
  if (applied->added + applied->changed + applied->refused > 0) on_change_();
  if (!page->is_complete) return Progress::kMore;
  auto open = parts_.orders.not_final(kMostOpenOrders);
  if (!open) return tl::unexpected(open.error());
  if (auto read = read_orders(*open); !read) return tl::unexpected(read.error());
  const std::lock_guard lock(mutex_);
  status_.orders_at = system_now();
  return Progress::kDone;
}

Result<Puller::Progress> Puller::pull_catalogue() {
  auto cursor = parts_.catalogue.cursor();
  if (!cursor) return tl::unexpected(cursor.error());
  auto page = parts_.adapter.changes(*cursor, detail::soon());
  if (!page) return tl::unexpected(page.error());
  auto applied = parts_.catalogue.apply(*page, system_now());
  if (!applied) return tl::unexpected(applied.error());
  if (applied->added + applied->changed + applied->refused > 0) on_change_();
  for (const auto& item : page->items) unheard_.erase(item.ref);
  for (const auto& row : page->refused) unheard_.erase(row.ref);
  if (!page->is_complete) return Progress::kMore;
  const std::lock_guard lock(mutex_);
  status_.catalogue_at = system_now();
  return Progress::kDone;
}

Result<Puller::Progress> Puller::pull_everything() {
  if (reconcile_ == Reconcile::kIdle) {
    auto known = parts_.catalogue.list();
    if (!known) return tl::unexpected(known.error());
    unheard_.clear();
    for (const auto& row : *known)
      if (row.item.availability != Availability::kDeleted) unheard_.insert(row.item.ref);
    if (auto forgotten = parts_.catalogue.forget_cursor(); !forgotten)
      return tl::unexpected(forgotten.error());
    reconcile_ = Reconcile::kList;
  } else if (reconcile_ == Reconcile::kList) {
    auto page = pull_catalogue();
    if (!page) return page;
    if (*page == Progress::kDone) reconcile_ = Reconcile::kUnheard;
  } else {
    // What was taken away comes in no list: who has not been heard of is asked for.
    std::vector<Ref> page;
    const size_t most = std::max<size_t>(1, parts_.adapter.capabilities().most_items_a_read);
    for (auto ref = unheard_.begin(); ref != unheard_.end() && page.size() < most; ++ref)
      page.push_back(*ref);
    if (auto read = read_items(page); !read) return tl::unexpected(read.error());
    for (const auto& ref : page) unheard_.erase(ref);
    if (unheard_.empty()) {
      reconcile_ = Reconcile::kIdle;
      return Progress::kDone;
    }
  }
  return Progress::kMore;
}

/// A fault of the path holds up everything; any other one its own job.
void Puller::note(Job job, const Result<Progress>& done, MediaTime now) {
  const std::lock_guard lock(mutex_);
  Work& ended = work(job);
  if (done) {
    ended.failures = path_failures_ = 0;
    ended.fault.reset();
    if (*done == Progress::kMore) ended.due_at = now;
    return;
  }
  ++ended.failures;
  ended.fault = done.error();
  // In a show a price is off the screen for as long as nobody asks again.
  const bool is_urgent = !watched_.empty() && done.error().code != ErrorCode::kRateLimited;
  const auto longest = is_urgent ? kLongestInAShow : kLongest;
  if (is_of_the_path(done.error().code)) {
    not_before_ = now + detail::backoff(++path_failures_, 1s, longest);
    ended.due_at = now;
  } else {
    ended.due_at = now + detail::backoff(ended.failures, 1s, longest);
  }
}

}  // namespace vitrine::commerce
