// SPDX-License-Identifier: Apache-2.0
#include "commerce/catalogue.h"

#include <map>
#include <set>
#include <sqlite3.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <nlohmann/json.hpp>

#include "commerce/detail/columns.h"
#include "commerce/detail/pinyin.h"

namespace vitrine::commerce {
namespace {

constexpr const char* kItemColumns =
    "id, product, variant, sku, title, option, category, image_url, shop_url, availability, currency, price, "
    "base_price, reference_price, stock, is_presale, backend_version, version, changed_at";

Catalogue::Row row_of(SQLite::Statement& found) {
  Catalogue::Row row;
  CatalogueItem& item = row.item;
  row.id = found.getColumn(0).getInt64();
  detail::read_item_columns(found, 1, item);
  const auto money = [&](int64_t minor) { return Money{minor, item.price.currency}; };
  if (const auto minor = integer_or_null(found.getColumn(12))) item.base_price = money(*minor);
  if (const auto minor = integer_or_null(found.getColumn(13))) item.reference_price = money(*minor);
  item.stock = integer_or_null(found.getColumn(14));
  item.is_presale = found.getColumn(15).getInt() != 0;
  item.version = found.getColumn(16).getString();
  row.version = found.getColumn(17).getInt64();
  row.changed_at = instant_of(found.getColumn(18).getInt64());
  return row;
}

/// Statements of one transaction, prepared once for all its rows.
class ItemWriter {
 public:
  ItemWriter(SQLite::Database& database, const std::string& backend, Instant now)
      : find_(database, std::string("SELECT ") + kItemColumns +
                            " FROM item WHERE backend = ? AND product = ? AND variant = ?"),
        put_(
            database,
            "INSERT INTO item(backend, product, variant, sku, title, option, category, image_url, shop_url, "
            "availability, currency, price, base_price, reference_price, stock, is_presale, backend_version, "
            "version, changed_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?) "
            "ON CONFLICT(backend, product, variant) DO UPDATE SET sku = excluded.sku, title = "
            "excluded.title, "
            "option = excluded.option, category = excluded.category, image_url = excluded.image_url, "
            "shop_url = excluded.shop_url, availability = excluded.availability, "
            "currency = excluded.currency, price = excluded.price, base_price = excluded.base_price, "
            "reference_price = excluded.reference_price, stock = excluded.stock, "
            "is_presale = excluded.is_presale, backend_version = excluded.backend_version, "
            "version = item.version + 1, changed_at = excluded.changed_at"),
        refuse_(database,
                "INSERT INTO refused_row(backend, product, variant, problems, first_at, last_at) "
                "VALUES(?, ?, ?, ?, ?5, ?5) ON CONFLICT(backend, product, variant) DO UPDATE SET "
                "problems = excluded.problems, last_at = excluded.last_at"),
        accept_(database, "DELETE FROM refused_row WHERE backend = ? AND product = ? AND variant = ?"),
        remove_(database,
                "UPDATE item SET availability = 'deleted', version = version + 1, changed_at = ?4 WHERE "
                "backend = ?1 AND (product = ?2 OR ?2 = '') AND (variant = ?3 OR ?3 = '') AND "
                "?2 || ?3 <> '' AND availability <> 'deleted'"),
        backend_(backend),
        now_(micros(now)) {}

  void put(const CatalogueItem& item, Catalogue::Applied& applied) {
    bind_ref(find_, item.ref);
    const bool is_known = find_.executeStep();
    const bool is_same = is_known && row_of(find_).item == item;
    find_.reset();
    if (is_same) {
      ++applied.unchanged;
    } else {
      write(item);
      ++(is_known ? applied.changed : applied.added);
    }
    bind_ref(accept_, item.ref);
    accept_.exec();
  }

  void refuse(const Ref& ref, const Problems& problems, Catalogue::Applied& applied) {
    bind_ref(refuse_, ref);
    refuse_.bind(4, detail::problems_text(problems));
    refuse_.bind(5, now_);
    refuse_.exec();
    ++applied.refused;
  }

  void remove(const Ref& ref, Catalogue::Applied& applied) {
    bind_ref(remove_, ref);
    remove_.bind(4, now_);
    applied.changed += remove_.exec();
  }

 private:
  void bind_ref(SQLite::Statement& statement, const Ref& ref) const {
    statement.reset();
    statement.bind(1, backend_);
    statement.bind(2, ref.product);
    statement.bind(3, ref.variant);
  }
  void write(const CatalogueItem& item) {
    const auto minor = [](const std::optional<Money>& money) {
      return money ? std::optional(money->minor) : std::nullopt;
    };
    put_.reset();
    put_.bind(1, backend_);
    int at = detail::bind_item_columns(put_, 2, item);
    bind_optional(put_, at++, minor(item.base_price));
    bind_optional(put_, at++, minor(item.reference_price));
    bind_optional(put_, at++, item.stock);
    put_.bind(at++, item.is_presale ? 1 : 0);
    put_.bind(at++, item.version);
    put_.bind(at++, now_);
    put_.exec();
  }

