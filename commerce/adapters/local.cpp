// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/local.h"

#include <algorithm>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/columns.h"
#include "commerce/detail/local_tables.h"
#include "core/text_rules.h"

namespace vitrine::commerce {
namespace {

using detail::LocalItems;
using detail::LocalRow;

constexpr int kPageItems = 500;
constexpr int kPageOrders = 100;
constexpr size_t kMostReadItems = 500;
constexpr size_t kMostPrices = 200;  // variants of one product
constexpr size_t kMostOperationText = 128;
constexpr size_t kMostPriceName = 200;
constexpr int64_t kMostLocalStock = 1'000'000'000;

WriteOutcome ended(WriteResult result, std::string code = "", std::string text = "") {
  return {result, std::move(code), std::move(text), std::nullopt, ""};
}
WriteOutcome rejected(std::string code, std::string text) {
  return ended(WriteResult::kRejected, std::move(code), std::move(text));
}

bool is_over(Adapter::Deadline deadline) {
  return steady_now() >= deadline.at;
}
tl::unexpected<Error> too_late() {
  return fail(ErrorCode::kTimeout, "the deadline was over before the store was asked");
}

/// One transaction that ends as `work` says; where it rejects it must not have written.
template <typename Work>
WriteOutcome make_change(Store& store, Adapter::Deadline deadline, const Work& work) {
  if (is_over(deadline)) return ended(WriteResult::kUnavailable, "timeout", too_late().value().message);
  WriteOutcome outcome;
  auto written = store.write([&](SQLite::Database& database) -> Status {
    outcome = work(database);
    return {};
  });
  if (written) return outcome;
  // A full disk has taken nothing; whether a broken one has, only reading tells.
  const bool is_untouched = written.error().code == ErrorCode::kDiskFull ||
                            written.error().code == ErrorCode::kPermission ||
                            written.error().code == ErrorCode::kTimeout;
  return ended(is_untouched ? WriteResult::kUnavailable : WriteResult::kUnknown,
               std::string(to_string(written.error().code)), written.error().message);
}

/// Where a cursor stands. Ahead of the store: that one was restored from a backup, so everything comes again.
Result<int64_t> position_of(SQLite::Database& database, const std::string& cursor) {
  if (cursor.empty()) return 0;
  const auto position = detail::local_id_of(cursor);
  if (!position) return fail(ErrorCode::kInvalidInput, "a cursor that this shop never gave");
  return *position <= detail::last_local_revision(database) ? *position : 0;
}

bool is_deleted(const std::optional<LocalRow>& row) {
  return !row || row->local.item.availability == Availability::kDeleted;
}

/// Without the timed price, as it is written back.
LocalRow plain_row(LocalRow row) {
  row.local.item.price = row.local.item.base_price.value_or(row.local.item.price);
  return row;
}

std::optional<WriteOutcome> refusal_of(const TimedPrice& price) {
  if (price.operation.empty() || price.operation.size() > kMostOperationText ||
      find_unsafe_character(price.operation))
    return rejected("operation", fmt::format("an operation of 1 to {} bytes is needed", kMostOperationText));
  if (price.name.size() > kMostPriceName || find_unsafe_character(price.name))
    return rejected("name", fmt::format("a name of at most {} bytes is allowed", kMostPriceName));
  if (price.prices.empty() || price.prices.size() > kMostPrices)
    return rejected("prices",
                    fmt::format("{} prices; 1 to {} are allowed", price.prices.size(), kMostPrices));
  const std::string& product = price.prices.begin()->first.product;
  if (std::ranges::any_of(price.prices, [&](const auto& one) { return one.first.product != product; }))
    return rejected("prices", "prices of more than one product");
  if (price.window.begin >= price.window.end) return rejected("window", "it ends before it begins");
  return std::nullopt;
}

/// Statements around one timed price.
class TimedPrices {
 public:
  explicit TimedPrices(SQLite::Database& database) : database_(database), items_(database) {}

