// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vitrine::desk {

/// The desk's own data, beside the shop's: a file of its own. An entry that was shipped is never changed;
/// what comes later is another entry. Instants are microseconds of UTC.
inline constexpr const char* kDeskSchema[] = {
    R"sql(
CREATE TABLE account(
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK(role IN ('assistant', 'host', 'operator', 'service', 'technician')),
  pin TEXT NOT NULL,            -- argon2id, as libsodium writes it: with its salt and cost
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE session(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,    -- BLAKE2b of what the cookie holds
  account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  source TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_by_account ON session(account);

CREATE TABLE token(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK(role IN ('assistant', 'host', 'operator', 'service', 'technician')),
  scope TEXT NOT NULL CHECK(scope IN ('read', 'all')),
  created_by TEXT NOT NULL,     -- an account, or "uid:0"
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  account TEXT NOT NULL,        -- empty: nobody was logged in
  role TEXT NOT NULL,
  source TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,          -- the pattern
  path TEXT NOT NULL,           -- what stood for its names, a JSON object
  status INTEGER NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
-- INSERT OR REPLACE deletes without asking the trigger before.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS(SELECT 1 FROM audit WHERE id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
)sql"};

}  // namespace vitrine::desk
