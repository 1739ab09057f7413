// SPDX-License-Identifier: Apache-2.0
#include "commerce/outbox.h"

#include <array>
#include <sodium.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include "commerce/detail/columns.h"
#include "commerce/detail/outbox_journal.h"

namespace vitrine::commerce {
namespace {

constexpr std::array<std::string_view, 6> kKindNames = {"unknown",         "set_listing",     "set_stock",
                                                        "put_timed_price", "end_timed_price", "set_prices"};
constexpr std::array<std::string_view, 6> kOperationStateNames = {"queued", "sending",  "unknown",
                                                                  "done",   "rejected", "superseded"};
constexpr const char* kOperationColumns =
    "sequence, operation, backend, lane, kind, priority, body, state, attempts, unanswered, sent_at, "
    "created_at, result, due_at";
/// The first one of each lane that is open and due, of lanes that nobody is at work in; ?1 the backend, ?2
/// the busy lanes, ?3 now.
constexpr const char* kHeads =
    " FROM outbox AS o WHERE backend = ?1 AND state IN ('queued', 'sending', 'unknown') AND due_at <= ?3 AND "
    "lane NOT IN (SELECT value FROM json_each(?2)) AND NOT EXISTS(SELECT 1 FROM outbox AS earlier WHERE "
    "earlier.backend = o.backend AND earlier.lane = o.lane AND earlier.sequence < o.sequence AND "
    "earlier.due_at <= ?3 AND earlier.state IN ('queued', 'sending', 'unknown'))";

template <typename Enum, size_t n>
Enum from_name(const std::array<std::string_view, n>& names, std::string_view name) {
  for (size_t i = 0; i < n; ++i)
    if (names[i] == name) return static_cast<Enum>(i);
  return Enum{};
}

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, 2 * 16 + 1> text{};
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  return text.data();
}

Operation operation_of(SQLite::Statement& row) {
  Operation operation;
  operation.sequence = row.getColumn(0).getInt64();
  operation.id = row.getColumn(1).getString();
  operation.backend = row.getColumn(2).getString();
  operation.lane = row.getColumn(3).getString();
  operation.kind = from_name<Operation::Kind>(kKindNames, row.getColumn(4).getString());
  operation.priority = static_cast<Operation::Priority>(row.getColumn(5).getInt());
  operation.body = nlohmann::json::parse(row.getColumn(6).getString(), nullptr, false);
  operation.state = from_name<Operation::State>(kOperationStateNames, row.getColumn(7).getString());
  operation.attempts = row.getColumn(8).getInt();
  operation.unanswered = row.getColumn(9).getInt();
  operation.sent_at = instant_of(row.getColumn(10).getInt64());
  operation.created_at = instant_of(row.getColumn(11).getInt64());
  operation.result = row.getColumn(12).getString();
  operation.due_at = instant_of(row.getColumn(13).getInt64());
  return operation;
}

bool is_absolute(Operation::Kind kind) {
  return kind == Operation::Kind::kSetListing || kind == Operation::Kind::kSetStock;
}

}  // namespace

std::string_view to_string(Operation::Kind kind) {
  return kKindNames[static_cast<size_t>(kind)];
}

std::string_view to_string(Operation::State state) {
  return kOperationStateNames[static_cast<size_t>(state)];
}

