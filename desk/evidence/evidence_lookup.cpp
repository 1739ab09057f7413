// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/evidence_lookup.h"

#include <algorithm>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/table_access.h"
#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using commerce::instant_of;
using commerce::micros;
using commerce::read_from;
using nlohmann::json;

constexpr int kMostRows = 500;
constexpr size_t kMostShown = 1000;

template <typename... Values>
SQLite::Statement asked(SQLite::Database& database, const std::string& sql, const Values&... values) {
  SQLite::Statement statement(database, sql);
  int at = 0;
  (statement.bind(++at, values), ...);
  return statement;
}

/// A snapshot's answer. The store's content is ours unless somebody changed it.
template <typename Work>
Result<json> look_up(const EvidenceBook& book, const Work& work) {
  return read_from<json>(book.store(), [&](SQLite::Database& database) -> Result<json> {
    try {
      return work(database);
    } catch (const json::exception& wrong) {
      return fail(
          ErrorCode::kIo,
          fmt::format("a row of the evidence is not as it was written ({}); `vitrinectl evidence verify` "
                      "names it",
                      wrong.what()));
    }
  });
}

json row_json(SQLite::Statement& row) {
  return {{"sequence", row.getColumn(0).getInt64()},
          {"hash", row.getColumn(1).getString()},
          {"body", json::parse(row.getColumn(2).getString(), nullptr, false)}};
}

/// Since a visible row: `at` grows with it, but for a shop whose clock was set back.
std::optional<json> visible_at(SQLite::Database& database, const std::string& program,
                               const std::string& at) {
  auto newest =
      asked(database,
            "SELECT sequence, session FROM evidence WHERE kind = 'visible' AND program = ? AND at <= ? "
            "ORDER BY at DESC, sequence DESC LIMIT 1",
            program, at);
  if (!newest.executeStep()) return std::nullopt;
  int64_t sequence = newest.getColumn(0).getInt64();
  auto later =
      asked(database,
            "SELECT max(sequence) FROM evidence WHERE kind = 'visible' AND program = ? AND session = ? "
            "AND sequence > ? AND at <= ?",
            program, newest.getColumn(1).getString(), sequence, at);
  if (later.executeStep() && !later.getColumn(0).isNull()) sequence = later.getColumn(0).getInt64();
  auto row = asked(database, "SELECT sequence, hash, body FROM evidence WHERE sequence = ?", sequence);
  row.executeStep();
  return row_json(row);
}

struct KnownSession {
  json body;
  std::optional<Instant> ended_at;
  int64_t fps_num = 0;
  int64_t fps_den = 1;
};

constexpr const char* kSessionColumns =
    "SELECT program, session, started_at, ended_at, is_lost, fps_num, fps_den, first FROM session ";

KnownSession session_of(SQLite::Statement& row) {
  KnownSession session;
  session.body = {{"program", row.getColumn(0).getString()},
                  {"session", row.getColumn(1).getString()},
                  {"started_at", format_rfc3339(instant_of(row.getColumn(2).getInt64()))},
                  {"ended_at", nullptr},
                  {"lost", row.getColumn(4).getInt() != 0},
                  {"fps_num", row.getColumn(5).getInt64()},
                  {"fps_den", row.getColumn(6).getInt64()},
                  {"first", row.getColumn(7).getInt64()}};
  if (!row.getColumn(3).isNull()) {
    session.ended_at = instant_of(row.getColumn(3).getInt64());
    session.body["ended_at"] = format_rfc3339(*session.ended_at);
  }
  session.fps_num = row.getColumn(5).getInt64();
  session.fps_den = row.getColumn(6).getInt64();
  return session;
}

KnownSession find_session(SQLite::Database& database, const std::string& program, const std::string& name) {
  auto found =
      asked(database, std::string(kSessionColumns) + "WHERE program = ? AND session = ?", program, name);
  return found.executeStep() ? session_of(found) : KnownSession{};
}

