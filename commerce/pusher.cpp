// SPDX-License-Identifier: Apache-2.0
#include "commerce/pusher.h"

#include <algorithm>
#include <pthread.h>

#include <fmt/format.h>

#include "commerce/detail/backoff.h"
#include "commerce/detail/deadline.h"
#include "commerce/operations.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;

/// Sent so often without an answer, and each time a read said that it is not there: the server refuses it and
/// can't say so.
constexpr int kMostUnanswered = 20;
constexpr auto kWithoutStore = 1s;  // the disk is full, or broken: nothing is sent that can't be recorded
constexpr auto kLongestLook = 60s;

WriteOutcome outcome_of(const Error& error) {
  const bool is_forbidden = error.code == ErrorCode::kAuthRejected;
  const bool is_ours = error.code == ErrorCode::kInvalidInput;
  return {is_ours        ? WriteResult::kRejected
          : is_forbidden ? WriteResult::kUnauthorised
                         : WriteResult::kUnknown,
          std::string(to_string(error.code)), error.message, std::nullopt, ""};
}

WriteOutcome plain(WriteResult result, std::string text = "") {
  return {result, "", std::move(text), std::nullopt, ""};
}

/// The one item, as the backend has it now; nullopt where its row can't be read.
Result<std::optional<CatalogueItem>> read_one(Adapter& adapter, const Ref& ref) {
  auto read = adapter.read_items(std::span(&ref, 1), detail::soon());
  if (!read) return tl::unexpected(read.error());
  if (!read->gone.empty()) return fail(ErrorCode::kNotFound, ref.text() + " is not in the shop any more");
  if (read->items.empty()) return std::nullopt;
  return read->items.front();
}

/// What takes a price or an item off: twice is once, and it can't wait.
bool is_urgent(const Operation& operation) {
  return operation.priority == Operation::Priority::kEnd;
}

}  // namespace

Pusher::Pusher(const Parts& parts, const Config& config, OnEnd on_end)
    : parts_(parts), config_(config), on_end_(std::move(on_end)) {
  for (int i = 0; i < config_.threads; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) {
      ::pthread_setname_np(::pthread_self(), "push");
      run(stop);
    });
}

Pusher::~Pusher() {
  for (auto& thread : threads_) thread.request_stop();  // all, before the first is waited for
}

void Pusher::poke() {
  const std::lock_guard lock(mutex_);
  ++pokes_;
  wake_.notify_all();
}

Pusher::Status Pusher::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Pusher::set_fault(std::optional<std::string> fault) {
  const std::lock_guard lock(mutex_);
  status_.fault = std::move(fault);
}

void Pusher::run(const std::stop_token& stop) {
  const auto sleep = [&](std::chrono::microseconds wait, std::optional<uint64_t> seen) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, wait, [&] { return seen && pokes_ != *seen; });
  };
  while (!stop.stop_requested()) {
    uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      seen = pokes_;
    }
    std::chrono::microseconds wait{};
    if (auto operation = claim(wait)) {
      const std::string lane = operation->lane;
      const bool is_recorded = attempt(std::move(*operation));
      release(lane);
      if (!is_recorded) sleep(kWithoutStore, std::nullopt);
    } else {
      sleep(wait, seen);
    }
  }
}

std::optional<Operation> Pusher::claim(std::chrono::microseconds& wait) {
  const std::lock_guard claim_lock(claim_mutex_);
  {
    const std::lock_guard lock(mutex_);
    wait = std::chrono::ceil<std::chrono::microseconds>(not_before_ - steady_now());
  }
  if (wait > 0us) return std::nullopt;
  const Instant now = system_now();
  auto next = parts_.outbox.next(parts_.backend, now, busy_);
  if (next && *next) {
    busy_.insert((*next)->lane);
    return std::move(*next);
  }
  Result<std::optional<Instant>> due;
  if (next) due = parts_.outbox.next_due(parts_.backend, now, busy_);
  if (!next || !due) {
    set_fault(next ? due.error().message : next.error().message);
    wait = kWithoutStore;
  } else {
    wait = *due ? std::clamp<std::chrono::microseconds>(**due - now, 1ms, kLongestLook) : kLongestLook;
  }
  return std::nullopt;
}

void Pusher::release(const std::string& lane) {
  {
    const std::lock_guard lock(claim_mutex_);
    busy_.erase(lane);
  }
  poke();  // the lane has another one, or the same again at another time
}

