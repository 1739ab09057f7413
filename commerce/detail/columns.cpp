// SPDX-License-Identifier: Apache-2.0
#include "commerce/detail/columns.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <nlohmann/json.hpp>

namespace vitrine::commerce::detail {

void read_item_columns(SQLite::Statement& row, int first, CatalogueItem& item) {
  int at = first;
  for (auto* text : {&item.ref.product, &item.ref.variant, &item.sku, &item.title, &item.option,
                     &item.category, &item.image_url, &item.shop_url})
    *text = row.getColumn(at++).getString();
  item.availability = availability_from(row.getColumn(at++).getString());
  item.price.currency = currency_of(row.getColumn(at++).getString());
  item.price.minor = row.getColumn(at).getInt64();
}

int bind_item_columns(SQLite::Statement& statement, int first, const CatalogueItem& item) {
  int at = first;
  for (const auto* text : {&item.ref.product, &item.ref.variant, &item.sku, &item.title, &item.option,
                           &item.category, &item.image_url, &item.shop_url})
    statement.bind(at++, *text);
  statement.bind(at++, std::string(to_string(item.availability)));
  statement.bind(at++, std::string(item.price.currency.data(), item.price.currency.size()));
  statement.bind(at++, item.price.minor);
  return at;
}

std::string problems_text(const Problems& problems) {
  auto list = nlohmann::json::array();
  for (const auto& problem : problems)
    list.push_back({{"where", problem.where}, {"found", problem.found}, {"allowed", problem.allowed}});
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Problems problems_of(const std::string& text) {
  Problems problems;
  for (const auto& problem : nlohmann::json::parse(text))
    problems.push_back({problem.at("where"), problem.at("found"), problem.at("allowed")});
  return problems;
}

void save_cursor(SQLite::Database& database, const std::string& backend, const char* kind,
                 const std::string& value) {
  SQLite::Statement put(
      database,
      "INSERT INTO cursor(backend, kind, value) VALUES(?, ?, ?) ON CONFLICT(backend, kind) DO UPDATE "
      "SET value = excluded.value");
  put.bind(1, backend);
  put.bind(2, kind);
  put.bind(3, value);
  put.exec();
}

std::string load_cursor(SQLite::Database& database, const std::string& backend, const char* kind) {
  SQLite::Statement found(database, "SELECT value FROM cursor WHERE backend = ? AND kind = ?");
  found.bind(1, backend);
  found.bind(2, kind);
  return found.executeStep() ? found.getColumn(0).getString() : "";
}

}  // namespace vitrine::commerce::detail
