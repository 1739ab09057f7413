// SPDX-License-Identifier: Apache-2.0
#include "desk/access/audit_log.h"

#include <SQLiteCpp/SQLiteCpp.h>

namespace vitrine::desk {

Status AuditLog::add(const Entry& entry) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement add(database,
                          "INSERT INTO audit(at, account, role, source, method, route, path, status) "
                          "VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    add.bind(1, entry.at.time_since_epoch().count());
    add.bind(2, entry.account);
    add.bind(3, entry.role);
    add.bind(4, entry.source);
    add.bind(5, entry.method);
    add.bind(6, entry.route);
    add.bind(7, entry.path);
    add.bind(8, entry.status);
    add.exec();
    return {};
  });
}

Result<std::vector<AuditLog::Entry>> AuditLog::list(int64_t before, int limit) const {
  std::vector<Entry> entries;
  auto done = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement rows(database,
                           "SELECT id, at, account, role, source, method, route, path, status FROM audit "
                           "WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2");
    rows.bind(1, before);
    rows.bind(2, limit);
    while (rows.executeStep())
      entries.push_back(
          {rows.getColumn(0).getInt64(), Instant(std::chrono::microseconds(rows.getColumn(1).getInt64())),
           rows.getColumn(2).getString(), rows.getColumn(3).getString(), rows.getColumn(4).getString(),
           rows.getColumn(5).getString(), rows.getColumn(6).getString(), rows.getColumn(7).getString(),
           rows.getColumn(8).getInt()});
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return entries;
}

}  // namespace vitrine::desk
