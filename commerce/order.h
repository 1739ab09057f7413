// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/item.h"

namespace vitrine::commerce {

/// How far an order has come, as every backend can say it.
enum class OrderState { kUnknown = 0, kOpen, kDepositPaid, kPaid, kShipped, kCancelled, kRefunded };

struct OrderLine {
  std::string id;  // the backend's, unique within the order
  Ref ref;
  std::string sku;
  int64_t quantity = 0;
  Money unit_price;
};

struct Payment {
  std::string id;
  Money amount;
  Instant at{};
};

/// One order as a backend holds it now. Personal data is not asked for: who bought is the backend's business,
/// but for a name to read out, already masked ("张*").
struct Order {
  std::string id;
  std::string number;  // that people say
  OrderState state = OrderState::kUnknown;
  Money total;
  std::vector<OrderLine> lines;
  std::vector<Payment> payments;
  std::string masked_name;
  std::string room;  // live room the platform credits it to; mostly empty
  Instant placed_at{};
  std::string version;

  /// What is still owed. Never below zero.
  [[nodiscard]] Money balance() const;
  /// Nothing about it changes any more, so that it need not be read again. A payment or a refund does not
  /// move "updated at" on every backend (Vendure, Medusa): what is not final is read by id.
  [[nodiscard]] bool is_final() const;
};

std::string_view to_string(OrderState state);
OrderState order_state_from(std::string_view name);

}  // namespace vitrine::commerce
