// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include "commerce/store.h"
#include "core/error.h"

namespace SQLite {
class Database;
}

namespace vitrine::commerce::detail {

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

}  // namespace vitrine::commerce::detail