/// Where picture `frame` of a session lies in its recordings; null where it is in none.
json recording_at(SQLite::Database& database, const EvidenceBook& book, const KnownSession& session,
                  int64_t frame) {
  const std::string program = session.body.at("program");
  const std::string name = session.body.at("session");
  auto found =
      asked(database,
            "SELECT file, first_frame, first_pts_ms, last_pts_ms, state, e.body ->> '$.blake2b' FROM "
            "recording r LEFT JOIN evidence e ON e.sequence = r.hashed WHERE r.program = ? AND "
            "r.session = ? AND first_frame <= ? ORDER BY first_frame DESC LIMIT 1",
            program, name, frame);
  if (session.fps_num == 0 || !found.executeStep()) return nullptr;
  const std::string state = found.getColumn(4).getString();
  const int64_t in_file = frame - found.getColumn(1).getInt64();
  const int64_t offset_ms = in_file * 1000 * session.fps_den / session.fps_num;
  const int64_t length_ms = found.getColumn(3).getInt64() - found.getColumn(2).getInt64();
  if ((state == "closed" || state == "failed") && offset_ms >= length_ms) return nullptr;  // a gap follows
  const EvidenceBook::Recording recording{program, name, found.getColumn(0).getString()};
  std::error_code ignored;
  json body = {{"program", program},
               {"session", name},
               {"file", recording.file},
               {"state", state},
               {"frame", in_file},
               {"fragment", in_file / frames_per_fragment(session.fps_num, session.fps_den)},
               {"offset_ms", offset_ms},
               {"fps_num", session.fps_num},
               {"fps_den", session.fps_den},
               {"blake2b", nullptr},
               {"exists", std::filesystem::exists(recording.below(book.config().recordings), ignored)}};
  if (!found.getColumn(5).isNull()) body["blake2b"] = found.getColumn(5).getString();
  return body;
}

EvidenceBook::Visible visible_of(SQLite::Statement& row, const std::string& program) {
  return {row.getColumn(0).getInt64(),  program,
          row.getColumn(1).getString(), static_cast<uint64_t>(row.getColumn(2).getInt64()),
          row.getColumn(3).getInt64(),  parse_rfc3339(row.getColumn(4).getString()).value_or(Instant{})};
}

constexpr const char* kVisibleColumns =
    "SELECT sequence, session, revision, frame, at FROM evidence WHERE kind = 'visible' AND "
    "program = ? ";

/// When the row's picture gave way to the next one; nothing where it still stands.
std::optional<Instant> end_of_row(SQLite::Database& database, const KnownSession& session, int64_t sequence) {
  auto next = asked(
      database,
      "SELECT at FROM evidence WHERE kind = 'visible' AND program = ? AND session = ? AND sequence "
      "> ? ORDER BY sequence LIMIT 1",
      session.body.at("program").get<std::string>(), session.body.at("session").get<std::string>(), sequence);
  return next.executeStep() ? parse_rfc3339(next.getColumn(0).getString()) : session.ended_at;
}

json value_or_null(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? json(nullptr) : *found;
}

bool is_about(const json& layer_item, const commerce::Ref& item) {
  return value_or_null(layer_item, "product") == item.product &&
         value_or_null(layer_item, "variant") == item.variant;
}

/// One row's layers of an item, each joined to the one before where nothing changed for who watches.
void add_shown(json& shown, const json& row, const commerce::Ref& item, Instant at,
               std::optional<Instant> end) {
  const json& body = row.at("body");
  for (const auto& layer : body.at("layers")) {
    const json& basis = layer.at("basis");
    if (layer.at("form") == "hidden" || !is_about(value_or_null(basis, "item"), item)) continue;
    json piece = {{"program", body.at("program")},
                  {"session", body.at("session")},
                  {"layer", layer.at("id")},
                  {"form", layer.at("form")},
                  {"price", value_or_null(basis, "price")},
                  {"offer", value_or_null(basis, "offer")},
                  {"item", value_or_null(basis, "item")}};
    const auto last = std::find_if(shown.rbegin(), shown.rend(), [&](const json& before) {
      return std::ranges::all_of(piece.items(),
                                 [&](const auto& entry) { return before.at(entry.key()) == entry.value(); });
    });
    const json until = end ? json(format_rfc3339(*end)) : json(nullptr);
    if (last != shown.rend() && last->at("until") == format_rfc3339(at)) {
      (*last)["until"] = until;
      (*last)["rows"][1] = row.at("sequence");
      continue;
    }
    piece["from"] = format_rfc3339(at);
    piece["until"] = until;
    piece["rows"] = {row.at("sequence"), row.at("sequence")};
    shown.push_back(std::move(piece));
  }
}

}  // namespace