  std::optional<int64_t> find(const std::string& operation) {
    SQLite::Statement found(database_, "SELECT id FROM local_timed_price WHERE operation = ?");
    found.bind(1, operation);
    return found.executeStep() ? std::optional(found.getColumn(0).getInt64()) : std::nullopt;
  }

  bool says(int64_t id, const TimedPrice& price) {
    SQLite::Statement window(database_, "SELECT begins_at, planned_end FROM local_timed_price WHERE id = ?");
    window.bind(1, id);
    if (!window.executeStep() || window.getColumn(0).getInt64() != micros(price.window.begin) ||
        window.getColumn(1).getInt64() != micros(price.window.end))
      return false;
    SQLite::Statement of(database_,
                         "SELECT product, variant, price FROM local_timed_item WHERE timed_price = ?");
    of.bind(1, id);
    size_t same = 0;
    for (; of.executeStep(); ++same) {
      const auto wished = price.prices.find({of.getColumn(0).getString(), of.getColumn(1).getString()});
      if (wished == price.prices.end() || wished->second.minor != of.getColumn(2).getInt64()) return false;
    }
    return same == price.prices.size();
  }

  std::optional<WriteOutcome> refusal_of(const Ref& ref, const Money& price, const Window& window,
                                         Instant now) {
    const auto row = items_.find(ref, now);
    if (is_deleted(row)) return rejected("not_found", ref.text() + " is not in the shop");
    const Money base = row->local.item.base_price.value_or(row->local.item.price);
    if (price.currency != base.currency || price.minor < 1 || price.minor >= base.minor) {
      return rejected("price", fmt::format("{} for {}: above 0 and below its price of {} is allowed",
                                           format_amount(price, Cents::kKeep), ref.text(),
                                           format_amount(base, Cents::kKeep)));
    }
    SQLite::Statement other(
        database_,
        "SELECT p.name FROM local_timed_item AS x JOIN local_timed_price AS p ON p.id = x.timed_price "
        "WHERE x.product = ? AND x.variant = ? AND p.begins_at < ? AND p.ends_at > ? AND "
        "p.ends_at > p.begins_at");
    other.bind(1, ref.product);
    other.bind(2, ref.variant);
    other.bind(3, micros(window.end));
    other.bind(4, micros(window.begin));
    if (other.executeStep())
      return rejected("overlap", fmt::format("{} has another timed price in that time: {}", ref.text(),
                                             other.getColumn(0).getString()));
    return std::nullopt;
  }

  int64_t insert(const TimedPrice& price) {
    SQLite::Statement put(database_,
                          "INSERT INTO local_timed_price(operation, name, begins_at, ends_at, planned_end) "
                          "VALUES(?1, ?2, ?3, ?4, ?4)");
    put.bind(1, price.operation);
    put.bind(2, price.name);
    put.bind(3, micros(price.window.begin));
    put.bind(4, micros(price.window.end));
    put.exec();
    const int64_t id = database_.getLastInsertRowid();
    SQLite::Statement item(database_, "INSERT INTO local_timed_item VALUES(?, ?, ?, ?)");
    for (const auto& [ref, money] : price.prices) {
      item.reset();
      item.bind(1, id);
      item.bind(2, ref.product);
      item.bind(3, ref.variant);
      item.bind(4, money.minor);
      item.exec();
    }
    return id;
  }

