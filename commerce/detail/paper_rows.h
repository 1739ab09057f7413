// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/table_access.h"
#include "commerce/versioned.h"
#include "core/error.h"
#include "core/object_reader.h"

namespace vitrine::commerce::detail {

/// One version of one row of `paper`.
struct PaperRow {
  std::string key;
  Versioned<nlohmann::json> paper;
};

/// The newest of each of `kind`, by key.
std::vector<PaperRow> list_papers(SQLite::Database& database, const char* kind);
/// The newest first.
std::vector<PaperRow> paper_history(SQLite::Database& database, const char* kind, const std::string& key);
std::optional<PaperRow> find_paper(SQLite::Database& database, const char* kind, const std::string& key);

/// Adds a version; gives its number. What is the newest already stays the newest: a form sent twice changes
/// nothing. Errors: kStaleRevision where `expected` (0: none) is not the newest.
Result<int64_t> put_paper(SQLite::Database& database, const char* kind, const std::string& key,
                          const nlohmann::json& body, int64_t expected, const Author& author);

/// `read` takes one `PaperRow` into what the caller returns.
template <typename Row, typename Read>
Result<std::vector<Row>> all_of(const std::vector<PaperRow>& rows, const Read& read) {
  std::vector<Row> found;
  for (const auto& row : rows) {
    auto value = read(row);
    if (!value) return tl::unexpected(value.error());
    found.push_back(std::move(*value));
  }
  return found;
}

/// `read` over an object; all problems as one kInvalidInput.
template <typename T>
Result<T> read_object(const nlohmann::json& body, const std::function<T(ObjectReader&)>& read) {
  Problems problems;
  ObjectReader reader(body, "", problems);
  T value = read(reader);
  reader.finish();
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  return value;
}

/// Text of one line; empty where it may be and is missing.
enum class Need { kOptional, kRequired };
std::string line_of_text(ObjectReader& reader, const char* key, size_t max_bytes, Need need);
/// A list of such lines.
std::vector<std::string> lines_of_text(ObjectReader& reader, const char* key, size_t most, size_t max_bytes);

}  // namespace vitrine::commerce::detail
