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
)sql",

    // Shows and what is on their stage.
    R"sql(
CREATE TABLE show(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL,               -- template, planned, live, over
  plan TEXT NOT NULL,                -- JSON, as the API shows it
  version INTEGER NOT NULL,          -- 1, then one more with every change of the plan
  origin INTEGER,                    -- the template that made it by itself
  begins_at INTEGER,                 -- the plan's, to be found by; NULL: when somebody starts it
  started_at INTEGER,
  ended_at INTEGER,
  ended_why TEXT NOT NULL DEFAULT '',
  override_why TEXT NOT NULL DEFAULT '',  -- why it was started although the pre-flight said no
  slate TEXT,                        -- what stands on the slate that hides everything; NULL: nothing is hidden
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX show_live ON show(state) WHERE state = 'live';
CREATE UNIQUE INDEX show_once ON show(origin, begins_at) WHERE origin IS NOT NULL;
CREATE INDEX show_by_time ON show(begins_at);

-- What was on when. The last step of a live show is on now.
CREATE TABLE show_step(
  show INTEGER NOT NULL REFERENCES show(id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  kind TEXT NOT NULL,
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  host TEXT NOT NULL,                -- who was on air: sales are credited to them
  changed_by TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  PRIMARY KEY(show, step)
) STRICT;

-- How many watched, as somebody read it off a platform's page.
CREATE TABLE show_viewers(
  show INTEGER NOT NULL REFERENCES show(id) ON DELETE CASCADE,
  platform TEXT NOT NULL,
  viewers INTEGER NOT NULL CHECK(viewers >= 0),  -- in all, since the show began
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY(show, platform)
) STRICT;

-- Layers that somebody has switched on, each with a lease of its own.
CREATE TABLE stage_layer(
  program TEXT NOT NULL,             -- '': every program that is on air
  layer TEXT NOT NULL,
  template TEXT NOT NULL,
  data TEXT NOT NULL,                -- JSON
  after TEXT NOT NULL,               -- hide, ended, neutral
  valid_from INTEGER NOT NULL,
  valid_until INTEGER NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY(program, layer)
) STRICT;

-- Which cameras and microphones somebody has chosen.
CREATE TABLE stage_view(
  program TEXT PRIMARY KEY,
  body TEXT NOT NULL,                -- JSON: pictures, fallback_cameras, sounds as in the program state
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
)sql",

    // Layers that fill themselves.
    R"sql(
ALTER TABLE stage_layer ADD COLUMN source TEXT NOT NULL DEFAULT 'given';  -- given: `data`; orders: the newest ones
)sql",

    // What the uplink was seen to carry.
    R"sql(
CREATE TABLE uplink(
  day INTEGER PRIMARY KEY,           -- since 1970, UTC
  bitrate_bps INTEGER NOT NULL CHECK(bitrate_bps > 0),  -- the best of that day
  measured_at INTEGER NOT NULL
) STRICT;
)sql",

    // What the host is told while on air, until it was read.
    R"sql(
CREATE TABLE cue(
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never one again that was there
  show INTEGER NOT NULL REFERENCES show(id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
)sql",
};

}  // namespace vitrine::desk
