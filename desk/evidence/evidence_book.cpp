// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/evidence_book.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/table_access.h"
#include "core/log.h"
#include "core/rfc3339.h"
#include "desk/evidence/chain.h"
#include "desk/evidence/detail/evidence_schema.h"
#include "desk/evidence/detail/seal_text.h"

namespace vitrine::desk {
namespace {

using commerce::instant_of;
using commerce::micros;
using nlohmann::json;
using Recording = EvidenceBook::Recording;

constexpr std::chrono::days kKeepBasis{40};
constexpr size_t kMostBasisBytes = size_t{1} << 20;

template <typename... Values>
SQLite::Statement bound(SQLite::Database& database, const char* sql, const Values&... values) {
  SQLite::Statement statement(database, sql);
  int at = 0;
  (statement.bind(++at, values), ...);
  return statement;
}

/// The end of the chain, inside of a transaction.
class ChainEnd {
 public:
  explicit ChainEnd(SQLite::Database& database) : database_(database), hash_(kNoHash) {
    SQLite::Statement last(database, "SELECT sequence, hash FROM evidence ORDER BY sequence DESC LIMIT 1");
    if (!last.executeStep()) return;
    sequence_ = last.getColumn(0).getInt64();
    hash_ = last.getColumn(1).getString();
  }

