// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "commerce/item.h"
#include "commerce/outbox.h"
#include "core/error.h"
#include "core/media_time.h"
#include "core/money.h"

namespace vitrine::commerce {

/// How far a price for a time has come. Only kConfirmed may be on air: the shop was read after our change and
/// charges it.
enum class OfferState {
  kUnknown = 0,
  kRequested,  // on the disk, not in the shop yet
  kPlaced,     // the shop has it; its price is not, or not yet, what the shop charges
  kConfirmed,
  kEnding,  // off the air; the shop may still charge it
  kEnded,
  kRefused,
};

/// A price for variants of one product, for a time.
struct Offer {
  struct Price {
    Money now;
    Money before;  // what the shop charged when it was asked for
  };

  int64_t id = 0;
  std::string name;
  std::map<Ref, Price> prices;
  Window window;                    // by the shop's clock
  std::optional<int64_t> quantity;  // pieces, of all its variants; nullopt: no limit
  std::string audience;             // whom it is for, as it is said; empty: everybody
  OfferState state = OfferState::kUnknown;
  std::string why;  // for people: why it is not (or no longer) on air
  std::string put;  // the operation that brings it to the shop
  std::string end;  // the one that takes it back; both are in the outbox from the first moment
  int64_t version = 0;
  Instant changed_at{};

  [[nodiscard]] const std::string& product() const { return prices.begin()->first.product; }
  [[nodiscard]] bool is_over() const { return state == OfferState::kEnded || state == OfferState::kRefused; }
};

/// What is known about an offer at one moment.
struct OfferSight {
  Operation::State put = Operation::State::kQueued;
  std::string put_result;
  Operation::State end = Operation::State::kQueued;
  /// What the shop charges for its variants: only what was read since our last change, nothing for a variant
  /// that is not in the shop any more.
  std::map<Ref, std::optional<Money>> charged;
  int64_t sold = 0;
  Instant now{};  // by the shop's clock
};

struct OfferVerdict {
  OfferState state = OfferState::kUnknown;
  std::string why;
  bool ends_now = false;  // its `end` need not wait for the window's end
  bool is_stuck = false;  // it was ended, and the shop still charges it
};

/// What becomes of `offer`, which is not over. A function of what is durable or was just read: nothing that
/// was missed matters.
OfferVerdict judge(const Offer& offer, const OfferSight& sight);

std::string_view to_string(OfferState state);
OfferState offer_state_from(std::string_view name);

}  // namespace vitrine::commerce
