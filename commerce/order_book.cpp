// SPDX-License-Identifier: Apache-2.0
#include "commerce/order_book.h"

#include <algorithm>
#include <set>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/columns.h"
#include "core/rfc3339.h"

namespace vitrine::commerce {
namespace {

constexpr const char* kPurchaseColumns =
    "id, backend_id, number, state, currency, total, masked_name, room, placed_at";

/// Lines and payments of one order, by its row.
void read_parts(SQLite::Database& database, int64_t row, Order& order) {
  SQLite::Statement lines(
      database,
      "SELECT line, product, variant, sku, quantity, unit_price FROM purchase_line WHERE purchase = ? "
      "ORDER BY line");
  lines.bind(1, row);
  while (lines.executeStep())
    order.lines.push_back({lines.getColumn(0).getString(),
                           {lines.getColumn(1).getString(), lines.getColumn(2).getString()},
                           lines.getColumn(3).getString(),
                           lines.getColumn(4).getInt64(),
                           {lines.getColumn(5).getInt64(), order.total.currency}});
  SQLite::Statement payments(
      database, "SELECT payment, amount, paid_at FROM payment WHERE purchase = ? ORDER BY payment");
  payments.bind(1, row);
  while (payments.executeStep())
    order.payments.push_back({payments.getColumn(0).getString(),
                              {payments.getColumn(1).getInt64(), order.total.currency},
                              instant_of(payments.getColumn(2).getInt64())});
}

Order order_of(SQLite::Database& database, SQLite::Statement& found) {
  Order order;
  order.id = found.getColumn(1).getString();
  order.number = found.getColumn(2).getString();
  order.state = order_state_from(found.getColumn(3).getString());
  order.total = {found.getColumn(5).getInt64(), currency_of(found.getColumn(4).getString())};
  order.masked_name = found.getColumn(6).getString();
  order.room = found.getColumn(7).getString();
  order.placed_at = instant_of(found.getColumn(8).getInt64());
  read_parts(database, found.getColumn(0).getInt64(), order);
  return order;
}

class PurchaseWriter {
 public:
  PurchaseWriter(SQLite::Database& database, const std::string& backend, Instant now)
      : database_(database),
        backend_(backend),
        now_(micros(now)),
        find_(database,
              fmt::format("SELECT {} FROM purchase WHERE backend = ? AND backend_id = ?", kPurchaseColumns)),
        put_(database,
             "INSERT INTO purchase(backend, backend_id, number, state, currency, total, masked_name, room, "
             "placed_at, "
             "is_final, version, changed_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?) "
             "ON CONFLICT(backend, backend_id) DO UPDATE SET number = excluded.number, state = "
             "excluded.state, "
             "currency = excluded.currency, total = excluded.total, masked_name = excluded.masked_name, "
             "room = excluded.room, placed_at = excluded.placed_at, is_final = excluded.is_final, "
             "version = purchase.version + 1, changed_at = excluded.changed_at RETURNING id"),
        clear_lines_(database, "DELETE FROM purchase_line WHERE purchase = ?"),
        clear_payments_(database, "DELETE FROM payment WHERE purchase = ?"),
        put_line_(database, "INSERT INTO purchase_line VALUES(?, ?, ?, ?, ?, ?, ?)"),
        put_payment_(database, "INSERT INTO payment VALUES(?, ?, ?, ?)"),
        refuse_(database,
                "INSERT INTO refused_purchase(backend, backend_id, problems, first_at, last_at) "
                "VALUES(?, ?, ?, ?4, ?4) ON CONFLICT(backend, backend_id) DO UPDATE SET "
                "problems = excluded.problems, last_at = excluded.last_at"),
        accept_(database, "DELETE FROM refused_purchase WHERE backend = ? AND backend_id = ?") {}

  void put(const Order& order, OrderBook::Applied& applied) {
    accept_.reset();
    accept_.bind(1, backend_);
    accept_.bind(2, order.id);
    accept_.exec();
    find_.reset();
    find_.bind(1, backend_);
    find_.bind(2, order.id);
    const bool is_known = find_.executeStep();
    const bool is_same = is_known && is_equal(order_of(database_, find_), order);
    find_.reset();
    if (is_same) {
      ++applied.unchanged;
      return;
    }
    write(order);
    ++(is_known ? applied.changed : applied.added);
  }

