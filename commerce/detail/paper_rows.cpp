// SPDX-License-Identifier: Apache-2.0
#include "commerce/detail/paper_rows.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/columns.h"
#include "core/json_text.h"
#include "core/text_rules.h"

namespace vitrine::commerce::detail {
namespace {

constexpr const char* kPaperColumns = "key, version, changed_by, changed_at, body";

std::vector<PaperRow> paper_rows(SQLite::Statement& found) {
  std::vector<PaperRow> rows;
  while (found.executeStep())
    rows.push_back({found.getColumn(0).getString(),
                    {nlohmann::json::parse(found.getColumn(4).getString(), nullptr, false),
                     found.getColumn(1).getInt64(),
                     {found.getColumn(2).getString(), instant_of(found.getColumn(3).getInt64())}}});
  return rows;
}

}  // namespace

std::vector<PaperRow> list_papers(SQLite::Database& database, const char* kind) {
  SQLite::Statement found(
      database,
      fmt::format("SELECT {} FROM paper AS p WHERE kind = ? AND version = (SELECT max(version) FROM paper "
                  "WHERE kind = p.kind AND key = p.key) ORDER BY key",
                  kPaperColumns));
  found.bind(1, kind);
  return paper_rows(found);
}

std::vector<PaperRow> paper_history(SQLite::Database& database, const char* kind, const std::string& key) {
  SQLite::Statement found(
      database,
      fmt::format("SELECT {} FROM paper WHERE kind = ? AND key = ? ORDER BY version DESC", kPaperColumns));
  found.bind(1, kind);
  found.bind(2, key);
  return paper_rows(found);
}

std::optional<PaperRow> find_paper(SQLite::Database& database, const char* kind, const std::string& key) {
  SQLite::Statement found(
      database, fmt::format("SELECT {} FROM paper WHERE kind = ? AND key = ? ORDER BY version DESC LIMIT 1",
                            kPaperColumns));
  found.bind(1, kind);
  found.bind(2, key);
  auto rows = paper_rows(found);
  return rows.empty() ? std::nullopt : std::optional(std::move(rows.front()));
}

Result<int64_t> put_paper(SQLite::Database& database, const char* kind, const std::string& key,
                          const nlohmann::json& body, int64_t expected, const Author& author) {
  const auto known = find_paper(database, kind, key);
  const int64_t newest = known ? known->paper.version : 0;
  if (known && known->paper.value == body) return newest;
  if (expected != newest) {
    return fail(ErrorCode::kStaleRevision,
                newest == 0
                    ? fmt::format("version {} was to be changed, and there is none", expected)
                    : fmt::format("version {} was to be changed, and {} is there since {} changed it; read "
                                  "it again and build on it",
                                  expected, newest, known->paper.by.name));
  }
  SQLite::Statement put(database, "INSERT INTO paper VALUES(?, ?, ?, ?, ?, ?)");
  put.bind(1, kind);
  put.bind(2, key);
  put.bind(3, newest + 1);
  put.bind(4, author.name);
  put.bind(5, micros(author.at));
  put.bind(6, body.dump());
  put.exec();
  return newest + 1;
}

std::string line_of_text(ObjectReader& reader, const char* key, size_t max_bytes, Need need) {
  std::string text = need == Need::kRequired
                         ? reader.text(key, {.max_bytes = max_bytes, .may_be_empty = false})
                         : reader.text_or(key, "", {.max_bytes = max_bytes, .may_be_empty = true});
  if (text.find('\n') != std::string::npos) reader.refuse(key, "several lines", "one line");
  return text;
}

std::vector<std::string> lines_of_text(ObjectReader& reader, const char* key, size_t most, size_t max_bytes) {
  std::vector<std::string> lines;
  size_t index = 0;
  reader.values(key, 0, most, [&](const nlohmann::json& value, const std::string& /*where*/) {
    const std::string at = fmt::format("{}[{}]", key, index++);
    const auto* text = value.get_ptr<const std::string*>();
    const auto unsafe = text != nullptr ? find_unsafe_character(*text) : std::nullopt;
    if (text == nullptr || text->empty() || text->size() > max_bytes)
      reader.refuse(at, describe(value), fmt::format("text of 1 to {} bytes", max_bytes));
    else if (unsafe || text->find('\n') != std::string::npos)
      reader.refuse(at, unsafe.value_or("several lines"),
                    "one line without control and direction characters");
    else
      lines.push_back(*text);
  });
  return lines;
}

}  // namespace vitrine::commerce::detail