bool Pusher::attempt(Operation operation) {
  bool may_come_in = false;  // what was sent before
  if (operation.state != Operation::State::kQueued) {
    const auto found = resolve(operation);
    if (found) return settle(std::move(operation), *found);
    const auto age = system_now() - operation.sent_at;
    may_come_in = age >= 0s && age < config_.settle;
    if (may_come_in && !is_urgent(operation))
      return wait_and_see(operation, "the shop has not got it, but what was sent may still come in");
    if (operation.unanswered >= kMostUnanswered && !is_urgent(operation))
      return settle(std::move(operation), plain(WriteResult::kRejected, "the shop's server never took it"));
    if (!may_come_in) operation.state = Operation::State::kQueued;
  }
  const Instant now = system_now();
  const auto begun = parts_.outbox.begin(operation, now);
  if (!begun) {
    set_fault(begun.error().message);
    return false;
  }
  if (!*begun) return true;
  ++operation.attempts;
  operation.sent_at = now;
  // What is asked between the two was asked too early to be trusted.
  doubt(operation);
  const auto outcome = send(operation);
  doubt(operation);
  // Its lane stays closed, or what was sent twice could undo what comes after it.
  if (may_come_in && (outcome.result == WriteResult::kDone || outcome.result == WriteResult::kAlready))
    return wait_and_see(operation, "done, but what was sent before may still come in");
  return settle(std::move(operation), outcome);
}

bool Pusher::wait_and_see(const Operation& operation, std::string why) {
  const auto postponed =
      parts_.outbox.postpone(operation, Operation::State::kUnknown, why, operation.sent_at + config_.settle);
  set_fault(postponed ? std::move(why) : postponed.error().message);
  return postponed.has_value();
}

void Pusher::doubt(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::kPutTimedPrice:
    case Operation::Kind::kEndTimedPrice:
    case Operation::Kind::kSetPrices:
      parts_.freshness.doubt(operation.lane);
      break;
    case Operation::Kind::kUnknown:
    case Operation::Kind::kSetListing:
    case Operation::Kind::kSetStock:
      break;
  }
}

std::optional<WriteOutcome> Pusher::resolve(const Operation& operation) {
  Adapter& adapter = parts_.adapter;
  const std::optional<WriteOutcome> not_there;
  const auto unread = [](const Error& error) {
    WriteOutcome outcome = outcome_of(error);
    if (error.code == ErrorCode::kNotFound) outcome.result = WriteResult::kRejected;
    if (outcome.result == WriteResult::kUnknown) {
      outcome.result = WriteResult::kUnavailable;  // this was a read: what was sent is as unknown as before
      outcome.text = "whether it was done can't be read: " + outcome.text;
    }
    return outcome;
  };
  switch (operation.kind) {
    case Operation::Kind::kSetListing: {
      const auto wish = set_listing_of(operation);
      if (!wish) return outcome_of(wish.error());
      const auto item = read_one(adapter, wish->ref);
      if (!item) return unread(item.error());
      if (!*item) return not_there;
      const bool is_on = (*item)->availability == Availability::kListed;
      if (is_on != (wish->listing == Adapter::Listing::kOn)) return not_there;
      return plain(WriteResult::kDone);
    }
    case Operation::Kind::kSetStock: {
      const auto wish = set_stock_of(operation);
      if (!wish) return outcome_of(wish.error());
      const auto item = read_one(adapter, wish->ref);
      if (!item) return unread(item.error());
      if (!*item) return not_there;
      const auto stock = (*item)->stock;
      if (stock == wish->stock) return plain(WriteResult::kDone);
      if (!wish->expected || stock == wish->expected) return not_there;
      return plain(WriteResult::kConflict, fmt::format("the stock is {} by now", stock.value_or(-1)));
    }
    case Operation::Kind::kPutTimedPrice: {
      const auto handle = adapter.find_timed_price(operation.id, detail::soon());
      if (!handle) return unread(handle.error());
      if (!*handle) return not_there;
      WriteOutcome found = plain(WriteResult::kDone);
      found.handle = **handle;
      return found;
    }
    case Operation::Kind::kEndTimedPrice:
      return not_there;  // ending what has ended is nothing
    case Operation::Kind::kSetPrices: {
      const auto wish = set_prices_of(operation);
      if (!wish) return outcome_of(wish.error());
      for (const auto& [ref, change] : wish->prices) {
        const auto item = read_one(adapter, ref);
        if (!item) return unread(item.error());
        if (!*item || (*item)->price != change.price) return not_there;
      }
      return plain(WriteResult::kDone);
    }
    case Operation::Kind::kUnknown:
      break;
  }
  return plain(WriteResult::kRejected, "an operation that this version does not know");
}

