// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/order.h"
#include "commerce/store.h"

namespace SQLite {
class Statement;
}

namespace vitrine::commerce {

/// The shop's orders as the backend last told them.
/// Threads: any.
class OrderBook {
 public:
  OrderBook(Store& store, std::string backend) : store_(store), backend_(std::move(backend)) {}

  struct Applied {
    int64_t added = 0;
    int64_t changed = 0;
    int64_t unchanged = 0;
    int64_t refused = 0;
  };
  /// An order that could not be read: it is read again with those that can still change.
  struct Refusal {
    std::string id;
    Problems problems;
    Instant first_at{};
    Instant last_at{};
  };
  /// Orders and the cursor behind them in one transaction.
  Result<Applied> apply(const ChangedOrders& changes, Instant now);
  /// Those that were read by id.
  Result<Applied> apply(const ReadOrders& read, Instant now);

  [[nodiscard]] Result<std::string> cursor() const;
  /// Ids of those that were refused or can still change, the newest first: payments and refunds move no
  /// cursor on some backends.
  [[nodiscard]] Result<std::vector<std::string>> not_final(int most) const;

  enum class Which { kAll, kUnpaid, kOpenBalance, kUnshipped };
  /// The newest first.
  [[nodiscard]] Result<std::vector<Order>> list(Which which, int most) const;
  /// The newest first.
  [[nodiscard]] Result<std::vector<Refusal>> refused() const;
  /// Pieces of `ref` in orders placed in `window` that were not cancelled: what the show has sold, whatever
  /// the backend's stock says (two of three oversell).
  [[nodiscard]] Result<int64_t> sold(const Ref& ref, const Window& window) const;

  /// A line of an order placed during a show.
  struct ShowLine {
    std::string order;  // its id
    std::string number;
    OrderState state = OrderState::kUnknown;
    OrderLine line;
    std::optional<Ref>
        item;  // of ours: by its ref, else by its sku where one item alone has that; nullopt: none
    Instant placed_at{};
    std::string masked_name;
  };
  /// In the order in which they were placed. An order that is credited to another live room than `room` is
  /// none of this show's; one that is credited to no room is.
  [[nodiscard]] Result<std::vector<ShowLine>> in_window(const Window& window, const std::string& room) const;
  /// The same of the newest `most` orders since then that stand: neither cancelled nor refunded.
  [[nodiscard]] Result<std::vector<ShowLine>> newest(Instant since, const std::string& room, int most) const;

 private:
  Result<Applied> apply(const std::vector<Order>& orders, const std::vector<RefusedOrder>& refused,
                        const std::string* cursor, Instant now);
  [[nodiscard]] Result<std::vector<ShowLine>> show_lines(
      const std::string& condition, const std::function<void(SQLite::Statement&)>& bind) const;

  Store& store_;
  const std::string backend_;
};

/// One line a line item, with a title row; UTF-8 with a byte order mark, as spreadsheet programs want it.
std::string to_csv(const std::vector<Order>& orders);

}  // namespace vitrine::commerce