void Outbox::add(SQLite::Database& database, Operation& operation) {
  if (operation.id.empty()) operation.id = random_id();
  if (is_absolute(operation.kind)) {
    SQLite::Statement supersede(
        database,
        "UPDATE outbox SET state = 'superseded', ended_at = ?1, result = 'a newer one took its "
        "place' WHERE backend = ?2 AND lane = ?3 AND kind = ?4 AND state = 'queued' AND "
        "json_extract(body, '$.ref') = json_extract(?5, '$.ref') RETURNING operation");
    supersede.bind(1, micros(operation.created_at));
    supersede.bind(2, operation.backend);
    supersede.bind(3, operation.lane);
    supersede.bind(4, std::string(to_string(operation.kind)));
    supersede.bind(5, operation.body.dump());
    while (supersede.executeStep())
      note_end(supersede.getColumn(0).getString(), "superseded", operation.created_at);
  }
  SQLite::Statement insert(
      database,
      "INSERT INTO outbox(operation, backend, lane, kind, priority, body, state, created_at, "
      "due_at) VALUES(?, ?, ?, ?, ?, ?, 'queued', ?, ?)");
  insert.bind(1, operation.id);
  insert.bind(2, operation.backend);
  insert.bind(3, operation.lane);
  insert.bind(4, std::string(to_string(operation.kind)));
  insert.bind(5, static_cast<int>(operation.priority));
  insert.bind(6, operation.body.dump());
  insert.bind(7, micros(operation.created_at));
  insert.bind(8, micros(operation.due_at));
  insert.exec();
  operation.sequence = database.getLastInsertRowid();
  store_.note(nlohmann::json{{"operation", operation.id},
                             {"backend", operation.backend},
                             {"lane", operation.lane},
                             {"kind", to_string(operation.kind)},
                             {"priority", static_cast<int>(operation.priority)},
                             {"body", operation.body},
                             {"created_at", micros(operation.created_at)},
                             {"due_at", micros(operation.due_at)}}
                  .dump());
}

void Outbox::hasten(SQLite::Database& database, const std::string& id, Instant now) {
  SQLite::Statement update(
      database, "UPDATE outbox SET due_at = ?2 WHERE operation = ?1 AND state = 'queued' AND due_at > ?2");
  update.bind(1, id);
  update.bind(2, micros(now));
  if (update.exec() > 0) store_.note(nlohmann::json{{"hastened", id}, {"due_at", micros(now)}}.dump());
}

std::optional<Operation> Outbox::find(SQLite::Database& database, const std::string& id) {
  SQLite::Statement row(database,
                        std::string("SELECT ") + kOperationColumns + " FROM outbox WHERE operation = ?");
  row.bind(1, id);
  return row.executeStep() ? std::optional(operation_of(row)) : std::nullopt;
}

bool Outbox::withdraw(SQLite::Database& database, const std::string& id, std::string_view why, Instant now) {
  SQLite::Statement update(database,
                           "UPDATE outbox SET state = 'superseded', result = ?2, ended_at = ?3 WHERE "
                           "operation = ?1 AND state = 'queued'");
  update.bind(1, id);
  update.bind(2, std::string(why));
  update.bind(3, micros(now));
  const bool is_withdrawn = update.exec() > 0;
  if (is_withdrawn) note_end(id, "superseded", now);
  return is_withdrawn;
}

void Outbox::note_end(const std::string& id, std::string_view state, Instant at) {
  store_.note(nlohmann::json{{"ended", id}, {"state", state}, {"at", micros(at)}}.dump());
}

Result<std::optional<Operation>> Outbox::next(std::string_view backend, Instant now,
                                              const Lanes& busy) const {
  std::optional<Operation> found;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement row(
        database,
        std::string("SELECT ") + kOperationColumns + kHeads +
            " AND not_before <= ?3 ORDER BY (SELECT min(behind.priority) FROM outbox "
            "AS behind WHERE behind.backend = o.backend AND behind.lane = o.lane AND "
            "behind.due_at <= ?3 AND behind.state IN ('queued', 'sending', 'unknown')), sequence LIMIT 1");
    row.bind(1, std::string(backend));
    row.bind(2, nlohmann::json(busy).dump());
    row.bind(3, micros(now));
    if (row.executeStep()) found = operation_of(row);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return found;
}

Result<std::optional<Instant>> Outbox::next_due(std::string_view backend, Instant now,
                                                const Lanes& busy) const {
  std::optional<Instant> due;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement row(
        database,
        std::string("SELECT min(at) FROM (SELECT not_before AS at") + kHeads +
            " UNION ALL SELECT due_at FROM outbox WHERE backend = ?1 AND state IN ('queued', 'sending', "
            "'unknown') AND due_at > ?3 AND lane NOT IN (SELECT value FROM json_each(?2)))");
    row.bind(1, std::string(backend));
    row.bind(2, nlohmann::json(busy).dump());
    row.bind(3, micros(now));
    if (row.executeStep() && !row.getColumn(0).isNull()) due = instant_of(row.getColumn(0).getInt64());
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return due;
}

