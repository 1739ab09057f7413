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

/// Sent so often, and each time a read said that it is not there: the server refuses it and can't say so.
constexpr int kMostAttempts = 20;

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

/// The one item, as the backend has it now.
Result<CatalogueItem> read_one(Adapter& adapter, const Ref& ref) {
  auto read = adapter.read_items(std::span(&ref, 1), detail::soon());
  if (!read) return tl::unexpected(read.error());
  if (read->items.empty()) return fail(ErrorCode::kNotFound, ref.text() + " is not in the shop any more");
  return read->items.front();
}

}  // namespace

Pusher::Pusher(const Parts& parts, OnEnd on_end) : parts_(parts), on_end_(std::move(on_end)) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "push");
    run(stop);
  });
}

Pusher::~Pusher() = default;

void Pusher::poke() {
  const std::lock_guard lock(mutex_);
  is_poked_ = true;
  wake_.notify_all();
}

Pusher::Status Pusher::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Pusher::run(const std::stop_token& stop) {
  constexpr auto kWithoutStore = 1s;  // the disk is full, or broken: nothing is sent that can't be recorded
  while (!stop.stop_requested()) {
    const Instant now = system_now();
    auto next = parts_.outbox.next(parts_.backend, now);
    if (next && *next && attempt(std::move(**next))) continue;
    std::chrono::microseconds wait = 60s;
    if (!next || *next)
      wait = kWithoutStore;
    else if (const auto due = parts_.outbox.next_due(parts_.backend); due && *due && **due > now)
      wait = std::min<std::chrono::microseconds>(wait, **due - now);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, wait, [&] { return is_poked_; });
    is_poked_ = false;
  }
}

bool Pusher::attempt(Operation operation) {
  if (operation.state != Operation::State::kQueued) {
    auto found = resolve(operation);
    if (!found && operation.attempts >= kMostAttempts)
      found = plain(WriteResult::kRejected, "the shop's server never took it");
    if (found) {
      settle(operation, *found);
      return true;
    }
  }
  const auto begun = parts_.outbox.begin(operation);
  if (!begun) {
    const std::lock_guard lock(mutex_);
    status_.fault = begun.error().message;
    return false;
  }
  if (!*begun) return true;
  ++operation.attempts;
  // What is asked between the two was asked too early to be trusted.
  doubt(operation);
  const auto outcome = send(operation);
  doubt(operation);
  settle(operation, outcome);
  return true;
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
    if (outcome.result == WriteResult::kUnknown) outcome.text = "can't be resolved yet: " + outcome.text;
    return outcome;
  };
  switch (operation.kind) {
    case Operation::Kind::kSetListing: {
      const auto wish = set_listing_of(operation);
      if (!wish) return outcome_of(wish.error());
      const auto item = read_one(adapter, wish->ref);
      if (!item) return unread(item.error());
      const bool is_on = item->availability == Availability::kListed;
      if (is_on != (wish->listing == Adapter::Listing::kOn)) return not_there;
      return plain(WriteResult::kDone);
    }
    case Operation::Kind::kSetStock: {
      const auto wish = set_stock_of(operation);
      if (!wish) return outcome_of(wish.error());
      const auto item = read_one(adapter, wish->ref);
      if (!item) return unread(item.error());
      if (item->stock == wish->stock) return plain(WriteResult::kDone);
      if (!wish->expected || item->stock == wish->expected) return not_there;
      return plain(WriteResult::kConflict, fmt::format("the stock is {} by now", item->stock.value_or(-1)));
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
    case Operation::Kind::kSetPrices:
      return not_there;  // the adapter reads each price before it sets it
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

void Pusher::settle(const Operation& operation, const WriteOutcome& outcome) {
  const Instant now = system_now();
  const std::string why =
      outcome.code.empty() ? outcome.text : fmt::format("{} ({})", outcome.text, outcome.code);
  auto wait = outcome.retry_after.value_or(detail::backoff(operation.attempts));
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
      break;
    case WriteResult::kUnknown:
      state = Operation::State::kUnknown;
      if (operation.attempts <= 1) wait = std::min<std::chrono::milliseconds>(wait, 300ms);
      break;
  }
  const bool has_ended = state == Operation::State::kDone || state == Operation::State::kRejected;
  const auto written = has_ended ? parts_.outbox.end(operation, state, why, now)
                                 : parts_.outbox.postpone(operation, state, why, now + wait);
  {
    const std::lock_guard lock(mutex_);
    status_.fault = !written                           ? std::optional(written.error().message)
                    : state == Operation::State::kDone ? std::nullopt
                                                       : std::optional(why);
  }
  if (has_ended && written) on_end_(operation, state, why);
}

}  // namespace vitrine::commerce
