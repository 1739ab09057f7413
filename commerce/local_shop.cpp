// SPDX-License-Identifier: Apache-2.0
#include "commerce/local_shop.h"

#include <algorithm>
#include <set>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/columns.h"
#include "commerce/detail/local_tables.h"
#include "commerce/table_access.h"
#include "core/text_rules.h"

namespace vitrine::commerce {
namespace {

using detail::LocalItems;
using detail::LocalRow;

constexpr size_t kMostOrderLines = 100;
constexpr int64_t kMostPieces = 100'000;
constexpr size_t kMostNameBytes = 60;
constexpr size_t kMostOperationBytes = 128;

/// What of an item staff decide, so that two are the same to them or are not.
bool is_same_edition(const LocalItem& a, const LocalItem& b) {
  const auto plain = [](CatalogueItem item) {
    item.price = item.base_price.value_or(item.price);
    item.base_price.reset();
    item.stock.reset();
    item.version.clear();
    return item;
  };
  return plain(a.item) == plain(b.item) && a.reference_basis == b.reference_basis;
}

Problems check_local(const LocalItem& local, const RowRules& rules, std::optional<int64_t> highest_timed) {
  const CatalogueItem& item = local.item;
  Problems problems = check_row(item, rules);
  if (local.reference_basis.size() > kMostNameBytes || find_unsafe_character(local.reference_basis))
    problems.push_back({"reference basis", "a long or unsafe text", "a few words, such as 门店价"});
  if (item.reference_price && item.reference_price->minor <= item.price.minor) {
    problems.push_back({"reference price", format_amount(*item.reference_price, Cents::kKeep),
                        "above the price of " + format_amount(item.price, Cents::kKeep) + ", or none"});
  }
  if (highest_timed && *highest_timed >= item.price.minor) {
    problems.push_back({"price", format_amount(item.price, Cents::kKeep),
                        fmt::format("above its timed price of {}, or that one is ended first",
                                    format_amount({*highest_timed, item.price.currency}, Cents::kKeep))});
  }
  if (item.availability != Availability::kListed && item.availability != Availability::kDelisted &&
      item.availability != Availability::kDeleted)
    problems.push_back(
        {"availability", std::string(to_string(item.availability)), "listed, delisted or deleted"});
  return problems;
}

/// `known` with what the table says about it.
LocalRow merged(const ItemTable& table, const TableItem& read, const std::optional<LocalRow>& known) {
  LocalRow row = known.value_or(LocalRow{});
  CatalogueItem& item = row.local.item;
  const bool is_back = item.availability == Availability::kDeleted || !known;
  item.ref = read.item.ref;
  item.sku = read.item.sku;
  item.title = read.item.title;
  item.price = read.item.price;
  item.base_price.reset();
  if (table.has(TableColumn::kOption)) item.option = read.item.option;
  if (table.has(TableColumn::kCategory)) item.category = read.item.category;
  if (table.has(TableColumn::kReferencePrice)) item.reference_price = read.item.reference_price;
  if (table.has(TableColumn::kReferenceBasis)) row.local.reference_basis = read.reference_basis;
  if (table.has(TableColumn::kPhoto) || !read.item.image_url.empty()) item.image_url = read.item.image_url;
  if (table.has(TableColumn::kLink)) item.shop_url = read.item.shop_url;
  if (table.has(TableColumn::kStatus) || is_back) {
    item.availability = read.item.availability;
    item.is_presale = read.item.is_presale;
  }
  if (table.has(TableColumn::kStock)) {
    if (!known || row.table_stock != read.item.stock) item.stock = read.item.stock;
    row.table_stock = read.item.stock;
  }
  return row;
}

/// One import; its statements and its count.
class TableImport {
 public:
  TableImport(SQLite::Database& database, const RowRules& rules, Instant now, LocalShop::Imported& imported)
      : items_(database), rules_(rules), now_(now), imported_(imported) {}

