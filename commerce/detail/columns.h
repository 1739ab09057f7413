// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "commerce/item.h"
#include "core/error.h"
#include "core/media_time.h"

namespace SQLite {
class Column;
class Database;
class Statement;
}  // namespace SQLite

namespace vitrine::commerce::detail {

inline int64_t micros(Instant instant) {
  return instant.time_since_epoch().count();
}
inline Instant instant_of(int64_t micros) {
  return Instant{std::chrono::microseconds{micros}};
}
/// Of a column that the schema holds at three letters.
inline std::array<char, 3> currency_of(std::string_view text) {
  std::array<char, 3> currency{};
  text.copy(currency.data(), currency.size());
  return currency;
}

std::optional<int64_t> integer_or_null(const SQLite::Column& column);
void bind_optional(SQLite::Statement& statement, int at, std::optional<int64_t> value);

/// What tables of items have alike, in this order, from column `first` on: product, variant, sku, title,
/// option, category, image_url, shop_url, availability, currency, price.
void read_item_columns(SQLite::Statement& row, int first, CatalogueItem& item);
/// The same to be written; the column behind them.
int bind_item_columns(SQLite::Statement& statement, int first, const CatalogueItem& item);

/// Why a row was refused, as a column keeps it.
std::string problems_text(const Problems& problems);
Problems problems_of(const std::string& text);

void save_cursor(SQLite::Database& database, const std::string& backend, const char* kind,
                 const std::string& value);
/// Empty where there is none.
std::string load_cursor(SQLite::Database& database, const std::string& backend, const char* kind);

}  // namespace vitrine::commerce::detail
