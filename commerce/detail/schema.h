// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vitrine::commerce::detail {

/// One entry for each step of the schema, the first on an empty file; PRAGMA user_version counts those done.
/// An entry that was shipped is never changed: the next one follows it. Times are microseconds UTC, money
/// minor units.
inline constexpr const char* kMigrations[] = {
    R"sql(
CREATE TABLE item(
  id INTEGER PRIMARY KEY,
  backend TEXT NOT NULL,             -- the adapter that brought it: where it came from
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  sku TEXT NOT NULL,
  title TEXT NOT NULL,
  option TEXT NOT NULL,
  category TEXT NOT NULL,
  image_url TEXT NOT NULL,
  shop_url TEXT NOT NULL,
  availability TEXT NOT NULL,
  currency TEXT NOT NULL CHECK(length(currency) = 3),
  price INTEGER NOT NULL CHECK(price > 0),
  base_price INTEGER CHECK(base_price > 0),
  reference_price INTEGER CHECK(reference_price > 0),
  stock INTEGER CHECK(stock >= 0),   -- NULL: not counted
  is_presale INTEGER NOT NULL,
  backend_version TEXT NOT NULL,
  version INTEGER NOT NULL,          -- ours: 1, then one more with every change
  changed_at INTEGER NOT NULL,       -- when the change was seen
  UNIQUE(backend, product, variant)
) STRICT;
CREATE INDEX item_by_sku ON item(sku);

-- Rows of the backend that were not taken. One for each item and backend: the newest.
CREATE TABLE refused_row(
  backend TEXT NOT NULL,
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  problems TEXT NOT NULL,            -- JSON array of {where, found, allowed}
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY(backend, product, variant)
) STRICT;

CREATE TABLE cursor(
  backend TEXT NOT NULL,
  kind TEXT NOT NULL,                -- items, orders
  value TEXT NOT NULL,
  PRIMARY KEY(backend, kind)
) STRICT;

-- What is to be done at the backend, written with the change that wants it. A row stays for ever: its operation id is
-- the idempotency key.
CREATE TABLE outbox(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  operation TEXT NOT NULL UNIQUE,
  backend TEXT NOT NULL,
  lane TEXT NOT NULL,                -- what must stay in order: a product
  kind TEXT NOT NULL,
  priority INTEGER NOT NULL,         -- 0 goes first
  body TEXT NOT NULL,                -- JSON
  state TEXT NOT NULL,               -- queued, sending, unknown, done, rejected, superseded
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  result TEXT NOT NULL DEFAULT ''    -- for people: how it ended
) STRICT;
CREATE INDEX outbox_open ON outbox(backend, lane, sequence) WHERE state IN ('queued', 'sending', 'unknown');

CREATE TABLE purchase(               -- "order" is SQL's own word
  id INTEGER PRIMARY KEY,
  backend TEXT NOT NULL,
  backend_id TEXT NOT NULL,
  number TEXT NOT NULL,
  state TEXT NOT NULL,
  currency TEXT NOT NULL CHECK(length(currency) = 3),
  total INTEGER NOT NULL,
  masked_name TEXT NOT NULL,
  room TEXT NOT NULL,
  placed_at INTEGER NOT NULL,
  is_final INTEGER NOT NULL,
  version INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  UNIQUE(backend, backend_id)
) STRICT;
CREATE INDEX purchase_not_final ON purchase(backend) WHERE is_final = 0;

CREATE TABLE purchase_line(
  purchase INTEGER NOT NULL REFERENCES purchase(id) ON DELETE CASCADE,
  line TEXT NOT NULL,
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  unit_price INTEGER NOT NULL,
  PRIMARY KEY(purchase, line)
) STRICT;

CREATE TABLE payment(
  purchase INTEGER NOT NULL REFERENCES purchase(id) ON DELETE CASCADE,
  payment TEXT NOT NULL,
  amount INTEGER NOT NULL,
  paid_at INTEGER NOT NULL,
  PRIMARY KEY(purchase, payment)
) STRICT;

-- Events that were taken already: a webhook comes at least once.
CREATE TABLE seen_event(
  backend TEXT NOT NULL,
  event TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY(backend, event)
) STRICT;
)sql",

    // A shop without a mall: its own catalogue, timed prices and orders.
    R"sql(
