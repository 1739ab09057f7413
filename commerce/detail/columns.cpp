// SPDX-License-Identifier: Apache-2.0
#include "commerce/detail/columns.h"

#include <SQLiteCpp/SQLiteCpp.h>

namespace vitrine::commerce::detail {

void save_cursor(SQLite::Database& database, const std::string& backend, const char* kind,
                 const std::string& value) {
  SQLite::Statement put(
      database,
      "INSERT INTO cursor(backend, kind, value) VALUES(?, ?, ?) ON CONFLICT(backend, kind) DO UPDATE "
      "SET value = excluded.value");
  put.bind(1, backend);
  put.bind(2, kind);
  put.bind(3, value);
  put.exec();
}

std::string load_cursor(SQLite::Database& database, const std::string& backend, const char* kind) {
  SQLite::Statement found(database, "SELECT value FROM cursor WHERE backend = ? AND kind = ?");
  found.bind(1, backend);
  found.bind(2, kind);
  return found.executeStep() ? found.getColumn(0).getString() : "";
}

}  // namespace vitrine::commerce::detail
