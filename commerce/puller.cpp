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

}  // namespace

Puller::Puller(const Parts& parts, const Plan& plan, OnChange on_change)
    : parts_(parts), plan_(plan), on_change_(std::move(on_change)) {
  const MediaTime now = steady_now();
  std::ranges::fill(due_at_, now);
  due_at_[static_cast<size_t>(Job::kEverything)] = now + plan_.everything;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "pull");
    run(stop);
  });
}

Puller::~Puller() = default;

void Puller::watch(std::vector<Ref> refs) {
  const std::lock_guard lock(mutex_);
  watched_ = std::move(refs);
  due_at_[static_cast<size_t>(Job::kWatched)] = steady_now();
  wake_.notify_all();
}

void Puller::hint(const Adapter::Event& event) {
  const std::lock_guard lock(mutex_);
  hints_.items.insert(event.items.begin(), event.items.end());
  hints_.orders.insert(event.orders.begin(), event.orders.end());
  hints_.is_catalogue |= event.is_catalogue;
  wake_.notify_all();
}

void Puller::reconcile_now() {
  const std::lock_guard lock(mutex_);
  due_at_[static_cast<size_t>(Job::kEverything)] = steady_now();
  not_before_ = {};
  wake_.notify_all();
}

Puller::Status Puller::status() const {
  const std::lock_guard lock(mutex_);
  Status status = status_;
  status.next_attempt_in =
      std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(not_before_ - steady_now()));
  return status;
}

void Puller::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::optional<Job> job;
    {
      std::unique_lock lock(mutex_);
      MediaTime next_look{};
      job = due(steady_now(), next_look);
      if (!job) {
        // Any change of what is due notifies; the predicate is looked at in `due`.
        wake_.wait_until(lock, stop, std::chrono::steady_clock::time_point(next_look),
                         [&, before = hints_.items.size() + hints_.orders.size(), at = due_at_] {
                           return hints_.items.size() + hints_.orders.size() != before ||
                                  hints_.is_catalogue || due_at_ != at;
                         });
        continue;
      }
    }
    note(*job, run_job(*job), steady_now());
  }
}

std::optional<Puller::Job> Puller::due(MediaTime now, MediaTime& next_look) {
  next_look = now + plan_.everything;
  if (now < not_before_) {
    next_look = not_before_;
    return std::nullopt;
  }
  const std::chrono::milliseconds every[] = {plan_.catalogue, plan_.watched, plan_.orders, plan_.catalogue,
                                             plan_.everything};
  for (size_t i = 0; i < due_at_.size(); ++i) {
    const auto job = static_cast<Job>(i);
    if (job == Job::kHints) {
      if (!hints_.items.empty() || !hints_.orders.empty()) return job;
      if (std::exchange(hints_.is_catalogue, false)) return Job::kCatalogue;
      continue;
    }
    if (due_at_[i] <= now) {
      due_at_[i] = now + every[i];
      return job;
    }
    next_look = std::min(next_look, due_at_[i]);
  }
  return std::nullopt;
}

Status Puller::run_job(Job job) {
  switch (job) {
    case Job::kHints:
      return read_hinted();
    case Job::kWatched: {
      std::vector<Ref> refs;
      {
        const std::lock_guard lock(mutex_);
        refs = watched_;
      }
      return read_items(refs);
    }
    case Job::kOrders:
      return pull_orders();
    case Job::kCatalogue:
      return pull_catalogue();
    case Job::kEverything:
      return pull_everything();
    case Job::kCount:
      break;
  }
  return {};
}

Status Puller::read_hinted() {
  Hints hints;
  {
    const std::lock_guard lock(mutex_);
    std::swap(hints.items, hints_.items);
    std::swap(hints.orders, hints_.orders);
  }
  auto done = read_hinted(hints);
  if (!done) {
    const std::lock_guard lock(mutex_);
    hints_.items.merge(hints.items);
    hints_.orders.merge(hints.orders);
  }
  return done;
}

