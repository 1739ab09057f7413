// SPDX-License-Identifier: Apache-2.0
#include "commerce/detail/local_tables.h"

#include <charconv>

#include <fmt/format.h>

#include "commerce/detail/columns.h"

namespace vitrine::commerce::detail {
namespace {

/// ?1 is the instant. Windows of one item never overlap, so that there is one price at most.
constexpr const char* kSelectLocalItem =
    "SELECT i.product, i.variant, i.sku, i.title, i.option, i.category, i.image_url, i.shop_url, "
    "i.availability, "
    "i.currency, i.price, i.reference_price, i.reference_basis, i.stock, i.table_stock, i.is_presale, "
    "i.revision, "
    "i.edition, t.price, t.timed_price FROM local_item AS i LEFT JOIN (SELECT x.product, x.variant, x.price, "
    "x.timed_price FROM local_timed_item AS x JOIN local_timed_price AS p ON p.id = x.timed_price "
    "WHERE p.begins_at <= ?1 AND p.ends_at > ?1) AS t ON t.product = i.product AND t.variant = i.variant ";

LocalRow local_row_of(SQLite::Statement& found) {
  LocalRow row;
  CatalogueItem& item = row.local.item;
  read_item_columns(found, 0, item);
  item.base_price = item.price;
  if (const auto minor = integer_or_null(found.getColumn(11)))
    item.reference_price = Money{*minor, item.price.currency};
  row.local.reference_basis = found.getColumn(12).getString();
  item.stock = integer_or_null(found.getColumn(13));
  row.table_stock = integer_or_null(found.getColumn(14));
  item.is_presale = found.getColumn(15).getInt() != 0;
  row.revision = found.getColumn(16).getInt64();
  row.local.edition = found.getColumn(17).getInt64();
  item.version = std::to_string(row.revision);
  if (const auto minor = integer_or_null(found.getColumn(18))) {
    item.price.minor = *minor;
    item.version += fmt::format("+{}", found.getColumn(19).getInt64());  // equal versions are equal rows
  }
  return row;
}

void bind_local_ref(SQLite::Statement& statement, int at, const Ref& ref) {
  statement.bind(at, ref.product);
  statement.bind(at + 1, ref.variant);
}

}  // namespace

LocalItems::LocalItems(SQLite::Database& database)
    : find_(database, std::string(kSelectLocalItem) + "WHERE i.product = ?2 AND i.variant = ?3"),
      put_(database,
           "INSERT INTO local_item(product, variant, sku, title, option, category, image_url, shop_url, "
           "availability, "
           "currency, price, reference_price, reference_basis, stock, table_stock, is_presale, revision, "
           "edition, "
           "changed_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(product, "
           "variant) "
           "DO UPDATE SET sku = excluded.sku, title = excluded.title, option = excluded.option, "
           "category = excluded.category, image_url = excluded.image_url, shop_url = excluded.shop_url, "
           "availability = excluded.availability, currency = excluded.currency, price = excluded.price, "
           "reference_price = excluded.reference_price, reference_basis = excluded.reference_basis, "
           "stock = excluded.stock, table_stock = excluded.table_stock, is_presale = excluded.is_presale, "
           "revision = excluded.revision, edition = excluded.edition, changed_at = excluded.changed_at"),
      note_(database, "UPDATE local_item SET table_stock = ? WHERE product = ? AND variant = ?"),
      highest_(database,
               "SELECT max(x.price) FROM local_timed_item AS x JOIN local_timed_price AS p ON p.id = "
               "x.timed_price "
               "WHERE x.product = ? AND x.variant = ? AND p.ends_at > ? AND p.ends_at > p.begins_at"),
      database_(database) {
}

std::optional<LocalRow> LocalItems::find(const Ref& ref, Instant at) {
  find_.reset();
  find_.bind(1, micros(at));
  bind_local_ref(find_, 2, ref);
  std::optional<LocalRow> row;
  if (find_.executeStep()) row = local_row_of(find_);
  find_.reset();
  return row;
}

int64_t LocalItems::put(const LocalRow& row, Edit edit, Instant now) {
  const CatalogueItem& item = row.local.item;
  const int64_t revision = next_local_revision(database_);
  put_.reset();
  int at = bind_item_columns(put_, 1, item);
  bind_optional(put_, at++, item.reference_price ? std::optional(item.reference_price->minor) : std::nullopt);
  put_.bind(at++, row.local.reference_basis);
  bind_optional(put_, at++, item.stock);
  bind_optional(put_, at++, row.table_stock);
  put_.bind(at++, item.is_presale ? 1 : 0);
  put_.bind(at++, revision);
  put_.bind(at++, edit == Edit::kAll ? revision : row.local.edition);
  put_.bind(at++, micros(now));
  put_.exec();
  return revision;
}

void LocalItems::note_table_stock(const Ref& ref, std::optional<int64_t> stock) {
  note_.reset();
  bind_optional(note_, 1, stock);
  bind_local_ref(note_, 2, ref);
  note_.exec();
}

std::optional<int64_t> LocalItems::highest_timed_price(const Ref& ref, Instant now) {
  highest_.reset();
  bind_local_ref(highest_, 1, ref);
  highest_.bind(3, micros(now));
  std::optional<int64_t> highest;
  if (highest_.executeStep()) highest = integer_or_null(highest_.getColumn(0));
  highest_.reset();
  return highest;
}

std::vector<LocalRow> local_items_after(SQLite::Database& database, int64_t revision, int most, Instant at) {
  SQLite::Statement found(
      database, std::string(kSelectLocalItem) + "WHERE i.revision > ?2 ORDER BY i.revision LIMIT ?3");
  found.bind(1, micros(at));
  found.bind(2, revision);
  found.bind(3, most);
  std::vector<LocalRow> rows;
  while (found.executeStep()) rows.push_back(local_row_of(found));
  return rows;
}

int64_t next_local_revision(SQLite::Database& database) {
  database.exec("UPDATE local_revision SET last = last + 1");
  return last_local_revision(database);
}

int64_t last_local_revision(SQLite::Database& database) {
  return database.execAndGet("SELECT last FROM local_revision").getInt64();
}

std::optional<Order> find_local_order(SQLite::Database& database, int64_t id) {
  SQLite::Statement found(
      database,
      "SELECT state, currency, total, masked_name, room, placed_at, revision FROM local_purchase "
      "WHERE id = ?");
  found.bind(1, id);
  if (!found.executeStep()) return std::nullopt;
  const auto currency = currency_of(found.getColumn(1).getString());
  Order order;
  order.id = std::to_string(id);
  order.number = fmt::format("{:06}", id);
  order.state = order_state_from(found.getColumn(0).getString());
  order.total = {found.getColumn(2).getInt64(), currency};
  order.masked_name = found.getColumn(3).getString();
  order.room = found.getColumn(4).getString();
  order.placed_at = instant_of(found.getColumn(5).getInt64());
  order.version = std::to_string(found.getColumn(6).getInt64());

  SQLite::Statement line(database,
                         "SELECT line, product, variant, sku, quantity, unit_price FROM local_purchase_line "
                         "WHERE purchase = ? ORDER BY line");
  line.bind(1, id);
  while (line.executeStep()) {
    order.lines.push_back({std::to_string(line.getColumn(0).getInt64()),
                           {line.getColumn(1).getString(), line.getColumn(2).getString()},
                           line.getColumn(3).getString(),
                           line.getColumn(4).getInt64(),
                           {line.getColumn(5).getInt64(), currency}});
  }
  SQLite::Statement payment(
      database, "SELECT payment, amount, paid_at FROM local_payment WHERE purchase = ? ORDER BY rowid");
  payment.bind(1, id);
  while (payment.executeStep()) {
    order.payments.push_back({payment.getColumn(0).getString(),
                              {payment.getColumn(1).getInt64(), currency},
                              instant_of(payment.getColumn(2).getInt64())});
  }
  return order;
}

std::optional<int64_t> local_id_of(const std::string& text) {
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc{} && end == text.data() + text.size() && id > 0 ? std::optional(id)
                                                                            : std::nullopt;
}

}  // namespace vitrine::commerce::detail