  /// Gives the row's sequence.
  int64_t add(json body) {
    body["sequence"] = ++sequence_;
    const std::string text = canonical_text(body);
    hash_ = chain_hash(hash_, text);
    SQLite::Statement put(database_, "INSERT INTO evidence VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    put.bind(1, sequence_);
    put.bind(2, text);
    put.bind(3, hash_);
    int at = 3;
    for (const char* name : {"kind", "at", "program", "session"}) {
      const auto found = body.find(name);
      if (++at; found != body.end()) put.bind(at, found->get_ref<const std::string&>());
    }
    for (const char* name : {"frame", "revision"}) {
      const auto found = body.find(name);
      if (++at; found != body.end()) put.bind(at, found->get<int64_t>());
    }
    put.exec();
    return sequence_;
  }
  [[nodiscard]] int64_t sequence() const { return sequence_; }
  [[nodiscard]] const std::string& hash() const { return hash_; }

 private:
  SQLite::Database& database_;
  int64_t sequence_ = 0;
  std::string hash_;
};

const json* member(const json& object, const std::string& key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? nullptr : &*found;
}
std::string text_member(const json& object, const char* key) {
  const json* found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

/// The row that was on screen in `frame`; 0: none.
int64_t row_at_frame(SQLite::Database& database, const Recording& recording, int64_t frame) {
  auto found = bound(database,
                     "SELECT sequence FROM evidence WHERE kind = 'visible' AND program = ? AND session = ? "
                     "AND frame <= ? ORDER BY sequence DESC LIMIT 1",
                     recording.program, recording.session, frame);
  return found.executeStep() ? found.getColumn(0).getInt64() : 0;
}

/// Takes the lines of one file into the chain and into what helps to find them.
class LineTaker {
 public:
  LineTaker(SQLite::Database& database, const AsRunLines& from, EvidenceBook::Taken& taken)
      : database_(database), from_(from), taken_(taken), chain_(database) {}

  void take(const BrokenLine& line) {
    json body = row("broken", system_now());
    body["bytes"] = line.bytes;
    body["blake2b"] = line.hash;
    body["begins"] = line.begins;
    body["why"] = line.why;
    chain_.add(std::move(body));
  }

  void take(const AsRunRecord& record) {
    note_session(record);
    if (record.type == "visible") return take_visible(record);
    const bool is_known =
        record.type == "session" || record.type == "destination" || record.type == "recording";
    json body = row(is_known ? record.type : "other", record.at);
    json fields = record.fields;
    for (const char* said : {"utc", "program", "session"}) fields.erase(said);
    if (is_known) fields.erase("type");
    if (record.type == "recording") note_recording(fields);
    body["record"] = std::move(fields);
    chain_.add(std::move(body));
  }

 private:
  [[nodiscard]] json row(std::string_view kind, Instant at) const {
    return {
        {"kind", kind}, {"at", format_rfc3339(at)}, {"program", from_.program}, {"session", from_.session}};
  }

  void take_visible(const AsRunRecord& record) {
    const json& fields = record.fields;
    const auto revision = fields.at("revision").get<uint64_t>();
    const json* basis = basis_of(revision);
    json body = row("visible", record.at);
    for (const char* kept : {"frame", "pts_ms", "revision", "scene", "camera", "records_lost_before"})
      if (const json* value = member(fields, kept)) body[kept] = *value;
    json about = basis != nullptr ? *basis : json(nullptr);
    if (basis != nullptr) about.erase("programs");
    body["basis"] = std::move(about);
    json layers = json::array();
    std::vector<std::pair<std::string, std::string>> items;
    for (const auto& shown : fields.at("layers")) {
      layers.push_back(layer_row(shown, basis, record.at));
      const json* item = member(layers.back()["basis"], "item");
      if (item != nullptr && shown.at("form") != "hidden")
        items.emplace_back(text_member(*item, "product"), text_member(*item, "variant"));
    }
    body["layers"] = std::move(layers);
    const int64_t frame = fields.at("frame").get<int64_t>();
    const int64_t sequence = chain_.add(std::move(body));
    for (const auto& [product, variant] : items)
      bound(database_, "INSERT OR IGNORE INTO shown_item VALUES(?, ?, ?)", product, variant, sequence).exec();
    taken_.visible.push_back({sequence, from_.program, from_.session, revision, frame, record.at});
  }

  json layer_row(const json& shown, const json* basis, Instant at) const {
    json layer;
    for (const char* kept : {"id", "template", "form", "tile", "data", "valid_until"})
      if (const json* value = member(shown, kept)) layer[kept] = *value;
    if (shown.at("form") == "normal")
      layer["lease_ok"] = *parse_rfc3339(shown.at("valid_until").get<std::string>()) > at;
    layer["basis"] = layer_basis(shown, basis);
    return layer;
  }

  /// Why the desk wanted this layer; null where it is not what the desk asked for.
  [[nodiscard]] json layer_basis(const json& shown, const json* basis) const {
    const json* found = basis;
    for (const std::string& key :
         {std::string("programs"), from_.program, std::string("layers"), shown.at("id").get<std::string>()})
      if (found != nullptr) found = member(*found, key);
    if (found == nullptr) return nullptr;
    const json* data = member(shown, "data");
    const json* digest = member(*found, "digest");
    if (digest != nullptr && data != nullptr &&
        *digest != EvidenceBook::layer_digest(shown.at("template").get<std::string>(), *data))
      return nullptr;
    return *found;
  }

  const json* basis_of(uint64_t revision) {
    const auto [known, is_new] = bases_.try_emplace(revision);
    if (is_new) {
      auto found = bound(database_, "SELECT body, noted_at FROM basis WHERE revision = ?",
                         static_cast<int64_t>(revision));
      if (found.executeStep()) {
        known->second = json::parse(found.getColumn(0).getString());
        known->second["noted_at"] = format_rfc3339(instant_of(found.getColumn(1).getInt64()));
      }
    }
    return known->second.is_null() ? nullptr : &known->second;
  }

  void note_session(const AsRunRecord& record) {
    const std::string event = record.type == "session" ? record.fields.at("event").get<std::string>() : "";
    const bool is_start = event == "started";
    bound(
        database_,
        "INSERT INTO session(program, session, first, started_at, fps_num, fps_den) VALUES(?, ?, ?, ?, 0, 1) "
        "ON CONFLICT DO UPDATE SET ended_at = NULL, is_lost = 0 WHERE is_lost = 1",
        from_.program, from_.session, chain_.sequence() + 1, micros(record.at))
        .exec();
    // A destination may have spoken before the session's own line came.
    if (is_start) {
      bound(database_,
            "UPDATE session SET started_at = ?, fps_num = ?, fps_den = ? WHERE program = ? AND session = ?",
            micros(record.at), record.fields.at("fps_num").get<int64_t>(),
            record.fields.at("fps_den").get<int64_t>(), from_.program, from_.session)
          .exec();
    }
    if (is_start) note_lost_sessions();
    if (event != "ended") return;
    bound(database_, "UPDATE session SET ended_at = ? WHERE program = ? AND session = ?", micros(record.at),
          from_.program, from_.session)
        .exec();
    leave_recordings(from_.session, "");
    taken_.has_ended_session = true;
  }

  /// One program has one session at a time: what did not end before this one began was cut off.
  void note_lost_sessions() {
    auto lost = bound(database_,
                      "SELECT session FROM session WHERE program = ? AND session <> ? AND ended_at IS NULL",
                      from_.program, from_.session);
    std::vector<std::string> names;
    while (lost.executeStep()) names.push_back(lost.getColumn(0).getString());
    for (const auto& name : names) {
      auto last =
          bound(database_,
                "SELECT at FROM evidence WHERE program = ? AND session = ? ORDER BY sequence DESC LIMIT 1",
                from_.program, name);
      const auto at = last.executeStep() ? parse_rfc3339(last.getColumn(0).getString()) : std::nullopt;
      bound(database_, "UPDATE session SET ended_at = ?, is_lost = 1 WHERE program = ? AND session = ?",
            at ? micros(*at) : 0, from_.program, name)
          .exec();
      leave_recordings(name, "");
    }
  }

  /// Files that nobody will close any more.
  void leave_recordings(const std::string& session, const std::string& but) {
    bound(database_,
          "UPDATE recording SET state = 'left' WHERE program = ? AND session = ? AND state = 'open' AND file "
          "<> ?",
          from_.program, session, but)
        .exec();
    taken_.has_file_to_hash = true;
  }

  void note_recording(json& fields) {
    const std::string file = text_member(fields, "file");
    const std::string event = fields.at("event");
    if (file.empty()) return;
    const int64_t first_frame = fields.at("first_frame").get<int64_t>();
    bound(database_,
          "INSERT INTO recording(program, session, file, first_frame, first_pts_ms, last_pts_ms, state) "
          "VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, last_pts_ms = "
          "excluded.last_pts_ms",
          from_.program, from_.session, file, first_frame, fields.at("first_pts_ms").get<int64_t>(),
          fields.at("last_pts_ms").get<int64_t>(), event == "opened" ? "open" : event)
        .exec();
    fields["showing"] = row_at_frame(database_, {from_.program, from_.session, file}, first_frame);
    leave_recordings(from_.session, file);
  }

  SQLite::Database& database_;
  const AsRunLines& from_;
  EvidenceBook::Taken& taken_;
  ChainEnd chain_;
  std::map<uint64_t, json> bases_;  // null: there is none
};

Status move_position(SQLite::Database& database, const AsRunLines& lines) {
  auto known = bound(database, "SELECT position FROM source WHERE program = ? AND session = ?", lines.program,
                     lines.session);
  const int64_t position = known.executeStep() ? known.getColumn(0).getInt64() : 0;
  if (position != static_cast<int64_t>(lines.from)) {
    return fail(ErrorCode::kStaleRevision,
                fmt::format("as-run records of {}/{} from byte {}: they were read up to {}", lines.program,
                            lines.session, lines.from, position));
  }
  bound(database, "INSERT INTO source VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
        lines.program, lines.session, static_cast<int64_t>(lines.until))
      .exec();
  return {};
}

struct SealDue {
  int64_t rows = 0;
  int64_t sealed = 0;
  Instant sealed_at{};
};
SealDue seal_due(SQLite::Database& database) {
  SealDue due;
  due.rows = database.execAndGet("SELECT coalesce(max(sequence), 0) FROM evidence").getInt64();
  SQLite::Statement last(database, "SELECT sequence, made_at FROM seal ORDER BY sequence DESC LIMIT 1");
  if (!last.executeStep()) return due;
  due.sealed = last.getColumn(0).getInt64();
  due.sealed_at = instant_of(last.getColumn(1).getInt64());
  return due;
}

/// The file's row, all but what is in the file.
json file_row(SQLite::Database& database, const Recording& recording) {
  auto found =
      bound(database,
            "SELECT r.first_frame, r.first_pts_ms, r.last_pts_ms, r.state, s.fps_num, s.fps_den FROM "
            "recording r JOIN session s USING(program, session) WHERE program = ? AND session = ? AND "
            "file = ? AND hashed IS NULL",
            recording.program, recording.session, recording.file);
  if (!found.executeStep()) return nullptr;
  const int64_t first = found.getColumn(0).getInt64();
  const int64_t first_ms = found.getColumn(1).getInt64();
  const int64_t last_ms = found.getColumn(2).getInt64();
  const std::string state = found.getColumn(3).getString();
  const int64_t num = found.getColumn(4).getInt64();
  const int64_t den = found.getColumn(5).getInt64();
  const bool is_left = state == "left";
  const int64_t last = is_left ? INT64_MAX : first + (last_ms - first_ms) * num / (1000 * den);
  json body = {{"kind", "file"},
               {"at", format_rfc3339(system_now())},
               {"program", recording.program},
               {"session", recording.session},
               {"file", recording.file},
               {"ended", state},
               {"first_frame", first},
               {"first_pts_ms", first_ms},
               {"fps_num", num},
               {"fps_den", den},
               {"fragment_frames", frames_per_fragment(num, den)},
               {"rows",
                {{"first", row_at_frame(database, recording, first)},
                 {"last", row_at_frame(database, recording, last)}}}};
  if (!is_left) body["last_pts_ms"] = last_ms;
  return body;
}

}  // namespace

EvidenceBook::EvidenceBook(Config config, std::unique_ptr<commerce::Store> store, DeviceKey key)
    : config_(std::move(config)), store_(std::move(store)), key_(std::move(key)) {
}

Result<std::unique_ptr<EvidenceBook>> EvidenceBook::open(Config config) {
  auto key = DeviceKey::open(config.directory);
  if (!key) return tl::unexpected(key.error().with_context("the key of this box"));
  commerce::Store::Config settings;
  settings.directory = config.directory;
  settings.schema = detail::kEvidenceSchema;
  // A check of 1,000,000 rows (2 KB each) takes 24 s, a quick one 11 s; the chain itself shows damage, and
  // where.
  settings.check = commerce::Store::Config::Check::kOpens;
  settings.page_bytes =
      8192;  // three rows a page: the file is a third smaller than with one row to each of 4096
  auto store = commerce::Store::open(settings);
  if (!store) return tl::unexpected(store.error());
  std::unique_ptr<EvidenceBook> book(new EvidenceBook(std::move(config), std::move(*store), std::move(*key)));
  if (auto begun = book->begin_chain(); !begun) return tl::unexpected(begun.error());
  return book;
}

/// The chain says itself when it began, when its key changed and when its file was repaired: who checks it
/// must not have to ask.
Status EvidenceBook::begin_chain() {
  return store_->write([&](SQLite::Database& database) -> Status {
    ChainEnd chain(database);
    SQLite::Statement known(
        database,
        "SELECT body ->> '$.public_key' FROM evidence WHERE kind IN ('begin', 'key') ORDER "
        "BY sequence DESC LIMIT 1");
    const bool has_begun = known.executeStep();
    const json about = {{"at", format_rfc3339(system_now())}};
    if (!has_begun || known.getColumn(0).getString() != key_.public_hex()) {
      json body = about;
      body["kind"] = has_begun ? "key" : "begin";
      body["device"] = key_.id();
      body["public_key"] = key_.public_hex();
      chain.add(std::move(body));
      if (has_begun)
        log::warning("evidence", "the key of this box is another one, {}, from row {} on", key_.id(),
                     chain.sequence());
    }
    for (const auto& repair : store_->repairs()) {
      json body = about;
      body["kind"] = "repaired";
      body["what"] = repair;
      chain.add(std::move(body));
    }
    return {};
  });
}

std::string EvidenceBook::layer_digest(std::string_view template_name, const json& data) {
  return blake2b(fmt::format("{}\n{}", template_name, canonical_text(data)));
}

Status EvidenceBook::note_sent(uint64_t revision, const json& basis) {
  const std::string text = canonical_text(basis);
  if (!basis.is_object() || text.size() > kMostBasisBytes) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("the basis of revision {} has {} bytes; allowed: an object of at most {}",
                            revision, text.size(), kMostBasisBytes));
  }
  const auto number = static_cast<int64_t>(revision);
  return store_->write([&](SQLite::Database& database) -> Status {
    auto known = bound(database, "SELECT body FROM basis WHERE revision = ?", number);
    if (known.executeStep() && known.getColumn(0).getString() != text) {
      auto shown = bound(
          database, "SELECT sequence FROM evidence WHERE kind = 'visible' AND revision = ? LIMIT 1", number);
      if (shown.executeStep()) {
        return fail(
            ErrorCode::kStaleRevision,
            fmt::format("revision {} has been on screen with another basis (row {}); send a newer one",
                        revision, shown.getColumn(0).getInt64()));
      }
    }
    const Instant now = system_now();
    bound(database, "INSERT OR REPLACE INTO basis VALUES(?, ?, ?)", number, micros(now), text).exec();
    bound(database, "DELETE FROM basis WHERE noted_at < ? AND revision < ?", micros(now - kKeepBasis), number)
        .exec();
    return {};
  });
}

Result<uint64_t> EvidenceBook::newest_noted() const {
  return commerce::read_from<uint64_t>(*store_, [](SQLite::Database& database) -> Result<uint64_t> {
    SQLite::Statement newest(database, "SELECT ifnull(max(revision), 0) FROM basis");
    newest.executeStep();
    return static_cast<uint64_t>(newest.getColumn(0).getInt64());
  });
}

Result<EvidenceBook::Taken> EvidenceBook::take(const AsRunLines& lines) {
  return commerce::written_to<Taken>(*store_, [&](SQLite::Database& database) -> Result<Taken> {
    if (auto moved = move_position(database, lines); !moved) return tl::unexpected(moved.error());
    Taken taken;
    LineTaker taker(database, lines, taken);
    for (const auto& line : lines.lines) std::visit([&](const auto& each) { taker.take(each); }, line);
    return taken;
  });
}

Result<EvidenceBook::Positions> EvidenceBook::positions() const {
  return commerce::read_from<Positions>(*store_, [](SQLite::Database& database) -> Result<Positions> {
    Positions positions;
    SQLite::Statement found(database, "SELECT program, session, position FROM source");
    while (found.executeStep())
      positions[{found.getColumn(0).getString(), found.getColumn(1).getString()}] =
          static_cast<uint64_t>(found.getColumn(2).getInt64());
    return positions;
  });
}

Result<bool> EvidenceBook::is_over(const std::string& program, const std::string& session) const {
  return commerce::read_from<bool>(*store_, [&](SQLite::Database& database) -> Result<bool> {
    auto found =
        bound(database, "SELECT 1 FROM session WHERE program = ? AND session = ? AND ended_at IS NOT NULL",
              program, session);
    return found.executeStep();
  });
}

Status EvidenceBook::seal(std::string_view why) {
  return store_->write([&](SQLite::Database& database) -> Status {
    const ChainEnd chain(database);
    if (seal_due(database).sealed >= chain.sequence()) return {};
    const Instant now = system_now();
    const std::string text = detail::seal_text(key_.id(), chain.sequence(), chain.hash(), now);
    const std::string signature = key_.sign(text);
    SQLite::Statement put(database, "INSERT INTO seal VALUES(?, ?, ?, ?, ?, ?)");
    put.bind(1, chain.sequence());
    put.bind(2, micros(now));
    put.bind(3, std::string(why));
    put.bind(4, key_.public_hex());
    put.bind(5, text);
    put.bind(6, signature.data(), static_cast<int>(signature.size()));
    put.exec();
    return {};
  });
}

Status EvidenceBook::seal_if_due() {
  const auto due = commerce::read_from<SealDue>(
      *store_, [](SQLite::Database& database) -> Result<SealDue> { return seal_due(database); });
  if (!due) return tl::unexpected(due.error());
  const auto day = [](Instant at) { return std::chrono::floor<std::chrono::days>(at); };
  if (due->rows <= due->sealed || day(due->sealed_at) == day(system_now())) return {};
  return seal("a new day");
}

Result<std::vector<Recording>> EvidenceBook::unhashed(const Recording* of_session) const {
  return commerce::read_from<std::vector<Recording>>(
      *store_, [&](SQLite::Database& database) -> Result<std::vector<Recording>> {
        std::vector<Recording> found;
        SQLite::Statement rows(
            database,
            "SELECT program, session, file FROM recording WHERE hashed IS NULL AND state <> "
            "'open' AND (?1 = '' OR (program = ?1 AND session = ?2)) ORDER BY session, file");
        rows.bind(1, of_session != nullptr ? of_session->program : "");
        rows.bind(2, of_session != nullptr ? of_session->session : "");
        while (rows.executeStep())
          found.push_back(
              {rows.getColumn(0).getString(), rows.getColumn(1).getString(), rows.getColumn(2).getString()});
        return found;
      });
}

Status EvidenceBook::note_hash(const Recording& recording, const FileHash& hash) {
  return store_->write([&](SQLite::Database& database) -> Status {
    json body = file_row(database, recording);
    if (body.is_null()) return {};
    if (hash.fault.empty()) {
      body["bytes"] = hash.bytes;
      body["blake2b"] = hash.blake2b;
      body["written_at"] = format_rfc3339(hash.written_at);
    } else {
      body["fault"] = hash.fault;
    }
    const int64_t sequence = ChainEnd(database).add(std::move(body));
    bound(database, "UPDATE recording SET hashed = ? WHERE program = ? AND session = ? AND file = ?",
          sequence, recording.program, recording.session, recording.file)
        .exec();
    if (!hash.fault.empty()) return {};
    // A session that was cut off was on air at least as long as its recording grew.
    bound(database,
          "UPDATE session SET ended_at = max(ended_at, ?) WHERE program = ? AND session = ? AND is_lost = 1",
          micros(hash.written_at), recording.program, recording.session)
        .exec();
    return {};
  });
}

int64_t frames_per_fragment(int64_t fps_num, int64_t fps_den) {
  constexpr int64_t kFragmentMs = 999;
  return (kFragmentMs * fps_num + 1000 * fps_den - 1) / (1000 * fps_den);
}

}  // namespace vitrine::desk