Status Puller::read_hinted(const Hints& hints) {
  if (auto read = read_items({hints.items.begin(), hints.items.end()}); !read) return read;
  if (hints.orders.empty()) return {};
  const std::vector<std::string> ids(hints.orders.begin(), hints.orders.end());
  auto orders = parts_.adapter.read_orders(ids, detail::soon());
  if (!orders) return tl::unexpected(orders.error());
  auto applied = parts_.orders.apply(*orders, system_now());
  if (!applied) return tl::unexpected(applied.error());
  if (applied->added + applied->changed > 0) on_change_();
  return {};
}

Status Puller::read_items(const std::vector<Ref>& refs) {
  const size_t most = std::max<size_t>(1, parts_.adapter.capabilities().most_items_a_read);
  for (size_t at = 0; at < refs.size(); at += most) {
    const std::span page(refs.data() + at, std::min(most, refs.size() - at));
    const MediaTime asked_at = steady_now();
    auto read = parts_.adapter.read_items(page, detail::soon());
    if (!read) return tl::unexpected(read.error());
    auto applied = parts_.catalogue.apply(*read, system_now());
    if (!applied) return tl::unexpected(applied.error());
    // A row that was refused confirms nothing: what the store has is not what the backend says.
    for (const auto& item : read->items) {
      const auto row = parts_.catalogue.find(item.ref);
      if (row && *row && (*row)->item == item) parts_.freshness.confirm(item.ref, asked_at);
    }
    if (applied->added + applied->changed + applied->refused > 0) on_change_();
  }
  return {};
}

Status Puller::pull_orders() {
  auto cursor = parts_.orders.cursor();
  if (!cursor) return tl::unexpected(cursor.error());
  for (bool is_complete = false; !is_complete;) {
    auto page = parts_.adapter.orders(*cursor, detail::soon());
    if (!page) return tl::unexpected(page.error());
    auto applied = parts_.orders.apply(*page, system_now());
    if (!applied) return tl::unexpected(applied.error());
    if (applied->added + applied->changed > 0) on_change_();
    is_complete = page->is_complete;
    *cursor = page->next_cursor;
  }
  auto open = parts_.orders.not_final(kMostOpenOrders);
  if (!open) return tl::unexpected(open.error());
  if (!open->empty()) {
    auto orders = parts_.adapter.read_orders(*open, detail::soon());
    if (!orders) return tl::unexpected(orders.error());
    auto applied = parts_.orders.apply(*orders, system_now());
    if (!applied) return tl::unexpected(applied.error());
    if (applied->added + applied->changed > 0) on_change_();
  }
  const std::lock_guard lock(mutex_);
  status_.orders_at = system_now();
  return {};
}

Status Puller::pull_catalogue() {
  auto cursor = parts_.catalogue.cursor();
  if (!cursor) return tl::unexpected(cursor.error());
  for (bool is_complete = false; !is_complete;) {
    auto page = parts_.adapter.changes(*cursor, detail::soon());
    if (!page) return tl::unexpected(page.error());
    auto applied = parts_.catalogue.apply(*page, system_now());
    if (!applied) return tl::unexpected(applied.error());
    if (applied->added + applied->changed + applied->refused > 0) on_change_();
    is_complete = page->is_complete;
    *cursor = page->next_cursor;
    const std::lock_guard lock(mutex_);
    status_.items_changed += applied->added + applied->changed;
  }
  const std::lock_guard lock(mutex_);
  status_.catalogue_at = system_now();
  return {};
}

Status Puller::pull_everything() {
  auto before = parts_.catalogue.list();
  if (!before) return tl::unexpected(before.error());
  if (auto forgotten = parts_.catalogue.forget_cursor(); !forgotten) return forgotten;
  if (auto pulled = pull_catalogue(); !pulled) return pulled;
  // What was taken away comes in no list: who has not been heard of is asked for.
  std::vector<Ref> known;
  for (const auto& row : *before)
    if (row.item.availability != Availability::kDeleted) known.push_back(row.item.ref);
  return read_items(known);
}

void Puller::note(Job job, const vitrine::Status& done, MediaTime now) {
  failures_ = done ? 0 : failures_ + 1;
  const std::lock_guard lock(mutex_);
  if (!done) due_at_[static_cast<size_t>(job)] = now;  // again, as soon as anything may be asked
  ++status_.pulls;
  status_.fault = done ? std::nullopt : std::optional(done.error());
  if (!done) not_before_ = now + detail::backoff(failures_);
}

}  // namespace vitrine::commerce