  void take(const ItemTable& table, const TableItem& read) {
    const auto known = items_.find(read.item.ref, now_);
    const LocalRow row = merged(table, read, known);
    Problems problems = check_local(row.local, rules_, items_.highest_timed_price(read.item.ref, now_));
    if (!problems.empty()) {
      for (auto& problem : problems)
        problem.where =
            fmt::format("row {}, {}", read.row,
                        problem.where == "price" ? table.columns.at(TableColumn::kPrice) : problem.where);
      imported_.refused.push_back({read.row, read.item.ref, std::move(problems)});
      return;
    }
    imported_.remarks.insert(imported_.remarks.end(), read.remarks.begin(), read.remarks.end());
    const bool is_same_stock = known && known->local.item.stock == row.local.item.stock;
    const bool is_same = known && is_same_edition(known->local, row.local);
    if (is_same && is_same_stock) {
      if (known->table_stock != row.table_stock) items_.note_table_stock(read.item.ref, row.table_stock);
      ++imported_.unchanged;
      return;
    }
    items_.put(row, is_same ? LocalItems::Edit::kStock : LocalItems::Edit::kAll, now_);
    ++(known ? imported_.changed : imported_.added);
  }

 private:
  LocalItems items_;
  const RowRules& rules_;
  const Instant now_;
  LocalShop::Imported& imported_;
};

int64_t count_missing(SQLite::Database& database, const ItemTable& table) {
  std::set<Ref> named;
  for (const auto& read : table.items) named.insert(read.item.ref);
  for (const auto& refused : table.refused) named.insert(refused.ref);
  SQLite::Statement found(database,
                          "SELECT product, variant FROM local_item WHERE availability <> 'deleted'");
  int64_t missing = 0;
  while (found.executeStep())
    if (!named.contains({found.getColumn(0).getString(), found.getColumn(1).getString()})) ++missing;
  return missing;
}

/// For people: "P1/red".
std::string line_of(const Ref& ref) {
  return "line " + ref.text();
}

Problems check_reservation(const LocalShop::Reservation& reservation, const RowRules& rules) {
  Problems problems;
  if (reservation.operation.empty() || reservation.operation.size() > kMostOperationBytes ||
      find_unsafe_character(reservation.operation))
    problems.push_back({"operation", fmt::format("{} bytes", reservation.operation.size()),
                        fmt::format("1 to {} bytes", kMostOperationBytes)});
  if (reservation.lines.empty() || reservation.lines.size() > kMostOrderLines)
    problems.push_back(
        {"lines", std::to_string(reservation.lines.size()), fmt::format("1 to {}", kMostOrderLines)});
  const std::string& name = reservation.masked_name;
  if (name.size() > kMostNameBytes || find_unsafe_character(name) ||
      (!name.empty() && name.find('*') == std::string::npos))
    problems.push_back({"name", "a name in full, or no name", "masked, such as 张*, or nothing"});
  if (reservation.room.size() > kMostOperationBytes || find_unsafe_character(reservation.room))
    problems.push_back({"room", fmt::format("{} bytes", reservation.room.size()),
                        fmt::format("at most {} bytes", kMostOperationBytes)});
  for (const auto& line : reservation.lines) {
    if (line.quantity < 1 || line.quantity > kMostPieces)
      problems.push_back(
          {line_of(line.ref), std::to_string(line.quantity), fmt::format("1 to {} pieces", kMostPieces)});
    if (line.unit_price && (line.unit_price->currency != rules.currency || line.unit_price->minor < 1 ||
                            line.unit_price->minor > rules.highest_price_minor))
      problems.push_back({line_of(line.ref), format_amount(*line.unit_price, Cents::kKeep),
                          "a price in the shop's currency, above 0"});
  }
  return problems;
}

/// One order being written.
class OrderWriter {
 public:
  OrderWriter(SQLite::Database& database, const RowRules& rules, Instant now)
      : database_(database), items_(database), rules_(rules), now_(now) {}

