// SPDX-License-Identifier: Apache-2.0
#include "commerce/table_access.h"

#include <SQLiteCpp/SQLiteCpp.h>

namespace vitrine::commerce {

std::optional<int64_t> integer_or_null(const SQLite::Column& column) {
  return column.isNull() ? std::nullopt : std::optional(column.getInt64());
}

void bind_optional(SQLite::Statement& statement, int at, std::optional<int64_t> value) {
  if (value)
    statement.bind(at, *value);
  else
    statement.bind(at);
}

}  // namespace vitrine::commerce
