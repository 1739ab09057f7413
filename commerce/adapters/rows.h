// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "commerce/adapter.h"
#include "commerce/order.h"
#include "core/media_time.h"

// What the mappers of all backends share.

namespace vitrine::commerce {

/// What every backend can say about an order. Their own states mix payment, delivery and cancelling; money
/// decides.
struct OrderFacts {
  bool is_placed = true;
  bool is_cancelled = false;
  bool is_shipped = false;
  int64_t total_minor = 0;
  int64_t paid_minor = 0;
  int64_t refunded_minor = 0;
};

inline OrderState order_state(const OrderFacts& facts) {
  if (facts.refunded_minor > 0 && facts.refunded_minor >= facts.paid_minor) return OrderState::kRefunded;
  if (facts.is_cancelled) return OrderState::kCancelled;
  if (facts.is_shipped) return OrderState::kShipped;
  if (facts.paid_minor >= facts.total_minor && (facts.is_placed || facts.paid_minor > 0))
    return OrderState::kPaid;
  return facts.paid_minor > 0 ? OrderState::kDepositPaid : OrderState::kOpen;
}

/// A row of a page: with those that can be read, or with those that can't. Each by itself.
inline void add(ReadItems& read, tl::expected<CatalogueItem, RefusedRow> row) {
  if (row)
    read.items.push_back(std::move(*row));
  else
    read.refused.push_back(std::move(row.error()));
}
inline void add(ReadOrders& read, tl::expected<Order, RefusedOrder> row) {
  if (row)
    read.orders.push_back(std::move(*row));
  else
    read.refused.push_back(std::move(row.error()));
}

/// "王*": what may be read out. Of what is not a name, nothing.
std::string masked_name(const std::string& family_name);

/// "https://shop.example/p/{handle}" with the handle in its place; empty where either is not there.
std::string page_address(const std::string& pattern, const std::string& handle);

/// As backends count: cut down, so that an instant that went there and came back is the same.
int64_t unix_millis(Instant instant);
Instant from_unix_millis(int64_t millis);

}  // namespace vitrine::commerce