Result<json> EvidenceLookup::at(const std::string& program, Instant instant) const {
  return look_up(book_, [&](SQLite::Database& database) -> Result<json> {
    json answer = {{"program", program}, {"time", format_rfc3339(instant)}, {"on_air", false}};
    const auto row = visible_at(database, program, format_rfc3339(instant));
    if (!row) return answer;
    const json& body = row->at("body");
    const auto session = find_session(database, program, body.at("session"));
    if (session.ended_at && instant >= *session.ended_at) return answer;
    answer["on_air"] = true;
    answer["session"] = session.body;
    answer["row"] = *row;
    const auto since = parse_rfc3339(body.at("at").get<std::string>()).value_or(instant);
    const int64_t frame = body.at("frame").get<int64_t>() + (instant - since) / std::chrono::microseconds(1) *
                                                                session.fps_num /
                                                                (1'000'000 * session.fps_den);
    answer["frame"] = frame;
    answer["recording"] = recording_at(database, book_, session, frame);
    return answer;
  });
}

Result<json> EvidenceLookup::list(const Filter& filter) const {
  const int limit = std::clamp(filter.limit, 1, kMostRows);
  std::string sql = "SELECT e.sequence, e.hash, e.body FROM evidence e ";
  if (filter.item)
    sql += "JOIN shown_item i ON i.sequence = e.sequence AND i.product = ?5 AND i.variant = ?6 ";
  sql += "WHERE e.sequence < ?1 ";
  if (!filter.program.empty()) sql += "AND e.program = ?2 ";
  if (!filter.session.empty()) sql += "AND e.session = ?3 ";
  if (!filter.kind.empty()) sql += "AND e.kind = ?4 ";
  // The window as sequences first, from an index: rows come in the order of their sequence.
  if (filter.from)
    sql += "AND e.at >= ?7 AND e.sequence >= (SELECT min(sequence) FROM evidence WHERE at >= ?7) ";
  if (filter.until)
    sql += "AND e.at < ?8 AND e.sequence <= (SELECT max(sequence) FROM evidence WHERE at < ?8) ";
  sql += fmt::format("ORDER BY e.sequence DESC LIMIT {}", limit);
  return look_up(book_, [&](SQLite::Database& database) -> Result<json> {
    SQLite::Statement found(database, sql);
    found.bind(1, filter.before);
    if (!filter.program.empty()) found.bind(2, filter.program);
    if (!filter.session.empty()) found.bind(3, filter.session);
    if (!filter.kind.empty()) found.bind(4, filter.kind);
    if (filter.item) {
      found.bind(5, filter.item->product);
      found.bind(6, filter.item->variant);
    }
    if (filter.from) found.bind(7, format_rfc3339(*filter.from));
    if (filter.until) found.bind(8, format_rfc3339(*filter.until));
    json rows = json::array();
    while (found.executeStep()) rows.push_back(row_json(found));
    json next = static_cast<int>(rows.size()) == limit ? rows.back()["sequence"] : json(nullptr);
    return json{{"rows", std::move(rows)}, {"next", std::move(next)}};
  });
}