  /// The order that this operation made already.
  std::optional<int64_t> find(const std::string& operation) {
    SQLite::Statement found(database_, "SELECT id FROM local_purchase WHERE operation = ?");
    found.bind(1, operation);
    return found.executeStep() ? std::optional(found.getColumn(0).getInt64()) : std::nullopt;
  }

  Result<int64_t> place(const LocalShop::Reservation& reservation) {
    std::vector<OrderLine> lines;
    std::vector<int64_t> held;
    Problems problems;
    Money total{0, rules_.currency};
    for (const auto& wish : reservation.lines) {
      auto row = items_.find(wish.ref, now_);
      if (!row || row->local.item.availability == Availability::kDeleted) {
        problems.push_back({line_of(wish.ref), "nothing", "an item of this shop"});
        continue;
      }
      CatalogueItem& item = row->local.item;
      const Money price = wish.unit_price.value_or(item.price);
      int64_t sum = 0;
      if (price.currency != total.currency || __builtin_mul_overflow(price.minor, wish.quantity, &sum) ||
          __builtin_add_overflow(total.minor, sum, &total.minor)) {
        problems.push_back(
            {line_of(wish.ref), format_amount(price, Cents::kKeep), "a sum that can be counted"});
        continue;
      }
      if (item.stock && *item.stock < wish.quantity) {
        problems.push_back({line_of(wish.ref), fmt::format("{} pieces wished", wish.quantity),
                            fmt::format("at most {}, that is what is left", *item.stock)});
        continue;
      }
      if (item.stock) change_stock(*row, -wish.quantity);
      held.push_back(item.stock ? wish.quantity : 0);
      lines.push_back({std::to_string(lines.size() + 1), wish.ref, item.sku, wish.quantity, price});
    }
    if (!problems.empty()) return tl::unexpected(to_error(problems));
    const int64_t id = insert(reservation, total);
    for (size_t i = 0; i < lines.size(); ++i) insert_line(id, static_cast<int64_t>(i) + 1, lines[i], held[i]);
    return id;
  }

  void add(int64_t order, const Payment& payment) {
    SQLite::Statement insert(database_, "INSERT INTO local_payment VALUES(?, ?, ?, ?)");
    insert.bind(1, order);
    insert.bind(2, payment.id);
    insert.bind(3, payment.amount.minor);
    insert.bind(4, micros(payment.at == Instant{} ? now_ : payment.at));
    insert.exec();
  }

  void set_state(int64_t order, OrderState state) {
    SQLite::Statement update(database_, "UPDATE local_purchase SET state = ?, revision = ? WHERE id = ?");
    update.bind(1, std::string(to_string(state)));
    update.bind(2, detail::next_local_revision(database_));
    update.bind(3, order);
    update.exec();
  }

  void give_back(int64_t order) {
    SQLite::Statement held(database_,
                           "SELECT product, variant, held FROM local_purchase_line WHERE purchase = ?");
    held.bind(1, order);
    while (held.executeStep()) {
      auto row = items_.find({held.getColumn(0).getString(), held.getColumn(1).getString()}, now_);
      if (row && row->local.item.stock) change_stock(*row, held.getColumn(2).getInt64());
    }
    SQLite::Statement none(database_, "UPDATE local_purchase_line SET held = 0 WHERE purchase = ?");
    none.bind(1, order);
    none.exec();
  }

