// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"

namespace SQLite {
class Column;
class Database;
class Statement;
}  // namespace SQLite

namespace vitrine::commerce {

/// What everybody who keeps something in a `Store` needs: results of its transactions, and how times and what
/// may be missing stand in columns.

/// What a snapshot of the store gives back besides its status.
template <typename T, typename Work>
Result<T> read_from(const Store& store, const Work& work) {
  std::optional<T> found;
  auto done = store.read([&](SQLite::Database& database) -> Status {
    auto result = work(database);
    if (!result) return tl::unexpected(result.error());
    found = std::move(*result);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return std::move(*found);
}

/// What a transaction gives back besides its status.
template <typename T, typename Work>
Result<T> written_to(Store& store, const Work& work) {
  std::optional<T> made;
  auto done = store.write([&](SQLite::Database& database) -> Status {
    auto result = work(database);
    if (!result) return tl::unexpected(result.error());
    made = std::move(*result);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return std::move(*made);
}

inline int64_t micros(Instant instant) {
  return instant.time_since_epoch().count();
}
inline Instant instant_of(int64_t micros) {
  return Instant{std::chrono::microseconds{micros}};
}
/// Of a column that the schema holds at three letters.
inline std::array<char, 3> currency_of(std::string_view text) {
  std::array<char, 3> currency{};
  text.copy(currency.data(), currency.size());
  return currency;
}

std::optional<int64_t> integer_or_null(const SQLite::Column& column);
void bind_optional(SQLite::Statement& statement, int at, std::optional<int64_t> value);

}  // namespace vitrine::commerce
