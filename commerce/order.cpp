// SPDX-License-Identifier: Apache-2.0
#include "commerce/order.h"

#include <algorithm>
#include <array>

namespace vitrine::commerce {
namespace {

constexpr std::array<std::string_view, 7> kStateNames = {"unknown", "open",      "deposit_paid", "paid",
                                                         "shipped", "cancelled", "refunded"};

}  // namespace

Money Order::balance() const {
  int64_t paid = 0;
  for (const auto& payment : payments) paid += payment.amount.minor;
  return {std::max<int64_t>(0, total.minor - paid), total.currency};
}

bool Order::is_final() const {
  return state == OrderState::kShipped || state == OrderState::kCancelled || state == OrderState::kRefunded;
}

std::string_view to_string(OrderState state) {
  return kStateNames[static_cast<size_t>(state)];
}

OrderState order_state_from(std::string_view name) {
  const auto* found = std::ranges::find(kStateNames, name);
  return found == kStateNames.end() ? OrderState::kUnknown
                                    : static_cast<OrderState>(std::distance(kStateNames.begin(), found));
}

}  // namespace vitrine::commerce
