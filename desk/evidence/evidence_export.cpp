// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/evidence_export.h"

#include <fstream>
#include <set>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/table_access.h"
#include "core/rfc3339.h"
#include "desk/evidence/chain.h"
#include "desk/evidence/detail/export_texts.h"
#include "desk/evidence/recording_hasher.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;
using commerce::instant_of;
using commerce::micros;
using nlohmann::json;
using Recording = EvidenceBook::Recording;

/// A recording's place in time is known to the show clock's difference from the box's: rather one file more.
constexpr std::chrono::seconds kSlack{5};

struct ExportRange {
  int64_t first = INT64_MAX;
  int64_t last = 0;
  std::vector<Recording> recordings;
};

struct ChosenSession {
  std::string program;
  std::string session;
  Instant started_at{};
  int64_t first = 0;  // row
};

Status check_wish(const ExportWish& wish) {
  const bool is_session = !wish.session.empty() && !wish.program.empty() && !wish.from && !wish.until;
  const bool is_window = wish.session.empty() && wish.from && wish.until && *wish.from < *wish.until;
  if (is_session || is_window) return {};
  return fail(
      ErrorCode::kInvalidInput,
      "an export is of one session (program and session), or of a window (from, before until, and perhaps "
      "one program)");
}

std::vector<ChosenSession> choose_sessions(SQLite::Database& database, const ExportWish& wish) {
  SQLite::Statement found(database,
                          "SELECT program, session, started_at, first FROM session WHERE (?1 = '' OR program "
                          "= ?1) AND (?2 = '' OR session = "
                          "?2) AND started_at < ?3 AND (ended_at IS NULL OR ended_at > ?4)");
  found.bind(1, wish.program);
  found.bind(2, wish.session);
  found.bind(3, wish.until ? micros(*wish.until) : INT64_MAX);
  found.bind(4, wish.from ? micros(*wish.from) : INT64_MIN);
  std::vector<ChosenSession> sessions;
  while (found.executeStep())
    sessions.push_back({found.getColumn(0).getString(), found.getColumn(1).getString(),
                        instant_of(found.getColumn(2).getInt64()), found.getColumn(3).getInt64()});
  return sessions;
}

int64_t number_of(SQLite::Database& database, const char* sql, const ChosenSession& session,
                  const std::string& at) {
  SQLite::Statement found(database, sql);
  found.bind(1, session.program);
  found.bind(2, session.session);
  found.bind(3, at);
  return found.executeStep() ? found.getColumn(0).getInt64() : 0;
}

/// From the row that was on screen when the window began to the last one in it, and to the hash of each
/// recording that shows it.
void add_session(SQLite::Database& database, const ExportWish& wish, const ChosenSession& session,
                 ExportRange& range) {
  const std::string from = wish.from ? format_rfc3339(*wish.from) : "";
  const std::string until = wish.until ? format_rfc3339(*wish.until) : "~";  // sorts behind all times
  int64_t first =
      number_of(database,
                "SELECT max(sequence) FROM evidence WHERE kind = 'visible' AND program = ? AND session "
                "= ? AND at <= ?",
                session, from);
  if (first == 0) first = session.first;
  range.first = std::min(range.first, first);
  range.last = std::max(
      {range.last, first,
       number_of(database, "SELECT max(sequence) FROM evidence WHERE program = ? AND session = ? AND at < ?",
                 session, until)});
  SQLite::Statement files(database,
                          "SELECT file, first_pts_ms, last_pts_ms, state, hashed FROM recording WHERE "
                          "program = ? AND session = ?");
  files.bind(1, session.program);
  files.bind(2, session.session);
  while (files.executeStep()) {
    const std::string state = files.getColumn(3).getString();
    const auto begin = session.started_at + std::chrono::milliseconds(files.getColumn(1).getInt64()) - kSlack;
    const auto end = session.started_at + std::chrono::milliseconds(files.getColumn(2).getInt64()) + kSlack;
    const bool has_end = state == "closed" || state == "failed";
    if ((wish.until && begin >= *wish.until) || (wish.from && has_end && end <= *wish.from)) continue;
    range.recordings.push_back({session.program, session.session, files.getColumn(0).getString()});
    if (!files.getColumn(4).isNull()) range.last = std::max(range.last, files.getColumn(4).getInt64());
  }
}

Status hash_what_is_not(EvidenceBook& book, const std::vector<ChosenSession>& sessions) {
  for (const auto& session : sessions) {
    const Recording of{session.program, session.session, ""};
    const auto recordings = book.unhashed(&of);
    if (!recordings) return tl::unexpected(recordings.error());
    for (const auto& recording : *recordings) {
      const auto hash = hash_recording(recording.below(book.config().recordings), HashPace::kAtOnce);
      if (!hash) return tl::unexpected(hash.error());
      if (auto noted = book.note_hash(recording, *hash); !noted) return noted;
    }
  }
  return {};
}

Status save_text(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file)
    return fail_errno(errno == ENOSPC ? ErrorCode::kDiskFull : ErrorCode::kIo, "writing " + path.string());
  return {};
}

Status write_rows(SQLite::Database& database, const fs::path& path, int64_t first, int64_t last) {
  std::ofstream file(path, std::ios::binary);
  std::string previous(kNoHash);
  SQLite::Statement before(database, "SELECT hash FROM evidence WHERE sequence = ?");
  before.bind(1, first - 1);
  if (before.executeStep()) previous = before.getColumn(0).getString();
  SQLite::Statement rows(database,
                         "SELECT body, hash FROM evidence WHERE sequence BETWEEN ? AND ? ORDER BY sequence");
  rows.bind(1, first);
  rows.bind(2, last);
  while (rows.executeStep()) {
    const std::string hash = rows.getColumn(1).getString();
    file << canonical_text({{"body", rows.getColumn(0).getString()}, {"prev", previous}, {"hash", hash}})
         << '\n';
    previous = hash;
  }
  file << std::flush;
  if (!file)
    return fail_errno(errno == ENOSPC ? ErrorCode::kDiskFull : ErrorCode::kIo, "writing " + path.string());
  return {};
}