CREATE TABLE local_revision(last INTEGER NOT NULL) STRICT;  -- one counter for all that changes below: what is new since N
INSERT INTO local_revision VALUES(0);

CREATE TABLE local_item(
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  sku TEXT NOT NULL,
  title TEXT NOT NULL,
  option TEXT NOT NULL,
  category TEXT NOT NULL,
  image_url TEXT NOT NULL,
  shop_url TEXT NOT NULL,
  availability TEXT NOT NULL,
  currency TEXT NOT NULL CHECK(length(currency) = 3),
  price INTEGER NOT NULL CHECK(price > 0),   -- without any timed price
  reference_price INTEGER CHECK(reference_price > price),
  reference_basis TEXT NOT NULL,
  stock INTEGER CHECK(stock >= 0),           -- that can still be sold; NULL: not counted
  table_stock INTEGER,                       -- what the last table said: said once more, it says nothing new
  is_presale INTEGER NOT NULL,
  revision INTEGER NOT NULL UNIQUE,          -- of the last change
  edition INTEGER NOT NULL,                  -- of the last change of anything but the stock
  changed_at INTEGER NOT NULL,
  PRIMARY KEY(product, variant)
) STRICT;

CREATE TABLE local_timed_price(
  id INTEGER PRIMARY KEY AUTOINCREMENT,      -- the handle
  operation TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  begins_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,                  -- half-open; moved to the moment at which it was ended early
  planned_end INTEGER NOT NULL CHECK(planned_end > begins_at)
) STRICT;

CREATE TABLE local_timed_item(
  timed_price INTEGER NOT NULL REFERENCES local_timed_price(id),
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  price INTEGER NOT NULL CHECK(price > 0),
  PRIMARY KEY(timed_price, product, variant)
) STRICT;
CREATE INDEX local_timed_item_by_ref ON local_timed_item(product, variant);

CREATE TABLE local_purchase(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  operation TEXT NOT NULL UNIQUE,            -- who sends it twice makes one
  state TEXT NOT NULL,
  currency TEXT NOT NULL CHECK(length(currency) = 3),
  total INTEGER NOT NULL CHECK(total > 0),
  masked_name TEXT NOT NULL,
  room TEXT NOT NULL,
  placed_at INTEGER NOT NULL,
  revision INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE local_purchase_line(
  purchase INTEGER NOT NULL REFERENCES local_purchase(id),
  line INTEGER NOT NULL,
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK(quantity > 0),
  held INTEGER NOT NULL CHECK(held >= 0),    -- of it taken from a counted stock, and given back when it is cancelled
  unit_price INTEGER NOT NULL CHECK(unit_price > 0),
  PRIMARY KEY(purchase, line)
) STRICT;

CREATE TABLE local_payment(
  purchase INTEGER NOT NULL REFERENCES local_purchase(id),
  payment TEXT NOT NULL,                     -- the operation that recorded it
  amount INTEGER NOT NULL CHECK(amount > 0),
  paid_at INTEGER NOT NULL,
  PRIMARY KEY(purchase, payment)
) STRICT;
)sql",

    // Prices for a time, and the places of items in shows.
    R"sql(
ALTER TABLE outbox ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;  -- not before; until then it holds up nothing in its lane

