// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/timed_price_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/rfc3339.h"
#include "core/text_rules.h"

namespace vitrine::commerce {
namespace {

WriteOutcome refused(std::string why) {
  return {WriteResult::kRejected, "timed_price", std::move(why), {}, {}};
}

std::string shown(const Money& money) {
  return fmt::format("{} {}", format_amount(money, Cents::kKeep), std::string_view(money.currency.data(), 3));
}

}  // namespace

std::optional<WriteOutcome> refuse_timed_price(const TimedPrice& price, std::array<char, 3> currency,
                                               Instant now) {
  constexpr size_t kMostVariants = 200;
  if (!is_id(price.operation)) return refused("a timed price needs the id of its operation");
  if (price.prices.empty() || price.prices.size() > kMostVariants)
    return refused(
        fmt::format("prices for {} variants; 1 to {} can be set", price.prices.size(), kMostVariants));
  if (price.window.begin >= price.window.end)
    return refused(fmt::format("it ends at {} and begins at {}", format_rfc3339(price.window.end),
                               format_rfc3339(price.window.begin)));
  if (price.window.end <= now)
    return refused(fmt::format("it ended at {}, and the shop's clock says {}",
                               format_rfc3339(price.window.end), format_rfc3339(now)));
  for (const auto& [ref, money] : price.prices) {
    if (ref.variant.empty() || ref.product != price.prices.begin()->first.product)
      return refused("a timed price is for variants of one product");
    if (money.currency != currency || money.minor <= 0)
      return refused(fmt::format("{} for {}: a price above 0 in {} can be set", shown(money), ref.text(),
                                 std::string_view(currency.data(), currency.size())));
  }
  return std::nullopt;
}

std::optional<WriteOutcome> refuse_timed_price(const TimedPrice& price,
                                               const std::vector<CatalogueItem>& items) {
  for (const auto& [ref, money] : price.prices) {
    const auto item = std::ranges::find(items, ref, &CatalogueItem::ref);
    if (item == items.end())
      return refused(fmt::format("{} is not in the shop, or can't be read", ref.text()));
    // The highest of them: what else runs now may be over when this one begins.
    const Money usual = std::max(
        {item->price, item->base_price.value_or(item->price), item->reference_price.value_or(item->price)});
    if (money >= usual)
      return refused(fmt::format("{} is not below the price of {}", shown(money), shown(usual)));
  }
  return std::nullopt;
}

}  // namespace vitrine::commerce