  void refuse(const RefusedOrder& order, OrderBook::Applied& applied) {
    refuse_.reset();
    refuse_.bind(1, backend_);
    refuse_.bind(2, order.id);
    refuse_.bind(3, detail::problems_text(order.problems));
    refuse_.bind(4, now_);
    refuse_.exec();
    ++applied.refused;
  }

 private:
  static bool is_equal(const Order& a, const Order& b) {
    const auto line = [](const OrderLine& x) {
      return std::tie(x.id, x.ref, x.sku, x.quantity, x.unit_price);
    };
    const auto payment = [](const Payment& x) { return std::tie(x.id, x.amount, x.at); };
    const auto head = [](const Order& x) {
      return std::tie(x.number, x.state, x.total, x.masked_name, x.room, x.placed_at);
    };
    return head(a) == head(b) &&
           std::ranges::is_permutation(a.lines, b.lines,
                                       [&](const auto& x, const auto& y) { return line(x) == line(y); }) &&
           std::ranges::is_permutation(a.payments, b.payments, [&](const auto& x, const auto& y) {
             return payment(x) == payment(y);
           });
  }

  void write(const Order& order) {
    put_.reset();
    put_.bind(1, backend_);
    put_.bind(2, order.id);
    put_.bind(3, order.number);
    put_.bind(4, std::string(to_string(order.state)));
    put_.bind(5, std::string(order.total.currency.data(), order.total.currency.size()));
    put_.bind(6, order.total.minor);
    put_.bind(7, order.masked_name);
    put_.bind(8, order.room);
    put_.bind(9, micros(order.placed_at));
    put_.bind(10, order.is_final() ? 1 : 0);
    put_.bind(11, now_);
    put_.executeStep();
    const int64_t row = put_.getColumn(0).getInt64();
    while (put_.executeStep()) {
    }
    for (auto* clear : {&clear_lines_, &clear_payments_}) {
      clear->reset();
      clear->bind(1, row);
      clear->exec();
    }
    for (const auto& line : order.lines) {
      put_line_.reset();
      put_line_.bind(1, row);
      put_line_.bind(2, line.id);
      put_line_.bind(3, line.ref.product);
      put_line_.bind(4, line.ref.variant);
      put_line_.bind(5, line.sku);
      put_line_.bind(6, line.quantity);
      put_line_.bind(7, line.unit_price.minor);
      put_line_.exec();
    }
    for (const auto& payment : order.payments) {
      put_payment_.reset();
      put_payment_.bind(1, row);
      put_payment_.bind(2, payment.id);
      put_payment_.bind(3, payment.amount.minor);
      put_payment_.bind(4, micros(payment.at));
      put_payment_.exec();
    }
  }

