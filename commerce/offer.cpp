// SPDX-License-Identifier: Apache-2.0
#include "commerce/offer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/rfc3339.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 7> kOfferStateNames = {"unknown", "requested", "placed", "confirmed",
                                                              "ending",  "ended",     "refused"};

/// The shop's clock is known to half a round trip; a price that goes a moment before its end went in time.
constexpr auto kClockSlack = 2s;

std::string shown_price(const std::optional<Money>& money) {
  return money ? currency_symbol(*money) + format_amount(*money, Cents::kKeep) : "nothing (it is gone)";
}

/// The first variant for which the shop charges something else.
std::optional<std::string> difference(const Offer& offer, const OfferSight& sight) {
  for (const auto& [ref, charged] : sight.charged) {
    const auto& price = offer.prices.at(ref).now;
    if (charged != price)
      return fmt::format("the shop charges {} for {}, not {}", shown_price(charged), ref.text(),
                         shown_price(price));
  }
  return std::nullopt;
}

OfferVerdict judge_ending(const Offer& offer, const OfferSight& sight) {
  const bool is_sent_back = sight.end != Operation::State::kQueued &&
                            sight.end != Operation::State::kSending &&
                            sight.end != Operation::State::kUnknown;
  if (!is_sent_back || sight.charged.size() < offer.prices.size()) return {offer.state, offer.why, true};
  for (const auto& [ref, charged] : sight.charged) {
    const auto& price = offer.prices.at(ref).now;
    if (charged == price)
      return {offer.state,
              fmt::format("it was ended, and the shop still charges {} for {}: look in the shop",
                          shown_price(price), ref.text()),
              true};
  }
  return {OfferState::kEnded, offer.why, false};
}

}  // namespace

OfferVerdict judge(const Offer& offer, const OfferSight& sight) {
  if (offer.state == OfferState::kEnding) return judge_ending(offer, sight);
  if (sight.put == Operation::State::kRejected || sight.put == Operation::State::kSuperseded)
    return {OfferState::kRefused, sight.put_result, true};
  if (sight.now >= offer.window.end) return {OfferState::kEnding, "its time is over", true};
  if (offer.quantity && sight.sold >= *offer.quantity)
    return {OfferState::kEnding, fmt::format("{} of {} are sold", sight.sold, *offer.quantity), true};
  if (sight.put != Operation::State::kDone) return {offer.state, sight.put_result, false};

  const auto other = difference(offer, sight);
  if (offer.state == OfferState::kConfirmed) {
    if (!other) return {offer.state, "", false};
    const bool is_at_its_end = sight.now + kClockSlack >= offer.window.end;
    return {OfferState::kEnding, is_at_its_end ? "its time is over" : *other + ": it was ended there", true};
  }
  if (sight.now < offer.window.begin)
    return {OfferState::kPlaced, "it begins at " + format_rfc3339(offer.window.begin), false};
  if (sight.charged.size() < offer.prices.size())
    return {OfferState::kPlaced, "the shop is being read", false};
  if (other) return {OfferState::kPlaced, *other, false};
  return {OfferState::kConfirmed, "", false};
}

std::string_view to_string(OfferState state) {
  return kOfferStateNames[static_cast<size_t>(state)];
}

OfferState offer_state_from(std::string_view name) {
  const auto found = std::ranges::find(kOfferStateNames, name);
  return found == kOfferStateNames.end() ? OfferState::kUnknown
                                         : static_cast<OfferState>(found - kOfferStateNames.begin());
}

}  // namespace vitrine::commerce
