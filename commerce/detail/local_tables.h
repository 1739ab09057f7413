// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "commerce/local_shop.h"
#include "commerce/order.h"

namespace vitrine::commerce::detail {

/// A row of local_item, and what it costs at an instant.
struct LocalRow {
  LocalItem local;  // `local.item.price` with, `base_price` without a timed one
  std::optional<int64_t> table_stock;
  int64_t revision = 0;
};

/// The items of one transaction; statements are prepared once for all its rows.
class LocalItems {
 public:
  explicit LocalItems(SQLite::Database& database);

  std::optional<LocalRow> find(const Ref& ref, Instant at);
  /// Writes `row` under a new revision, which it returns; `local.item.price` is the one without a timed
  /// price. A new edition with `Edit::kAll`.
  enum class Edit { kStock, kAll };
  int64_t put(const LocalRow& row, Edit edit, Instant now);
  /// Keeps the stock that a table said, where nothing else changed.
  void note_table_stock(const Ref& ref, std::optional<int64_t> stock);
  /// The highest price of a timed price of `ref` that has not ended.
  std::optional<int64_t> highest_timed_price(const Ref& ref, Instant now);

 private:
  SQLite::Statement find_;
  SQLite::Statement put_;
  SQLite::Statement note_;
  SQLite::Statement highest_;
  SQLite::Database& database_;
};

/// Rows after `revision`, in its order, at most `most`.
std::vector<LocalRow> local_items_after(SQLite::Database& database, int64_t revision, int most, Instant at);

int64_t next_local_revision(SQLite::Database& database);
int64_t last_local_revision(SQLite::Database& database);

std::optional<Order> find_local_order(SQLite::Database& database, int64_t id);
/// The id in a text that a backend's caller gives; nullopt for what was never one.
std::optional<int64_t> local_id_of(const std::string& text);

}  // namespace vitrine::commerce::detail