CREATE TABLE offer(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  backend TEXT NOT NULL,
  product TEXT NOT NULL,
  name TEXT NOT NULL,
  begins_at INTEGER NOT NULL,        -- by the backend's clock; half-open
  ends_at INTEGER NOT NULL CHECK(ends_at > begins_at),
  quantity INTEGER CHECK(quantity > 0),
  audience TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  put_operation TEXT NOT NULL UNIQUE,
  end_operation TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX offer_open ON offer(backend, product) WHERE state NOT IN ('ended', 'refused');

CREATE TABLE offer_price(
  offer INTEGER NOT NULL REFERENCES offer(id),
  variant TEXT NOT NULL,
  currency TEXT NOT NULL CHECK(length(currency) = 3),
  price INTEGER NOT NULL CHECK(price > 0),
  price_before INTEGER NOT NULL CHECK(price_before > price),
  PRIMARY KEY(offer, variant)
) STRICT;

CREATE TABLE listing(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  backend TEXT NOT NULL,
  show TEXT NOT NULL,                -- whoever runs it has its own names for shows
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  quota INTEGER CHECK(quota > 0),    -- pieces the show may sell
  supply INTEGER,                    -- the most that was ever there to sell: pieces sold and pieces left
  listed_at INTEGER,                 -- when it was asked to be listed; sales count from then
  operation TEXT NOT NULL,           -- the newest that lists or delists it; empty: none
  version INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX listing_once ON listing(backend, show, product, variant) WHERE state <> 'delisted';
)sql",

    // What the shop adds to its items: photos, and papers (notes, documents, payees).
    R"sql(
CREATE TABLE item_photo(
  backend TEXT NOT NULL,
  product TEXT NOT NULL,
  variant TEXT NOT NULL,
  url TEXT NOT NULL,                 -- that was asked last
  blob TEXT NOT NULL,                -- the last good one; empty: none yet
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  etag TEXT NOT NULL,                -- of `blob` at `url`; empty where it came from another one
  fetched_at INTEGER NOT NULL,       -- when `blob` was last known to be what the shop shows; 0: never
  problem TEXT NOT NULL,             -- why the newest try brought nothing; empty: it did
  failures INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  PRIMARY KEY(backend, product, variant)
) STRICT;
CREATE INDEX item_photo_by_url ON item_photo(backend, url);
CREATE INDEX item_by_image ON item(backend, image_url);  -- variants share their product's photo

-- Photos that a shop without a mall brought in, by the names that its table says.
CREATE TABLE shop_photo(
  name TEXT PRIMARY KEY,
  blob TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  put_at INTEGER NOT NULL
) STRICT;

-- Every version of what staff wrote down. Rows are never changed and never go: they prove what was known when.
CREATE TABLE paper(
  kind TEXT NOT NULL,                -- note, document, payee
  key TEXT NOT NULL,                 -- a note's: JSON [backend, product, variant]
  version INTEGER NOT NULL CHECK(version > 0),
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  body TEXT NOT NULL,                -- JSON
  PRIMARY KEY(kind, key, version)
) STRICT;
CREATE TRIGGER paper_stays BEFORE DELETE ON paper BEGIN SELECT RAISE(ABORT, 'papers are kept'); END;
CREATE TRIGGER paper_stands BEFORE UPDATE ON paper BEGIN SELECT RAISE(ABORT, 'papers are not changed'); END;
)sql",

    // Orders of the backend that could not be read: each may be a sale. One for each order: the newest.
    R"sql(
CREATE TABLE refused_purchase(
  backend TEXT NOT NULL,
  backend_id TEXT NOT NULL,
  problems TEXT NOT NULL,            -- as refused_row's
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY(backend, backend_id)
) STRICT;
)sql",

    // What the outbox must know of a request that nobody answered.
    R"sql(
-- When it was last sent: what has not come in by then may still do so. And how often no trustworthy answer came back.
ALTER TABLE outbox ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0;
)sql",

    // The newest orders are asked for every second of a show.
    R"sql(
CREATE INDEX purchase_by_time ON purchase(backend, placed_at);
)sql",
};

}  // namespace vitrine::commerce::detail