 private:
  void change_stock(LocalRow row, int64_t by) {
    CatalogueItem& item = row.local.item;
    item.stock = *item.stock + by;
    item.price = item.base_price.value_or(item.price);
    items_.put(row, LocalItems::Edit::kStock, now_);
  }
  int64_t insert(const LocalShop::Reservation& reservation, const Money& total) {
    SQLite::Statement insert(
        database_,
        "INSERT INTO local_purchase(operation, state, currency, total, masked_name, room, placed_at, "
        "revision) VALUES(?, 'open', ?, ?, ?, ?, ?, ?)");
    insert.bind(1, reservation.operation);
    insert.bind(2, std::string(total.currency.data(), total.currency.size()));
    insert.bind(3, total.minor);
    insert.bind(4, reservation.masked_name);
    insert.bind(5, reservation.room);
    insert.bind(6, micros(now_));
    insert.bind(7, detail::next_local_revision(database_));
    insert.exec();
    return database_.getLastInsertRowid();
  }
  void insert_line(int64_t order, int64_t number, const OrderLine& line, int64_t held) {
    SQLite::Statement insert(database_, "INSERT INTO local_purchase_line VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(1, order);
    insert.bind(2, number);
    insert.bind(3, line.ref.product);
    insert.bind(4, line.ref.variant);
    insert.bind(5, line.sku);
    insert.bind(6, line.quantity);
    insert.bind(7, held);
    insert.bind(8, line.unit_price.minor);
    insert.exec();
  }

  SQLite::Database& database_;
  LocalItems items_;
  const RowRules& rules_;
  const Instant now_;
};

/// Two sendings of one form say the same.
bool is_same_wish(const Order& order, const LocalShop::Reservation& reservation) {
  return std::ranges::equal(order.lines, reservation.lines, [](const OrderLine& line, const auto& wish) {
    return line.ref == wish.ref && line.quantity == wish.quantity;
  });
}

Result<Order> order_of(SQLite::Database& database, const std::string& id) {
  const auto number = detail::local_id_of(id);
  auto order = number ? detail::find_local_order(database, *number) : std::nullopt;
  if (!order) return fail(ErrorCode::kNotFound, "no order " + (number ? id : std::string("of that id")));
  return *order;
}

tl::unexpected<Error> refuse_order(const Order& order, const char* where, std::string found,
                                   std::string allowed) {
  return tl::unexpected(to_error(
      Problems{{fmt::format("order {}, {}", order.number, where), std::move(found), std::move(allowed)}}));
}

}  // namespace

Result<LocalShop::Imported> LocalShop::import_table(const ItemTable& table, Trial trial) {
  Imported imported;
  bool is_tried = false;
  auto done = store_.write([&](SQLite::Database& database) -> Status {
    imported = {};
    imported.refused = table.refused;
    imported.missing = count_missing(database, table);
    TableImport running(database, rules_, clock_(), imported);
    for (const auto& read : table.items) running.take(table, read);
    is_tried = trial == Trial::kPreview;
    if (is_tried) return fail(ErrorCode::kStopped, "only tried");  // nothing of it stays
    return {};
  });
  if (!done && !is_tried) return tl::unexpected(done.error());
  std::ranges::sort(imported.refused, {}, &RefusedTableRow::row);
  return imported;
}

Result<int64_t> LocalShop::put_item(const LocalItem& item) {
  return written_to<int64_t>(store_, [&](SQLite::Database& database) -> Result<int64_t> {
    const Instant now = clock_();
    LocalItems items(database);
    const auto known = items.find(item.item.ref, now);
    LocalRow row{item, known ? known->table_stock : std::nullopt, 0};
    row.local.item.base_price.reset();
    if (known && is_same_edition(known->local, row.local)) return known->local.edition;
    const bool is_there =
        known && (item.edition != 0 || known->local.item.availability != Availability::kDeleted);
    if (is_there && known->local.edition != item.edition) {
      return fail(ErrorCode::kStaleRevision,
                  item.item.ref.text() +
                      (item.edition == 0 ? " is there already" : " was changed by somebody else meanwhile"));
    }
    if (!is_there && item.edition != 0)
      return fail(ErrorCode::kNotFound, item.item.ref.text() + " is not in the shop");
    if (is_there) row.local.item.stock = known->local.item.stock;
    if (const auto problems = check_local(row.local, rules_, items.highest_timed_price(item.item.ref, now));
        !problems.empty())
      return tl::unexpected(to_error(problems));
    return items.put(row, LocalItems::Edit::kAll, now);
  });
}

Result<std::optional<LocalItem>> LocalShop::find(const Ref& ref) const {
  std::optional<LocalItem> found;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    auto row = LocalItems(database).find(ref, clock_());
    if (!row) return {};
    row->local.item.price = row->local.item.base_price.value_or(row->local.item.price);
    row->local.item.base_price.reset();
    found = std::move(row->local);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return found;
}

Result<Order> LocalShop::reserve(const Reservation& reservation) {
  if (const auto problems = check_reservation(reservation, rules_); !problems.empty())
    return tl::unexpected(to_error(problems));
  return written_to<Order>(store_, [&](SQLite::Database& database) -> Result<Order> {
    OrderWriter writer(database, rules_, clock_());
    if (const auto before = writer.find(reservation.operation)) {
      auto order = detail::find_local_order(database, *before);
      if (!order || !is_same_wish(*order, reservation))
        return fail(ErrorCode::kInvalidInput, "this form was sent before, with other lines");
      return *order;
    }
    const auto placed = writer.place(reservation);
    if (!placed) return tl::unexpected(placed.error());
    return *detail::find_local_order(database, *placed);
  });
}

Result<Order> LocalShop::pay(const std::string& id, const Payment& payment) {
  return written_to<Order>(store_, [&](SQLite::Database& database) -> Result<Order> {
    auto order = order_of(database, id);
    if (!order) return order;
    const std::string amount = format_amount(payment.amount, Cents::kKeep);
    const auto before = std::ranges::find(order->payments, payment.id, &Payment::id);
    if (before != order->payments.end()) {
      if (before->amount == payment.amount) return order;
      return refuse_order(
          *order, "payment", amount,
          "the amount that this form recorded before: " + format_amount(before->amount, Cents::kKeep));
    }
    if (payment.id.empty() || payment.id.size() > kMostOperationBytes || find_unsafe_character(payment.id))
      return refuse_order(*order, "payment", "no id, or one that is too long", "the id of the form");
    if (order->state != OrderState::kOpen && order->state != OrderState::kDepositPaid)
      return refuse_order(*order, "payment", std::string(to_string(order->state)),
                          "an order on which something is owed");
    const Money owed = order->balance();
    if (payment.amount.currency != owed.currency || payment.amount.minor < 1 ||
        payment.amount.minor > owed.minor)
      return refuse_order(
          *order, "payment", amount,
          fmt::format("above 0 and at most {}, what is owed", format_amount(owed, Cents::kKeep)));
    OrderWriter writer(database, rules_, clock_());
    writer.add(*detail::local_id_of(id), payment);
    writer.set_state(*detail::local_id_of(id),
                     payment.amount == owed ? OrderState::kPaid : OrderState::kDepositPaid);
    return order_of(database, id);
  });
}

Result<Order> LocalShop::close(const std::string& id, OrderState state) {
  return written_to<Order>(store_, [&](SQLite::Database& database) -> Result<Order> {
    auto order = order_of(database, id);
    if (!order || order->state == state) return order;
    const OrderState from = order->state;
    const bool is_allowed =
        (state == OrderState::kCancelled &&
         (from == OrderState::kOpen || from == OrderState::kDepositPaid)) ||
        (state == OrderState::kShipped && from == OrderState::kPaid) ||
        (state == OrderState::kRefunded &&
         (from == OrderState::kDepositPaid || from == OrderState::kPaid || from == OrderState::kShipped));
    if (!is_allowed) {
      return refuse_order(
          *order, "state", fmt::format("{} to {}", to_string(from), to_string(state)),
          "open or deposit_paid to cancelled; paid to shipped; deposit_paid, paid or shipped to refunded");
    }
    OrderWriter writer(database, rules_, clock_());
    if (state != OrderState::kShipped && from != OrderState::kShipped)
      writer.give_back(*detail::local_id_of(id));
    writer.set_state(*detail::local_id_of(id), state);
    return order_of(database, id);
  });
}

}  // namespace vitrine::commerce
