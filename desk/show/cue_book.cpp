// SPDX-License-Identifier: Apache-2.0
#include "desk/show/cue_book.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/table_access.h"

namespace vitrine::desk {
namespace {

using commerce::Author;
using commerce::instant_of;
using commerce::micros;
using commerce::read_from;
using commerce::written_to;

constexpr int kMostUnread = 20;

}  // namespace

Result<Cue> CueBook::add(int64_t show, const std::string& text, const Author& author) {
  return written_to<Cue>(store_, [&](SQLite::Database& database) -> Result<Cue> {
    SQLite::Statement count(database, "SELECT count(*) FROM cue WHERE show = ?");
    count.bind(1, show);
    count.executeStep();
    if (count.getColumn(0).getInt() >= kMostUnread)
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("{} cues are not read yet; the host reads no more", kMostUnread));
    SQLite::Statement add(database, "INSERT INTO cue(show, text, changed_by, changed_at) VALUES(?, ?, ?, ?)");
    add.bind(1, show);
    add.bind(2, text);
    add.bind(3, author.name);
    add.bind(4, micros(author.at));
    add.exec();
    return Cue{database.getLastInsertRowid(), text, author};
  });
}

Status CueBook::remove(int64_t show, int64_t id) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement remove(database, "DELETE FROM cue WHERE show = ? AND id = ?");
    remove.bind(1, show);
    remove.bind(2, id);
    remove.exec();
    return {};
  });
}

Result<std::vector<Cue>> CueBook::list(int64_t show) const {
  using Cues = std::vector<Cue>;
  return read_from<Cues>(store_, [&](SQLite::Database& database) -> Result<Cues> {
    SQLite::Statement row(database,
                          "SELECT id, text, changed_by, changed_at FROM cue WHERE show = ? ORDER BY id");
    row.bind(1, show);
    Cues cues;
    while (row.executeStep())
      cues.push_back({row.getColumn(0).getInt64(),
                      row.getColumn(1).getString(),
                      {row.getColumn(2).getString(), instant_of(row.getColumn(3).getInt64())}});
    return cues;
  });
}

}  // namespace vitrine::desk