  SQLite::Database& database_;
  const std::string& backend_;
  const int64_t now_;
  SQLite::Statement find_;
  SQLite::Statement put_;
  SQLite::Statement clear_lines_;
  SQLite::Statement clear_payments_;
  SQLite::Statement put_line_;
  SQLite::Statement put_payment_;
  SQLite::Statement refuse_;
  SQLite::Statement accept_;
};

/// A line or payment that comes twice has no place in the store, and nobody knows which of the two is right.
Problems order_problems(const Order& order) {
  Problems problems;
  const auto check = [&](const char* where, const auto& parts) {
    std::set<std::string> ids;
    for (const auto& part : parts)
      if (!ids.insert(part.id).second)
        problems.push_back({where, fmt::format("\"{}\" twice", part.id), "one for each id"});
  };
  check("lines.id", order.lines);
  check("payments.id", order.payments);
  return problems;
}

/// Quoted where it must be; a cell that a spreadsheet would run as a formula gets an apostrophe (OWASP, CSV
/// injection).
std::string cell(const std::string& text) {
  std::string safe = !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos
                         ? "'" + text
                         : text;
  if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
  std::string quoted = "\"";
  for (const char c : safe) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

Result<OrderBook::Applied> OrderBook::apply(const ChangedOrders& changes, Instant now) {
  return apply(changes.orders, changes.refused, &changes.next_cursor, now);
}

Result<OrderBook::Applied> OrderBook::apply(const ReadOrders& read, Instant now) {
  return apply(read.orders, read.refused, nullptr, now);
}

Result<OrderBook::Applied> OrderBook::apply(const std::vector<Order>& orders,
                                            const std::vector<RefusedOrder>& refused,
                                            const std::string* cursor, Instant now) {
  Applied applied;
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    applied = {};
    PurchaseWriter writer(database, backend_, now);
    for (const auto& order : orders) {
      if (Problems problems = order_problems(order); problems.empty())
        writer.put(order, applied);
      else
        writer.refuse({order.id, std::move(problems)}, applied);
    }
    for (const auto& order : refused) writer.refuse(order, applied);
    if (cursor != nullptr) detail::save_cursor(database, backend_, "orders", *cursor);
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return applied;
}

Result<std::string> OrderBook::cursor() const {
  std::string value;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    value = detail::load_cursor(database, backend_, "orders");
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return value;
}

Result<std::vector<std::string>> OrderBook::not_final(int most) const {
  std::vector<std::string> ids;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(
        database,
        "SELECT backend_id, max(at) FROM (SELECT backend_id, placed_at AS at FROM purchase WHERE backend = "
        "?1 AND is_final = 0 UNION ALL SELECT backend_id, first_at FROM refused_purchase WHERE backend = ?1) "
        "WHERE backend_id <> '' GROUP BY backend_id ORDER BY 2 DESC LIMIT ?2");
    found.bind(1, backend_);
    found.bind(2, most);
    while (found.executeStep()) ids.push_back(found.getColumn(0).getString());
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return ids;
}

Result<std::vector<Order>> OrderBook::list(Which which, int most) const {
  constexpr const char* kPaid = "(SELECT coalesce(sum(amount), 0) FROM payment WHERE purchase = purchase.id)";
  std::string condition;
  if (which == Which::kUnpaid) condition = fmt::format(" AND state = 'open' AND {} = 0", kPaid);
  if (which == Which::kOpenBalance)
    condition = fmt::format(" AND state NOT IN ('cancelled', 'refunded') AND {0} > 0 AND {0} < total", kPaid);
  if (which == Which::kUnshipped) condition = " AND state = 'paid'";
  std::vector<Order> orders;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(
        database, fmt::format("SELECT {} FROM purchase WHERE backend = ?{} ORDER BY placed_at DESC, "
                              "id DESC LIMIT ?",
                              kPurchaseColumns, condition));
    found.bind(1, backend_);
    found.bind(2, most);
    while (found.executeStep()) orders.push_back(order_of(database, found));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return orders;
}

Result<std::vector<OrderBook::Refusal>> OrderBook::refused() const {
  std::vector<Refusal> refusals;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(database,
                            "SELECT backend_id, problems, first_at, last_at FROM refused_purchase WHERE "
                            "backend = ? ORDER BY last_at DESC");
    found.bind(1, backend_);
    while (found.executeStep())
      refusals.push_back({found.getColumn(0).getString(), detail::problems_of(found.getColumn(1).getString()),
                          instant_of(found.getColumn(2).getInt64()),
                          instant_of(found.getColumn(3).getInt64())});
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return refusals;
}

Result<int64_t> OrderBook::sold(const Ref& ref, const Window& window) const {
  int64_t pieces = 0;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(
        database,
        "SELECT coalesce(sum(quantity), 0) FROM purchase_line JOIN purchase ON purchase.id = "
        "purchase_line.purchase WHERE backend = ? AND product = ? AND variant = ? AND placed_at >= ? "
        "AND placed_at < ? AND state IN ('deposit_paid', 'paid', 'shipped')");
    found.bind(1, backend_);
    found.bind(2, ref.product);
    found.bind(3, ref.variant);
    found.bind(4, micros(window.begin));
    found.bind(5, micros(window.end));
    if (found.executeStep()) pieces = found.getColumn(0).getInt64();
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return pieces;
}

Result<std::vector<OrderBook::ShowLine>> OrderBook::in_window(const Window& window,
                                                              const std::string& room) const {
  return show_lines("o.placed_at >= ?2 AND o.placed_at < ?3 AND (o.room = '' OR o.room = ?4)",
                    [&](SQLite::Statement& found) {
                      found.bind(2, micros(window.begin));
                      found.bind(3, micros(window.end));
                      found.bind(4, room);
                    });
}

Result<std::vector<OrderBook::ShowLine>> OrderBook::newest(Instant since, const std::string& room,
                                                           int most) const {
  return show_lines(
      "o.id IN (SELECT id FROM purchase WHERE backend = ?1 AND placed_at >= ?2 AND (room = '' OR room = ?3) "
      "AND state IN ('open', 'deposit_paid', 'paid', 'shipped') ORDER BY placed_at DESC, id DESC LIMIT ?4)",
      [&](SQLite::Statement& found) {
        found.bind(2, micros(since));
        found.bind(3, room);
        found.bind(4, most);
      });
}

Result<std::vector<OrderBook::ShowLine>> OrderBook::show_lines(
    const std::string& condition, const std::function<void(SQLite::Statement&)>& bind) const {
  std::vector<ShowLine> lines;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(
        database,
        "SELECT o.backend_id, o.number, o.state, o.currency, l.line, l.product, l.variant, l.sku, "
        "l.quantity, "
        "l.unit_price, coalesce((SELECT id FROM item AS i WHERE i.backend = o.backend AND i.product = "
        "l.product AND "
        "i.variant = l.variant), (SELECT min(id) FROM item AS i WHERE l.sku <> '' AND i.backend = o.backend "
        "AND "
        "i.sku = l.sku AND i.availability <> 'deleted' HAVING count(*) = 1)) AS item, o.placed_at, "
        "o.masked_name "
        "FROM purchase AS o JOIN purchase_line AS l ON l.purchase = o.id WHERE o.backend = ?1 AND " +
            condition + " ORDER BY o.placed_at, o.id, l.line");
    found.bind(1, backend_);
    bind(found);
    SQLite::Statement item(database, "SELECT product, variant FROM item WHERE id = ?");
    while (found.executeStep()) {
      const Money price{found.getColumn(9).getInt64(), currency_of(found.getColumn(3).getString())};
      ShowLine line{found.getColumn(0).getString(),
                    found.getColumn(1).getString(),
                    order_state_from(found.getColumn(2).getString()),
                    {found.getColumn(4).getString(),
                     {found.getColumn(5).getString(), found.getColumn(6).getString()},
                     found.getColumn(7).getString(),
                     found.getColumn(8).getInt64(),
                     price},
                    std::nullopt,
                    instant_of(found.getColumn(11).getInt64()),
                    found.getColumn(12).getString()};
      if (!found.getColumn(10).isNull()) {
        item.reset();
        item.bind(1, found.getColumn(10).getInt64());
        if (item.executeStep()) line.item = {item.getColumn(0).getString(), item.getColumn(1).getString()};
      }
      lines.push_back(std::move(line));
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return lines;
}

std::string to_csv(const std::vector<Order>& orders) {
  std::string text = "\xEF\xBB\xBF订单号,状态,下单时间,顾客,货号,数量,单价,订单金额,未付\r\n";
  for (const auto& order : orders) {
    for (const auto& line : order.lines) {
      const std::string cells[] = {order.number,
                                   std::string(to_string(order.state)),
                                   format_rfc3339(order.placed_at),
                                   order.masked_name,
                                   line.sku,
                                   std::to_string(line.quantity),
                                   format_amount(line.unit_price, Cents::kKeep),
                                   format_amount(order.total, Cents::kKeep),
                                   format_amount(order.balance(), Cents::kKeep)};
      for (size_t i = 0; i < std::size(cells); ++i) text += (i == 0 ? "" : ",") + cell(cells[i]);
      text += "\r\n";
    }
  }
  return text;
}

}  // namespace vitrine::commerce