 private:
  SQLite::Database& database_;
  LocalItems items_;
};

/// The items that `ref` stands for: with one id missing it is all of a product's, or the variant of that id.
std::vector<Ref> items_named_by(SQLite::Database& database, const Ref& ref) {
  if (!ref.product.empty() && !ref.variant.empty()) return {ref};
  SQLite::Statement found(database, ref.variant.empty()
                                        ? "SELECT product, variant FROM local_item WHERE product = ?"
                                        : "SELECT product, variant FROM local_item WHERE variant = ?");
  found.bind(1, ref.variant.empty() ? ref.product : ref.variant);
  std::vector<Ref> refs;
  while (found.executeStep())
    refs.push_back({found.getColumn(0).getString(), found.getColumn(1).getString()});
  return refs;
}

}  // namespace

Capabilities LocalAdapter::capabilities() const {
  Capabilities can;
  can.changes = Capabilities::Changes::kByTime;
  can.timed_price = Capabilities::TimedPrice::kNative;
  can.stock = Capabilities::Stock::kCompareAndSet;
  can.idempotency = Capabilities::Idempotency::kKey;
  can.can_hold_reference_price = true;
  can.most_items_a_read = kMostReadItems;
  can.overlap = std::chrono::seconds{0};
  return can;
}

Result<ChangedItems> LocalAdapter::changes(const std::string& cursor, Deadline deadline) {
  if (is_over(deadline)) return too_late();
  ChangedItems changed;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    const auto position = position_of(database, cursor);
    if (!position) return tl::unexpected(position.error());
    auto rows = detail::local_items_after(database, *position, kPageItems, clock_());
    changed.next_cursor = rows.empty() ? cursor : std::to_string(rows.back().revision);
    changed.is_complete = rows.size() < static_cast<size_t>(kPageItems);
    for (auto& row : rows) changed.items.push_back(std::move(row.local.item));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return changed;
}

Result<ReadItems> LocalAdapter::read_items(std::span<const Ref> refs, Deadline deadline) {
  if (is_over(deadline)) return too_late();
  if (refs.size() > kMostReadItems)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} items in one read, at most {}", refs.size(), kMostReadItems));
  ReadItems found;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    const Instant now = clock_();  // one for all: prices of one answer belong together
    LocalItems items(database);
    for (const auto& ref : refs) {
      const auto named = items_named_by(database, ref);
      for (const auto& one : named)
        if (auto row = items.find(one, now))
          found.items.push_back(std::move(row->local.item));
        else
          found.gone.push_back(one);
      if (named.empty()) found.gone.push_back(ref);
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return found;
}

Result<ChangedOrders> LocalAdapter::orders(const std::string& cursor, Deadline deadline) {
  if (is_over(deadline)) return too_late();
  ChangedOrders changed;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    const auto position = position_of(database, cursor);
    if (!position) return tl::unexpected(position.error());
    SQLite::Statement row(database,
                          "SELECT id FROM local_purchase WHERE revision > ? ORDER BY revision LIMIT ?");
    row.bind(1, *position);
    row.bind(2, kPageOrders);
    while (row.executeStep())
      if (auto order = detail::find_local_order(database, row.getColumn(0).getInt64()))
        changed.orders.push_back(std::move(*order));
    changed.next_cursor = changed.orders.empty() ? cursor : changed.orders.back().version;
    changed.is_complete = changed.orders.size() < static_cast<size_t>(kPageOrders);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return changed;
}

Result<ReadOrders> LocalAdapter::read_orders(std::span<const std::string> ids, Deadline deadline) {
  if (is_over(deadline)) return too_late();
  ReadOrders found;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    for (const auto& id : ids) {
      const auto number = detail::local_id_of(id);
      if (!number) continue;
      if (auto order = detail::find_local_order(database, *number)) found.orders.push_back(std::move(*order));
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return found;
}

WriteOutcome LocalAdapter::set_listing(const Ref& ref, Listing listing, Deadline deadline) {
  return make_change(store_, deadline, [&](SQLite::Database& database) {
    const Instant now = clock_();
    LocalItems items(database);
    auto row = items.find(ref, now);
    if (is_deleted(row)) return rejected("not_found", ref.text() + " is not in the shop");
    const auto wished = listing == Listing::kOn ? Availability::kListed : Availability::kDelisted;
    if (row->local.item.availability == wished) return ended(WriteResult::kAlready);
    row->local.item.availability = wished;
    items.put(plain_row(std::move(*row)), LocalItems::Edit::kAll, now);
    return ended(WriteResult::kDone);
  });
}

WriteOutcome LocalAdapter::set_stock(const Ref& ref, int64_t stock, std::optional<int64_t> expected,
                                     Deadline deadline) {
  if (stock < 0 || stock > kMostLocalStock)
    return rejected("stock", fmt::format("{}; 0 to {} is allowed", stock, kMostLocalStock));
  return make_change(store_, deadline, [&](SQLite::Database& database) {
    const Instant now = clock_();
    LocalItems items(database);
    auto row = items.find(ref, now);
    if (is_deleted(row)) return rejected("not_found", ref.text() + " is not in the shop");
    auto& there = row->local.item.stock;
    if (there == stock) return ended(WriteResult::kAlready);
    if (expected && there != expected) {
      return ended(WriteResult::kConflict, "stock",
                   there ? fmt::format("the stock is {} by now, not {}", *there, *expected)
                         : std::string("the stock is not counted any more"));
    }
    there = stock;
    items.put(plain_row(std::move(*row)), LocalItems::Edit::kStock, now);
    return ended(WriteResult::kDone);
  });
}

WriteOutcome LocalAdapter::set_price(const Ref& ref, const Money& price, const Money& expected,
                                     Deadline deadline) {
  return make_change(store_, deadline, [&](SQLite::Database& database) {
    const Instant now = clock_();
    LocalItems items(database);
    auto row = items.find(ref, now);
    if (is_deleted(row)) return rejected("not_found", ref.text() + " is not in the shop");
    LocalRow plain = plain_row(std::move(*row));
    Money& there = plain.local.item.price;
    if (price.minor <= 0 || price.currency != there.currency)
      return rejected("price", format_amount(price, Cents::kKeep) +
                                   "; a price above 0 in the shop's currency is allowed");
    if (there == price) return ended(WriteResult::kAlready);
    if (there != expected)
      return ended(WriteResult::kConflict, "price",
                   "the price is " + format_amount(there, Cents::kKeep) + " by now");
    there = price;
    items.put(plain, LocalItems::Edit::kAll, now);
    return ended(WriteResult::kDone);
  });
}

WriteOutcome LocalAdapter::put_timed_price(const TimedPrice& price, Deadline deadline) {
  if (auto refusal = refusal_of(price)) return *refusal;
  return make_change(store_, deadline, [&](SQLite::Database& database) {
    const Instant now = clock_();
    TimedPrices prices(database);
    WriteOutcome outcome = ended(WriteResult::kAlready);
    if (const auto there = prices.find(price.operation)) {
      if (!prices.says(*there, price))
        return rejected("operation", "this operation put another timed price before");
      outcome.handle = std::to_string(*there);
      return outcome;
    }
    if (price.window.end <= now) return rejected("window", "its window is over");
    for (const auto& [ref, money] : price.prices)
      if (auto refusal = prices.refusal_of(ref, money, price.window, now)) return *refusal;
    outcome.result = WriteResult::kDone;
    outcome.handle = std::to_string(prices.insert(price));
    return outcome;
  });
}

WriteOutcome LocalAdapter::end_timed_price(const std::string& handle, Deadline deadline) {
  return make_change(store_, deadline, [&](SQLite::Database& database) {
    const auto id = detail::local_id_of(handle);
    if (!id) return ended(WriteResult::kAlready);
    SQLite::Statement end(database,
                          "UPDATE local_timed_price SET ends_at = ?2 WHERE id = ?1 AND ends_at > ?2");
    end.bind(1, *id);
    end.bind(2, micros(clock_()));
    return ended(end.exec() > 0 ? WriteResult::kDone : WriteResult::kAlready);
  });
}

Result<std::optional<std::string>> LocalAdapter::find_timed_price(const std::string& operation,
                                                                  Deadline deadline) {
  if (is_over(deadline)) return too_late();
  std::optional<std::string> handle;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    if (const auto id = TimedPrices(database).find(operation)) handle = std::to_string(*id);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return handle;
}

Result<Adapter::Event> LocalAdapter::decode_event(const std::map<std::string, std::string>& /*headers*/,
                                                  std::string_view /*body*/, Instant /*now*/) const {
  return fail(ErrorCode::kProtocol, "a shop without a mall sends no events");
}

}  // namespace vitrine::commerce
