// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>

#include "commerce/adapter.h"
#include "core/text_rules.h"

// What the catalogue, the order book and the puller build on in whatever an adapter reads.

namespace vitrine::commerce {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void require_shown(const Problems& problems) {
  require(!problems.empty());
  for (const auto& problem : problems) require(!find_unsafe_character(problem.text()));
}

inline void check(const ReadItems& read) {
  for (const auto& item : read.items) {
    require(!item.ref.product.empty() && item.ref.product.size() <= 128);
    require(!item.ref.variant.empty() && item.ref.variant.size() <= 128);
    require(!item.stock || *item.stock >= 0);
    const Problems problems = check_row(item, {item.price.currency});
    require(item.availability != Availability::kUnknown || !problems.empty());
    require(!item.reference_price || item.reference_price->minor > item.price.minor);
    require(!item.version.empty());
    if (!problems.empty()) require_shown(problems);
  }
  for (const auto& row : read.refused) require_shown(row.problems);
}

inline void check(const ReadOrders& read) {
  for (const auto& order : read.orders) {
    require(!order.id.empty() && order.state != OrderState::kUnknown);
    require(order.balance().minor >= 0 && !order.version.empty());
    require(!find_unsafe_character(order.masked_name));
    for (const auto& line : order.lines) require(line.quantity >= 0);
  }
  for (const auto& row : read.refused) require_shown(row.problems);
}

inline void check(const Adapter::Event& event) {
  require(!event.id.empty() && event.id.size() <= 128);
  for (const auto& ref : event.items) require(!ref.product.empty() || !ref.variant.empty());
  require(!event.items.empty() || !event.orders.empty() || event.is_catalogue || event.is_orders);
}

}  // namespace vitrine::commerce
