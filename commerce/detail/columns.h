// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "commerce/item.h"
#include "commerce/table_access.h"
#include "core/error.h"

namespace SQLite {
class Database;
class Statement;
}  // namespace SQLite

namespace vitrine::commerce::detail {

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
