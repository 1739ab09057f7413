// SPDX-License-Identifier: Apache-2.0
#include "commerce/photo_book.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "commerce/csv_import.h"
#include "commerce/detail/columns.h"
#include "commerce/table_access.h"

namespace vitrine::commerce {
namespace {

/// Of an item that can be shown and says where its photo is. `i` is the item, `p` its row here.
constexpr const char* kShownItems =
    " FROM item AS i LEFT JOIN item_photo AS p ON p.backend = i.backend AND p.product = i.product AND "
    "p.variant = "
    "i.variant WHERE i.backend = ?1 AND i.availability <> 'deleted' AND i.image_url <> ''";

PhotoBook::Picture picture_of(SQLite::Statement& found, int first) {
  return {found.getColumn(first).getString(),
          {found.getColumn(first + 1).getInt(), found.getColumn(first + 2).getInt()}};
}

void bind_picture(SQLite::Statement& statement, int first, const PhotoBook::Picture& picture) {
  statement.bind(first, picture.blob);
  statement.bind(first + 1, picture.size.width);
  statement.bind(first + 2, picture.size.height);
}

}  // namespace

Result<std::map<Ref, PhotoBook::Photo>> PhotoBook::list() const {
  using Photos = std::map<Ref, Photo>;
  return read_from<Photos>(store_, [&](SQLite::Database& database) -> Result<Photos> {
    SQLite::Statement found(database,
                            "SELECT i.product, i.variant, i.image_url, p.url, p.blob, p.width, p.height, "
                            "p.fetched_at, p.problem FROM item "
                            "AS i LEFT JOIN item_photo AS p ON p.backend = i.backend AND p.product = "
                            "i.product AND p.variant = i.variant "
                            "WHERE i.backend = ?");
    found.bind(1, backend_);
    Photos photos;
    while (found.executeStep()) {
      Photo photo;
      const bool is_known = !found.getColumn(3).isNull();
      if (is_known && !found.getColumn(4).getString().empty()) {
        photo.picture = picture_of(found, 4);
        photo.fetched_at = instant_of(found.getColumn(7).getInt64());
      }
      if (found.getColumn(2).getString().empty())
        photo.problem = "the shop has none";
      else if (!is_known || found.getColumn(3).getString() != found.getColumn(2).getString())
        photo.problem = "not fetched yet";
      else
        photo.problem = found.getColumn(8).getString();
      photos.emplace(Ref{found.getColumn(0).getString(), found.getColumn(1).getString()}, std::move(photo));
    }
    return photos;
  });
}

Result<std::optional<PhotoBook::Picture>> PhotoBook::find(const Ref& ref) const {
  return read_from<std::optional<Picture>>(
      store_, [&](SQLite::Database& database) -> Result<std::optional<Picture>> {
        SQLite::Statement found(
            database,
            "SELECT blob, width, height FROM item_photo WHERE backend = ? AND product = ? "
            "AND variant = ? AND blob <> ''");
        found.bind(1, backend_);
        found.bind(2, ref.product);
        found.bind(3, ref.variant);
        if (!found.executeStep()) return std::nullopt;
        return picture_of(found, 0);
      });
}

Result<std::vector<PhotoBook::Due>> PhotoBook::due(Instant now) const {
  using List = std::vector<Due>;
  return read_from<List>(store_, [&](SQLite::Database& database) -> Result<List> {
    SQLite::Statement found(
        database,
        std::string("SELECT i.image_url, max(CASE WHEN p.url = i.image_url THEN p.failures ELSE 0 END)") +
            kShownItems +
            " AND (p.url IS NULL OR p.url <> i.image_url OR p.next_at <= ?2) GROUP BY i.image_url "
            "ORDER BY min(coalesce(p.next_at, 0))");
    found.bind(1, backend_);
    found.bind(2, micros(now));
    // Another variant's row may know it already.
    SQLite::Statement known(
        database,
        "SELECT etag, blob, width, height FROM item_photo WHERE backend = ? AND url = ? AND blob "
        "<> '' AND etag <> '' ORDER BY fetched_at DESC LIMIT 1");
    List list;
    while (found.executeStep()) {
      Due due{found.getColumn(0).getString(), std::nullopt, "", found.getColumn(1).getInt()};
      known.reset();
      known.bind(1, backend_);
      known.bind(2, due.url);
      if (known.executeStep()) {
        due.etag = known.getColumn(0).getString();
        due.known = picture_of(known, 1);
      }
      list.push_back(std::move(due));
    }
    return list;
  });
}

Result<std::optional<Instant>> PhotoBook::next_due() const {
  using Next = std::optional<Instant>;
  return read_from<Next>(store_, [&](SQLite::Database& database) -> Result<Next> {
    SQLite::Statement found(
        database,
        std::string("SELECT min(CASE WHEN p.url = i.image_url THEN p.next_at ELSE 0 END)") + kShownItems);
    found.bind(1, backend_);
    if (!found.executeStep() || found.getColumn(0).isNull()) return Next{};
    return Next{instant_of(found.getColumn(0).getInt64())};
  });
}

Status PhotoBook::take(const std::string& url, const Found& found) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement put(
        database,
        "INSERT INTO item_photo SELECT backend, product, variant, image_url, ?3, ?4, ?5, ?6, ?7, '', 0, ?8 "
        "FROM item "
        "WHERE backend = ?1 AND image_url = ?2 ON CONFLICT(backend, product, variant) DO UPDATE SET url = "
        "excluded.url, blob = excluded.blob, width = excluded.width, height = excluded.height, etag = "
        "excluded.etag, "
        "fetched_at = excluded.fetched_at, problem = '', failures = 0, next_at = excluded.next_at");
    put.bind(1, backend_);
    put.bind(2, url);
    bind_picture(put, 3, found.picture);
    put.bind(6, found.etag);
    put.bind(7, micros(found.at));
    put.bind(8, micros(found.next_at));
    put.exec();
    return {};
  });
}