WriteOutcome Pusher::send(const Operation& operation) {
  Adapter& adapter = parts_.adapter;
  switch (operation.kind) {
    case Operation::Kind::kSetListing: {
      const auto wish = set_listing_of(operation);
      return wish ? adapter.set_listing(wish->ref, wish->listing, detail::soon()) : outcome_of(wish.error());
    }
    case Operation::Kind::kSetStock: {
      const auto wish = set_stock_of(operation);
      return wish ? adapter.set_stock(wish->ref, wish->stock, wish->expected, detail::soon())
                  : outcome_of(wish.error());
    }
    case Operation::Kind::kPutTimedPrice: {
      const auto price = timed_price_of(operation);
      if (!price) return outcome_of(price.error());
      if (price->window.end <= shop_now()) return plain(WriteResult::kRejected, "its window is over");
      return adapter.put_timed_price(*price, detail::soon());
    }
    case Operation::Kind::kEndTimedPrice: {
      const auto end = end_timed_price_of(operation);
      if (!end) return outcome_of(end.error());
      const auto handle = adapter.find_timed_price(end->put, detail::soon());
      if (!handle) return outcome_of(handle.error());
      if (!*handle) return plain(WriteResult::kAlready);
      return adapter.end_timed_price(**handle, detail::soon());
    }
    case Operation::Kind::kSetPrices: {
      const auto wish = set_prices_of(operation);
      return wish ? set_prices(*wish) : outcome_of(wish.error());
    }
    case Operation::Kind::kUnknown:
      break;
  }
  return plain(WriteResult::kRejected, "an operation that this version does not know");
}

WriteOutcome Pusher::set_prices(const SetPrices& wish) {
  if (wish.until && *wish.until <= shop_now()) return plain(WriteResult::kRejected, "its window is over");
  // All of them, whatever becomes of one: at the end of an offer the others must go back. What is tried again
  // counts most.
  const auto weight = [](WriteResult result) {
    switch (result) {
      case WriteResult::kDone:
      case WriteResult::kAlready:
        return 0;
      case WriteResult::kRejected:
      case WriteResult::kConflict:
      case WriteResult::kUnsupported:
        return 1;
      case WriteResult::kThrottled:
      case WriteResult::kUnauthorised:
      case WriteResult::kUnavailable:
        return 2;
      case WriteResult::kUnknown:
        break;
    }
    return 3;
  };
  WriteOutcome worst = plain(WriteResult::kAlready);
  for (const auto& [ref, change] : wish.prices) {
    auto outcome = parts_.adapter.set_price(ref, change.price, change.expected, detail::soon());
    if (worst.result == WriteResult::kAlready || weight(outcome.result) > weight(worst.result))
      worst = std::move(outcome);
  }
  return worst;
}

Instant Pusher::shop_now() const {
  return system_now() + parts_.adapter.capabilities().clock_offset;
}

bool Pusher::settle(Operation operation, const WriteOutcome& outcome) {
  const std::string why =
      outcome.code.empty() ? outcome.text : fmt::format("{} ({})", outcome.text, outcome.code);
  const auto wait = note(operation, outcome, why);
  auto state = Operation::State::kQueued;
  switch (outcome.result) {
    case WriteResult::kDone:
    case WriteResult::kAlready:
      state = Operation::State::kDone;
      break;
    case WriteResult::kRejected:
    case WriteResult::kConflict:
    case WriteResult::kUnsupported:
      state = Operation::State::kRejected;
      break;
    case WriteResult::kThrottled:
    case WriteResult::kUnauthorised:
    case WriteResult::kUnavailable:
      if (operation.state != Operation::State::kQueued) state = Operation::State::kUnknown;
      break;
    case WriteResult::kUnknown:
      state = Operation::State::kUnknown;
      ++operation.unanswered;
      break;
  }
  const Instant now = system_now();
  const bool has_ended = state == Operation::State::kDone || state == Operation::State::kRejected;
  const auto written = has_ended ? parts_.outbox.end(operation, state, why, now)
                                 : parts_.outbox.postpone(operation, state, why, now + wait);
  if (!written) set_fault(written.error().message);
  if (has_ended && written) on_end_(operation, state, why);
  return written.has_value();
}

std::chrono::milliseconds Pusher::note(const Operation& operation, const WriteOutcome& outcome,
                                       const std::string& why) {
  constexpr auto kFirstLook = 300ms;  // after an answer that got lost; mostly it was done
  const bool is_done = outcome.result == WriteResult::kDone || outcome.result == WriteResult::kAlready;
  const std::lock_guard lock(mutex_);
  status_.fault = is_done ? std::nullopt : std::optional(why);
  switch (outcome.result) {
    case WriteResult::kThrottled:
    case WriteResult::kUnauthorised:
    case WriteResult::kUnavailable: {
      ++failures_;  // the shop's, not this operation's: what else we have would fare no better
      const auto wait =
          outcome.retry_after.value_or(detail::backoff(failures_, config_.first_wait, config_.longest_wait));
      not_before_ = std::max(not_before_, steady_now() + wait);
      return wait;
    }
    case WriteResult::kUnknown: {
      const auto wait = outcome.retry_after.value_or(
          detail::backoff(operation.unanswered + 1, config_.first_wait, config_.longest_wait));
      return operation.unanswered == 0 ? std::min<std::chrono::milliseconds>(wait, kFirstLook) : wait;
    }
    default:
      failures_ = 0;
      return 0ms;
  }
}

}  // namespace vitrine::commerce
