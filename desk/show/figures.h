// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "commerce/order_book.h"
#include "core/media_time.h"
#include "core/money.h"
#include "desk/show/show_book.h"

namespace vitrine::desk {

/// What was sold. An order that was cancelled or refunded counts nowhere but in `cancelled`.
struct Tally {
  int64_t orders = 0;
  int64_t deposits = 0;  // of them, with a deposit paid and a balance open
  int64_t pieces = 0;
  int64_t sales_minor = 0;
};

struct Figures {
  Tally all;
  int64_t cancelled = 0;
  std::map<commerce::Ref, Tally> items;
  Tally others;                        // lines that are of no item of ours
  std::map<std::string, Tally> hosts;  // by who was on air when it was placed
  std::map<commerce::Ref, std::chrono::seconds> on_air;
  std::optional<int64_t> viewers;
  /// Orders by viewer, in thousandths; nothing where nobody knows the viewers.
  std::optional<int64_t> conversion_permille;
  std::optional<int64_t> target_permille;  // of the show's target
  struct Newest {
    std::string name;  // masked
    commerce::Ref item;
    std::string sku;
    int64_t quantity = 0;
    Instant placed_at{};
  };
  std::vector<Newest> newest;  // for the ticker, the newest first
};

/// A function of its arguments. `lines`: placed while the show was on, in their order.
Figures count(const Show& show, const std::vector<ShowStep>& steps,
              const std::vector<commerce::OrderBook::ShowLine>& lines,
              const std::map<std::string, int64_t>& viewers, Instant now);

}  // namespace vitrine::desk
