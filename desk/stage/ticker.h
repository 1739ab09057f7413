// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/shop_data.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::desk {

/// An order as the ticker tells of it.
struct TickerOrder {
  std::string masked_name;  // as the shop's orders are kept; may be empty
  std::string title;        // of its first item; empty where none of it is ours
  int64_t pieces = 0;       // of all of it
  bool has_more = false;    // than that item
};

/// Of the show that began at `since`, as many as the ticker has rows, the newest first. Those that were
/// cancelled or refunded are none.
Result<std::vector<TickerOrder>> newest_orders(const commerce::ShopData& data, Instant since,
                                               const std::string& room);

/// The data of the template `ticker`; null where there is no order. Of a name only its first character is
/// told, however it was masked before.
nlohmann::json ticker_data(const std::vector<TickerOrder>& orders);

}  // namespace vitrine::desk