Status PhotoBook::miss(const std::string& url, const Missed& missed) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement put(
        database,
        "INSERT INTO item_photo SELECT backend, product, variant, image_url, '', 0, 0, '', 0, ?3, ?4, ?5 "
        "FROM item "
        "WHERE backend = ?1 AND image_url = ?2 ON CONFLICT(backend, product, variant) DO UPDATE SET etag = "
        "CASE WHEN "
        "item_photo.url = excluded.url THEN item_photo.etag ELSE '' END, url = excluded.url, problem = "
        "excluded.problem, failures = excluded.failures, next_at = excluded.next_at");
    put.bind(1, backend_);
    put.bind(2, url);
    put.bind(3, missed.problem);
    put.bind(4, missed.failures);
    put.bind(5, micros(missed.next_at));
    put.exec();
    return {};
  });
}

Status PhotoBook::ask_again_for_lost(const BlobStore& blobs) {
  return store_.write([&](SQLite::Database& database) -> Status {
    std::vector<std::string> lost;
    SQLite::Statement found(database,
                            "SELECT DISTINCT blob FROM item_photo WHERE backend = ? AND blob <> ''");
    found.bind(1, backend_);
    while (found.executeStep())
      if (!blobs.has(found.getColumn(0).getString())) lost.push_back(found.getColumn(0).getString());
    SQLite::Statement forget(
        database,
        "UPDATE item_photo SET blob = '', etag = '', fetched_at = 0, next_at = 0, problem = 'its "
        "file is gone from this box; it is fetched again' WHERE backend = ? AND blob = ?");
    for (const auto& blob : lost) {
      forget.reset();
      forget.bind(1, backend_);
      forget.bind(2, blob);
      forget.exec();
    }
    return {};
  });
}

Status PhotoBook::put_shop_photo(const std::string& name, const Picture& picture, Instant now) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement put(database, "INSERT OR REPLACE INTO shop_photo VALUES(?, ?, ?, ?, ?)");
    put.bind(1, name);
    bind_picture(put, 2, picture);
    put.bind(5, micros(now));
    put.exec();
    SQLite::Statement due(database, "UPDATE item_photo SET next_at = 0 WHERE backend = ? AND url = ?");
    due.bind(1, backend_);
    due.bind(2, std::string(kShopPhoto) + name);
    due.exec();
    return {};
  });
}

Result<std::optional<PhotoBook::Picture>> PhotoBook::find_shop_photo(const std::string& name) const {
  using Maybe = std::optional<Picture>;
  return read_from<Maybe>(store_, [&](SQLite::Database& database) -> Result<Maybe> {
    SQLite::Statement found(database, "SELECT blob, width, height FROM shop_photo WHERE name = ?");
    found.bind(1, name);
    return found.executeStep() ? Maybe(picture_of(found, 0)) : Maybe();
  });
}

Result<std::set<std::string>> PhotoBook::shop_photo_names() const {
  using Names = std::set<std::string>;
  return read_from<Names>(store_, [&](SQLite::Database& database) -> Result<Names> {
    SQLite::Statement found(database, "SELECT name FROM shop_photo");
    Names names;
    while (found.executeStep()) names.insert(found.getColumn(0).getString());
    return names;
  });
}

}  // namespace vitrine::commerce