  SQLite::Statement find_;
  SQLite::Statement put_;
  SQLite::Statement refuse_;
  SQLite::Statement accept_;
  SQLite::Statement remove_;
  const std::string& backend_;
  const int64_t now_;
};

/// pinyin(title)
void pinyin_in_sql(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
  const auto bytes = static_cast<size_t>(sqlite3_value_bytes(values[0]));
  const std::string pinyin = text == nullptr ? "" : detail::pinyin_of({text, bytes});
  sqlite3_result_text(context, pinyin.data(), static_cast<int>(pinyin.size()), SQLITE_TRANSIENT);
}

/// Rows that claim the id of another one of the batch and say something else.
std::set<Ref> contradicted(const std::vector<CatalogueItem>& items) {
  std::map<Ref, const CatalogueItem*> first;
  std::set<Ref> found;
  for (const auto& item : items) {
    const auto [seen, is_new] = first.try_emplace(item.ref, &item);
    if (!is_new && *seen->second != item) found.insert(item.ref);
  }
  return found;
}

}  // namespace

Result<Catalogue::Applied> Catalogue::apply(const ChangedItems& changes, Instant now) {
  return apply(changes.items, changes.refused, changes.gone, &changes.next_cursor, now);
}

Result<Catalogue::Applied> Catalogue::apply(const ReadItems& read, Instant now) {
  return apply(read.items, read.refused, read.gone, nullptr, now);
}

Result<Catalogue::Applied> Catalogue::apply(const std::vector<CatalogueItem>& items,
                                            const std::vector<RefusedRow>& refused,
                                            const std::vector<Ref>& gone, const std::string* cursor,
                                            Instant now) {
  Applied applied;
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    applied = {};
    ItemWriter writer(database, backend_, now);
    const auto doubtful = contradicted(items);
    for (const auto& item : items) {
      Problems problems = check_row(item, rules_);
      if (doubtful.contains(item.ref))
        problems.push_back(
            {"id", item.ref.text() + " more than once, with different content", "one row for each id"});
      if (problems.empty())
        writer.put(item, applied);
      else
        writer.refuse(item.ref, problems, applied);
    }
    for (const auto& row : refused) writer.refuse(row.ref, row.problems, applied);
    for (const auto& ref : gone) writer.remove(ref, applied);
    if (cursor != nullptr) detail::save_cursor(database, backend_, "items", *cursor);
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return applied;
}

Result<std::string> Catalogue::cursor() const {
  std::string value;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    value = detail::load_cursor(database, backend_, "items");
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return value;
}

Status Catalogue::forget_cursor() {
  return store_.write([&](SQLite::Database& database) -> Status {
    detail::save_cursor(database, backend_, "items", "");
    return {};
  });
}

Result<std::vector<Catalogue::Row>> Catalogue::list() const {
  std::vector<Row> rows;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(database, std::string("SELECT ") + kItemColumns +
                                          " FROM item WHERE backend = ? ORDER BY sku, product, variant");
    found.bind(1, backend_);
    while (found.executeStep()) rows.push_back(row_of(found));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return rows;
}

Result<Catalogue::Page> Catalogue::page(const std::string& search, int64_t offset, int64_t most) const {
  Page page;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    database.createFunction("pinyin", 1, true, nullptr, &pinyin_in_sql);
    // instr: what somebody types is no pattern.
    const std::string condition =
        " FROM item WHERE backend = ?1 AND (?2 = '' OR instr(lower(sku), lower(?2)) OR instr(lower(title), "
        "lower(?2)) "
        "OR instr(lower(option), lower(?2)) OR instr(lower(category), lower(?2)) "
        "OR (?5 <> '' AND instr(pinyin(title), ?5)))";
    const std::string pinyin = detail::pinyin_query(search);
    SQLite::Statement count(database, "SELECT count(*)" + condition);
    count.bind(1, backend_);
    count.bind(2, search);
    count.bind(5, pinyin);
    count.executeStep();
    page.total = count.getColumn(0).getInt64();
    SQLite::Statement found(
        database, std::string("SELECT ") + kItemColumns + condition +
                      " ORDER BY lower(sku) <> lower(?2), sku, product, variant LIMIT ?3 OFFSET ?4");
    found.bind(1, backend_);
    found.bind(2, search);
    found.bind(5, pinyin);
    found.bind(3, most);
    found.bind(4, offset);
    while (found.executeStep()) page.rows.push_back(row_of(found));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return page;
}

Result<std::optional<Catalogue::Row>> Catalogue::find(const Ref& ref) const {
  std::optional<Row> row;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(database, std::string("SELECT ") + kItemColumns +
                                          " FROM item WHERE backend = ? AND product = ? AND variant = ?");
    found.bind(1, backend_);
    found.bind(2, ref.product);
    found.bind(3, ref.variant);
    if (found.executeStep()) row = row_of(found);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return row;
}

Result<std::vector<Catalogue::Row>> Catalogue::called(const std::string& word) const {
  std::vector<Row> rows;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(database, std::string("SELECT ") + kItemColumns +
                                          " FROM item WHERE backend = ?1 AND (sku = ?2 OR product = ?2 OR "
                                          "product || '/' || variant = ?2) ORDER BY product, variant");
    found.bind(1, backend_);
    found.bind(2, word);
    while (found.executeStep()) {
      Row row = row_of(found);
      if (row.item.sku == word || row.item.ref.text() == word) rows.push_back(std::move(row));
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return rows;
}

Result<std::vector<Catalogue::Refusal>> Catalogue::refused() const {
  std::vector<Refusal> refusals;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(
        database,
        "SELECT product, variant, problems, first_at, last_at FROM refused_row WHERE backend = ? "
        "ORDER BY last_at DESC");
    found.bind(1, backend_);
    while (found.executeStep()) {
      Refusal refusal{{found.getColumn(0).getString(), found.getColumn(1).getString()},
                      detail::problems_of(found.getColumn(2).getString()),
                      instant_of(found.getColumn(3).getInt64()),
                      instant_of(found.getColumn(4).getInt64())};
      refusals.push_back(std::move(refusal));
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return refusals;
}

}  // namespace vitrine::commerce