Result<int64_t> write_seals(SQLite::Database& database, const fs::path& directory, int64_t first,
                            int64_t last) {
  SQLite::Statement seals(
      database, "SELECT sequence, public_key, text, signature FROM seal WHERE sequence BETWEEN ? AND ?");
  seals.bind(1, first);
  seals.bind(2, last);
  int64_t count = 0;
  for (; seals.executeStep(); ++count) {
    const std::string name = fmt::format("{:012}", seals.getColumn(0).getInt64());
    const std::string key = seals.getColumn(1).getString();
    const fs::path key_file = directory / "keys" / (device_id(key) + ".pem");
    for (const auto& [path, text] :
         {std::pair(directory / "seals" / (name + ".txt"), seals.getColumn(2).getString()),
          std::pair(directory / "seals" / (name + ".sig"), seals.getColumn(3).getString()),
          std::pair(key_file, public_pem(key))})
      if (auto saved = save_text(path, text); !saved) return tl::unexpected(saved.error());
  }
  return count;
}

/// Only what the chain has the hash of: anything else would prove nothing.
Result<int64_t> place_recordings(SQLite::Database& database, const EvidenceBook& book,
                                 const std::vector<Recording>& recordings, const fs::path& directory) {
  int64_t count = 0;
  for (const auto& recording : recordings) {
    SQLite::Statement hashed(
        database,
        "SELECT 1 FROM recording r JOIN evidence e ON e.sequence = r.hashed WHERE r.program = ? "
        "AND r.session = ? AND r.file = ? AND e.body ->> '$.blake2b' IS NOT NULL");
    hashed.bind(1, recording.program);
    hashed.bind(2, recording.session);
    hashed.bind(3, recording.file);
    const fs::path source = recording.below(book.config().recordings);
    std::error_code error;
    if (!hashed.executeStep() || !fs::exists(source, error)) continue;
    const fs::path target = recording.below(directory);
    fs::create_directories(target.parent_path(), error);
    fs::create_hard_link(source, target, error);
    if (error) {  // another disk
      error.clear();
      fs::copy_file(source, target, error);
    }
    if (error) {
      return fail(error == std::errc::no_space_on_device ? ErrorCode::kDiskFull : ErrorCode::kIo,
                  fmt::format("copying {}: {}", source.string(), error.message()));
    }
    ++count;
  }
  return count;
}

Result<Exported> write_export(SQLite::Database& database, const EvidenceBook& book, const ExportWish& wish,
                              const fs::path& directory) {
  ExportRange range;
  for (const auto& session : choose_sessions(database, wish)) add_session(database, wish, session, range);
  if (range.last == 0) return fail(ErrorCode::kNotFound, "nothing was on air then");
  SQLite::Statement seal(database, "SELECT min(sequence) FROM seal WHERE sequence >= ?");
  seal.bind(1, range.last);
  seal.executeStep();
  Exported done{directory, range.first, seal.getColumn(0).getInt64(), 0, 0};
  if (auto rows = write_rows(database, directory / "rows.jsonl", done.first, done.last); !rows)
    return tl::unexpected(rows.error());
  const auto seals = write_seals(database, directory, done.first, done.last);
  if (!seals) return tl::unexpected(seals.error());
  done.seals = *seals;
  for (const auto& [name, text] :
       {std::pair("verify.py", detail::kVerifyScript), std::pair("README.md", detail::kExportReadme)})
    if (auto saved = save_text(directory / name, text); !saved) return tl::unexpected(saved.error());
  if (wish.recordings == ExportWish::Recordings::kLeftOut) return done;
  const auto files = place_recordings(database, book, range.recordings, directory / "recordings");
  if (!files) return tl::unexpected(files.error());
  done.files = *files;
  return done;
}

}  // namespace

Result<Exported> export_evidence(EvidenceBook& book, const ExportWish& wish, const fs::path& directory) {
  if (auto checked = check_wish(wish); !checked) return tl::unexpected(checked.error());
  std::error_code error;
  if (fs::exists(directory, error))
    return fail(ErrorCode::kInvalidInput, directory.string() + ": is there already; name another folder");
  auto sessions = commerce::read_from<std::vector<ChosenSession>>(
      book.store(), [&](SQLite::Database& database) -> Result<std::vector<ChosenSession>> {
        return choose_sessions(database, wish);
      });
  if (!sessions) return tl::unexpected(sessions.error());
  if (auto hashed = hash_what_is_not(book, *sessions); !hashed) return tl::unexpected(hashed.error());
  if (auto sealed = book.seal("an export"); !sealed) return tl::unexpected(sealed.error());
  const fs::path unfinished = directory.string() + ".unfinished";
  fs::remove_all(unfinished, error);
  for (const char* name : {"seals", "keys", "recordings"}) fs::create_directories(unfinished / name, error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("creating {}: {}", unfinished.string(), error.message()));
  auto done = commerce::read_from<Exported>(book.store(), [&](SQLite::Database& database) {
    return write_export(database, book, wish, unfinished);
  });
  if (done) {
    fs::rename(unfinished, directory, error);
    if (error) done = fail(ErrorCode::kIo, fmt::format("naming {}: {}", directory.string(), error.message()));
  }
  if (!done) {
    fs::remove_all(unfinished, error);
    return done;
  }
  done->directory = directory;
  return done;
}

}  // namespace vitrine::desk
