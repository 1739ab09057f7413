// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vitrine::desk::detail {

/// As commerce/detail/schema.h: an entry that was shipped is never changed.
inline constexpr const char* kEvidenceSchema[] = {
    R"sql(
-- The chain: `body` and `hash`. The other columns repeat what `body` says, to be found by; a check compares them.
-- (Generated ones can't be: SQLite 3.40 allows no JSON function in a schema that is not trusted.)
CREATE TABLE evidence(
  sequence INTEGER PRIMARY KEY,      -- 1, 2, 3, … without holes
  body TEXT NOT NULL,
  hash TEXT NOT NULL CHECK(length(hash) = 64),  -- BLAKE2b-256 of the hash before, a line end and `body`
  kind TEXT NOT NULL,
  at TEXT NOT NULL,                  -- RFC 3339 with milliseconds and Z: sorts as text
  program TEXT,
  session TEXT,
  frame INTEGER,
  revision INTEGER
) STRICT;
CREATE INDEX evidence_at ON evidence(at);
CREATE INDEX evidence_kind ON evidence(kind, sequence);
CREATE INDEX evidence_visible ON evidence(program, at, sequence) WHERE kind = 'visible';
CREATE INDEX evidence_session ON evidence(program, session, sequence);
CREATE INDEX evidence_visible_session ON evidence(program, session, sequence, at) WHERE kind = 'visible';
CREATE INDEX evidence_revision ON evidence(revision, sequence) WHERE kind = 'visible';
CREATE TRIGGER evidence_stays BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is kept'); END;
CREATE TRIGGER evidence_stands BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is not changed'); END;
CREATE TRIGGER evidence_follows BEFORE INSERT ON evidence
WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM evidence)
BEGIN SELECT RAISE(ABORT, 'evidence is added at the end'); END;

-- What the device's key says about all rows up to one.
CREATE TABLE seal(
  sequence INTEGER PRIMARY KEY,
  made_at INTEGER NOT NULL,
  why TEXT NOT NULL,
  public_key TEXT NOT NULL,          -- hex
  text TEXT NOT NULL,                -- what was signed
  signature BLOB NOT NULL
) STRICT;
CREATE TRIGGER seal_stays BEFORE DELETE ON seal BEGIN SELECT RAISE(ABORT, 'seals are kept'); END;
CREATE TRIGGER seal_stands BEFORE UPDATE ON seal BEGIN SELECT RAISE(ABORT, 'seals are not changed'); END;
CREATE TRIGGER seal_once BEFORE INSERT ON seal WHEN EXISTS(SELECT 1 FROM seal WHERE sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'seals are not changed'); END;

-- All below helps to find rows and can be made from them again.

-- How far each as-run.jsonl was read.
CREATE TABLE source(
  program TEXT NOT NULL,
  session TEXT NOT NULL,
  position INTEGER NOT NULL,         -- bytes
  PRIMARY KEY(program, session)
) STRICT, WITHOUT ROWID;

CREATE TABLE session(
  program TEXT NOT NULL,
  session TEXT NOT NULL,
  first INTEGER NOT NULL,            -- its row
  started_at INTEGER NOT NULL,
  fps_num INTEGER NOT NULL,          -- 0: not known (its first line is missing), so no time is a picture's number
  fps_den INTEGER NOT NULL,
  ended_at INTEGER,                  -- NULL: it goes on
  is_lost INTEGER NOT NULL DEFAULT 0,  -- another one began and this one never ended: `ended_at` is the last that is known
  PRIMARY KEY(program, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_time ON session(started_at);

CREATE TABLE recording(
  program TEXT NOT NULL,
  session TEXT NOT NULL,
  file TEXT NOT NULL,
  first_frame INTEGER NOT NULL,
  first_pts_ms INTEGER NOT NULL,
  last_pts_ms INTEGER NOT NULL,      -- while it is open: what was on the disk when it was opened
  state TEXT NOT NULL,               -- open, closed, failed, left
  hashed INTEGER,                    -- the row with its hash
  PRIMARY KEY(program, session, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX recording_to_hash ON recording(state) WHERE hashed IS NULL AND state <> 'open';

-- Rows in which an item could be seen.
CREATE TABLE shown_item(
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY(product, variant, sequence)
) STRICT, WITHOUT ROWID;

-- Why the desk asked for a revision, before the studio heard of it.
CREATE TABLE basis(
  revision INTEGER PRIMARY KEY,
  noted_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
)sql",
};

}  // namespace vitrine::desk::detail