Result<json> EvidenceLookup::sessions(const std::string& program, int limit) const {
  return look_up(book_, [&](SQLite::Database& database) -> Result<json> {
    auto found = asked(
        database,
        std::string(kSessionColumns) + "WHERE ?1 = '' OR program = ?1 ORDER BY started_at DESC LIMIT ?2",
        program, std::clamp(limit, 1, kMostRows));
    json sessions = json::array();
    while (found.executeStep()) sessions.push_back(session_of(found).body);
    return json{{"sessions", std::move(sessions)}};
  });
}

Result<std::optional<EvidenceLookup::LastVisible>> EvidenceLookup::last_visible(
    const std::string& program) const {
  using Last = std::optional<LastVisible>;
  return read_from<Last>(book_.store(), [&](SQLite::Database& database) -> Result<Last> {
    auto session =
        asked(database, "SELECT session FROM session WHERE program = ? ORDER BY first DESC LIMIT 1", program);
    if (!session.executeStep()) return Last{};
    const std::string name = session.getColumn(0).getString();
    auto newest =
        asked(database, std::string(kVisibleColumns) + "AND session = ? ORDER BY sequence DESC LIMIT 1",
              program, name);
    if (!newest.executeStep()) return Last{};
    LastVisible last{visible_of(newest, program), {}};
    auto first = asked(
        database, std::string(kVisibleColumns) + "AND session = ? AND revision = ? ORDER BY sequence LIMIT 1",
        program, name, static_cast<int64_t>(last.now.revision));
    first.executeStep();
    last.first = visible_of(first, program);
    return last;
  });
}

Result<json> EvidenceLookup::item_on_air(const commerce::Ref& item, Instant from, Instant until) const {
  return look_up(book_, [&](SQLite::Database& database) -> Result<json> {
    json shown = json::array();
    auto sessions =
        asked(database,
              std::string(kSessionColumns) +
                  "WHERE started_at < ? AND (ended_at IS NULL OR ended_at > ?) ORDER BY started_at",
              micros(until), micros(from));
    while (sessions.executeStep()) {
      const auto session = session_of(sessions);
      auto rows =
          asked(database,
                "SELECT e.sequence, e.hash, e.body FROM shown_item i JOIN evidence e USING(sequence) WHERE "
                "i.product = ? AND i.variant = ? AND e.program = ? AND e.session = ? AND i.sequence >= ? "
                "AND e.at < ? ORDER BY e.sequence",
                item.product, item.variant, session.body.at("program").get<std::string>(),
                session.body.at("session").get<std::string>(), session.body.at("first").get<int64_t>(),
                format_rfc3339(until));
      while (rows.executeStep()) {
        const json row = row_json(rows);
        const auto at = parse_rfc3339(row.at("body").at("at").get<std::string>()).value_or(Instant{});
        const auto end = end_of_row(database, session, row.at("sequence").get<int64_t>());
        if (end && *end <= from) continue;
        add_shown(shown, row, item, at, end);
        if (shown.size() >= kMostShown) return json{{"shown", std::move(shown)}, {"more", true}};
      }
    }
    return json{{"shown", std::move(shown)}, {"more", false}};
  });
}

Result<json> EvidenceLookup::summary() const {
  return look_up(book_, [&](SQLite::Database& database) -> Result<json> {
    json body = {
        {"device", book_.key().id()},
        {"public_key", book_.key().public_pem()},
        {"rows", database.execAndGet("SELECT coalesce(max(sequence), 0) FROM evidence").getInt64()},
        {"sealed_until", 0},
        {"sealed_at", nullptr},
        {"recordings_to_hash",
         database.execAndGet("SELECT count(*) FROM recording WHERE hashed IS NULL AND state <> 'open'")
             .getInt64()}};
    SQLite::Statement seal(database, "SELECT sequence, made_at FROM seal ORDER BY sequence DESC LIMIT 1");
    if (seal.executeStep()) {
      body["sealed_until"] = seal.getColumn(0).getInt64();
      body["sealed_at"] = format_rfc3339(instant_of(seal.getColumn(1).getInt64()));
    }
    return body;
  });
}

}  // namespace vitrine::desk