Result<bool> Outbox::begin(const Operation& operation, Instant now) {
  bool is_begun = false;
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement update(
        database,
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1, sent_at = ? WHERE sequence = ? "
        "AND state IN ('queued', 'sending', 'unknown')");
    update.bind(1, micros(now));
    update.bind(2, operation.sequence);
    is_begun = update.exec() > 0;
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return is_begun;
}

Status Outbox::end(const Operation& operation, Operation::State state, std::string_view result, Instant now) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement update(database,
                             "UPDATE outbox SET state = ?, result = ?, ended_at = ? WHERE sequence = ?");
    update.bind(1, std::string(to_string(state)));
    update.bind(2, std::string(result));
    update.bind(3, micros(now));
    update.bind(4, operation.sequence);
    update.exec();
    note_end(operation.id, to_string(state), now);
    return {};
  });
}

Status Outbox::postpone(const Operation& operation, Operation::State state, std::string_view why,
                        Instant at) {
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement update(
        database,
        "UPDATE outbox SET state = ?, result = ?, not_before = ?, unanswered = ? WHERE sequence = ?");
    update.bind(1, std::string(to_string(state)));
    update.bind(2, std::string(why));
    update.bind(3, micros(at));
    update.bind(4, operation.unanswered);
    update.bind(5, operation.sequence);
    update.exec();
    return {};
  });
}

Result<Outbox::Counts> Outbox::counts(std::string_view backend) const {
  Counts counts;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement row(database, "SELECT state, count(*) FROM outbox WHERE backend = ? GROUP BY state");
    row.bind(1, std::string(backend));
    while (row.executeStep()) {
      const int64_t count = row.getColumn(1).getInt64();
      switch (from_name<Operation::State>(kOperationStateNames, row.getColumn(0).getString())) {
        case Operation::State::kUnknown:
          counts.unknown += count;
          [[fallthrough]];
        case Operation::State::kQueued:
        case Operation::State::kSending:
          counts.open += count;
          break;
        case Operation::State::kDone:
          counts.done += count;
          break;
        case Operation::State::kRejected:
          counts.rejected += count;
          break;
        case Operation::State::kSuperseded:
          break;
      }
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return counts;
}

Result<std::vector<Operation>> Outbox::list(std::string_view backend, int most) const {
  std::vector<Operation> found;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement row(database, std::string("SELECT ") + kOperationColumns +
                                        " FROM outbox WHERE backend = ? ORDER BY sequence DESC LIMIT ?");
    row.bind(1, std::string(backend));
    row.bind(2, most);
    while (row.executeStep()) found.push_back(operation_of(row));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return found;
}

namespace detail {

void replay_outbox_line(SQLite::Database& database, std::string_view line) {
  const auto note = nlohmann::json::parse(line, nullptr, false);
  if (!note.is_object()) return;
  if (note.contains("ended")) {
    SQLite::Statement update(database, "UPDATE outbox SET state = ?, ended_at = ? WHERE operation = ?");
    update.bind(1, note.value("state", std::string("unknown")));
    update.bind(2, note.value("at", int64_t{0}));
    update.bind(3, note.value("ended", std::string()));
    update.exec();
    return;
  }
  if (note.contains("hastened")) {
    SQLite::Statement update(database, "UPDATE outbox SET due_at = ? WHERE operation = ?");
    update.bind(1, note.value("due_at", int64_t{0}));
    update.bind(2, note.value("hastened", std::string()));
    update.exec();
    return;
  }
  SQLite::Statement insert(
      database,
      "INSERT OR IGNORE INTO outbox(operation, backend, lane, kind, priority, body, state, "
      "created_at, due_at, sent_at) VALUES(?, ?, ?, ?, ?, ?, 'unknown', ?, ?, unixepoch() * 1000000)");
  insert.bind(1, note.value("operation", std::string()));
  insert.bind(2, note.value("backend", std::string()));
  insert.bind(3, note.value("lane", std::string()));
  insert.bind(4, note.value("kind", std::string()));
  insert.bind(5, note.value("priority", 0));
  insert.bind(6, note.value("body", nlohmann::json::object()).dump());
  insert.bind(7, note.value("created_at", int64_t{0}));
  insert.bind(8, note.value("due_at", int64_t{0}));
  insert.exec();
}

}  // namespace detail

}  // namespace vitrine::commerce
