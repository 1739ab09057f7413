// SPDX-License-Identifier: Apache-2.0
#include "commerce/store.h"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <sqlite3.h>
#include <unistd.h>

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/outbox_journal.h"
#include "commerce/detail/schema.h"
#include "core/media_time.h"
#include "core/rfc3339.h"
#include "core/unique_fd.h"

namespace vitrine::commerce {
namespace {

namespace fs = std::filesystem;
using Connection = std::unique_ptr<SQLite::Database>;

constexpr int kBusyMs = 5000;  // only a checkpoint or a backup is in the way, and neither takes long

bool is_damage(int code) {
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/// What SQLite says, as who stands before the box can act on it.
Error to_error(const SQLite::Exception& exception, std::string_view what) {
  const int code = exception.getErrorCode();
  const ErrorCode kind = code == SQLITE_FULL                              ? ErrorCode::kDiskFull
                         : code == SQLITE_PERM || code == SQLITE_READONLY ? ErrorCode::kPermission
                         : code == SQLITE_BUSY                            ? ErrorCode::kTimeout
                                                                          : ErrorCode::kIo;
  return Error{kind, fmt::format("{}: {}", what, exception.what()), exception.getExtendedErrorCode()};
}

template <typename Work>
Status guarded(std::string_view what, const Work& work) {
  try {
    return work();
  } catch (const SQLite::Exception& exception) {
    return tl::unexpected(to_error(exception, what));
  }
}

Status sync_path(const fs::path& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return fail_errno(ErrorCode::kIo, "syncing " + path.string());
  return {};
}

Connection connect(const fs::path& path, int flags) {
  auto connection = std::make_unique<SQLite::Database>(path.string(), flags, kBusyMs);
  connection->exec("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
  return connection;
}

/// The first thing that is wrong with the file, or nothing.
std::string damage_of(const fs::path& path, Store::Config::Check what) {
  try {
    const auto connection = connect(path, SQLite::OPEN_READWRITE);  // a WAL left behind is part of it
    if (what == Store::Config::Check::kOpens) {
      connection->exec("SELECT count(*) FROM sqlite_schema");
      return "";
    }
    SQLite::Statement check(*connection, "PRAGMA integrity_check(1)");
    if (!check.executeStep()) return "no answer";
    const std::string answer = check.getColumn(0).getString();
    return answer == "ok" ? "" : answer;
  } catch (const SQLite::Exception& exception) {
    return is_damage(exception.getErrorCode()) ? exception.what() : "";
  }
}

/// Backups and journals are named by the time at which they were begun.
std::vector<fs::path> oldest_first(const fs::path& directory, std::string_view extension) {
  std::vector<fs::path> found;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(directory, missing))
    if (entry.path().extension() == extension) found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

/// "20261122T060945.123456Z": sorts by time, safe in names.
std::string stamp() {
  const Instant now = system_now();
  std::string text = format_rfc3339(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
  return fmt::format("{}{:03}Z", text, now.time_since_epoch().count() % 1000);
}

}  // namespace

/// The outbox once more, outside of the database: what a restored backup has not heard of. Lines are JSON.
class Store::Journal {
 public:
  static Result<std::unique_ptr<Journal>> open(const fs::path& path) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (fd.get() < 0) return fail_errno(ErrorCode::kIo, "opening " + path.string());
    return std::unique_ptr<Journal>(new Journal(std::move(fd)));
  }

  void add(std::string line) { pending_ += std::move(line) + "\n"; }
  [[nodiscard]] size_t pending() const { return pending_.size(); }
  /// What was added since `pending()` said so much.
  void forget(size_t since) { pending_.resize(since); }
  Status flush() {
    if (pending_.empty()) return {};
    const std::string text = std::exchange(pending_, {});
    for (size_t done = 0; done < text.size();) {
      const ssize_t written = ::write(fd_.get(), text.data() + done, text.size() - done);
      if (written < 0 && errno != EINTR) return fail_errno(ErrorCode::kIo, "writing the outbox's journal");
      if (written > 0) done += static_cast<size_t>(written);
    }
    if (::fdatasync(fd_.get()) != 0) return fail_errno(ErrorCode::kIo, "syncing the outbox's journal");
    return {};
  }

 private:
  explicit Journal(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
  std::string pending_;
};

Store::Store(Config config) : config_(std::move(config)) {
  if (config_.schema.empty()) config_.schema = detail::kMigrations;
}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const Config& config) {
  std::unique_ptr<Store> store(new Store(config));
  if (auto started = store->start(); !started)
    return tl::unexpected(started.error().with_context("opening " + store->file().string()));
  return store;
}

Status Store::start() {
  std::error_code error;
  for (const auto& directory : {backup_directory(), journal_directory()}) {
    fs::create_directories(directory, error);
    if (error)
      return fail(ErrorCode::kIo, fmt::format("creating {}: {}", directory.string(), error.message()));
  }
  bool is_restored = false;
  if (const std::string damage = fs::exists(file()) ? damage_of(file(), config_.check) : "";
      !damage.empty()) {
    const fs::path aside = file().string() + ".damaged-" + stamp();
    for (const char* suffix : {"", "-wal", "-shm"})
      fs::rename(file().string() + suffix, aside.string() + suffix, error);
    repairs_.push_back(fmt::format("the store was damaged ({}); it is kept as {}", damage, aside.string()));
    auto backups = oldest_first(backup_directory(), ".sqlite3");
    std::ranges::reverse(backups);
    for (const auto& backup : backups) {
      if (!damage_of(backup, Config::Check::kAll).empty()) {
        repairs_.push_back(fmt::format("backup {} is damaged too", backup.filename().string()));
        continue;
      }
      fs::copy_file(backup, file(), error);
      if (error)
        return fail(ErrorCode::kIo, fmt::format("restoring {}: {}", backup.string(), error.message()));
      repairs_.push_back(fmt::format("backup {} took its place", backup.filename().string()));
      is_restored = true;
      break;
    }
    if (!is_restored)
      repairs_.emplace_back("no backup is whole: the store begins empty and is filled from the backend");
    is_restored = true;
  }
  auto migrated = guarded("migrating", [&]() -> Status {
    writer_ = connect(file(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    writer_->exec(
        fmt::format("PRAGMA page_size = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA "
                    "journal_size_limit = 67108864",
                    config_.page_bytes));
    const int latest = static_cast<int>(config_.schema.size());
    int version = writer_->execAndGet("PRAGMA user_version").getInt();
    if (version > latest) {
      return fail(
          ErrorCode::kUnsupportedFormat,
          fmt::format("its schema has version {}, this program knows {}: it was written by a newer one",
                      version, latest));
    }
    for (; version < latest; ++version) {
      SQLite::Transaction transaction(*writer_, SQLite::TransactionBehavior::IMMEDIATE);
      writer_->exec(config_.schema[static_cast<size_t>(version)]);
      writer_->exec(fmt::format("PRAGMA user_version = {}", version + 1));
      transaction.commit();
    }
    return {};
  });
  if (!migrated) return migrated;
  if (is_restored)
    if (auto replayed = replay_journals(); !replayed) return replayed;
  return open_journal();
}

Status Store::open_journal() {
  auto journal = Journal::open(journal_directory() / (stamp() + ".jsonl"));
  if (!journal) return tl::unexpected(journal.error());
  journal_ = std::move(*journal);
  return sync_path(journal_directory(), O_RDONLY | O_DIRECTORY);
}

Status Store::replay_journals() {
  return guarded("replaying the outbox's journal", [&]() -> Status {
    SQLite::Transaction transaction(*writer_, SQLite::TransactionBehavior::IMMEDIATE);
    for (const auto& path : oldest_first(journal_directory(), ".jsonl")) {
      std::ifstream lines(path);
      for (std::string line; std::getline(lines, line);) detail::replay_outbox_line(*writer_, line);
    }
    transaction.commit();
    return {};
  });
}

/// One writer leads: it commits what waits, then the first who came meanwhile leads. A mutex alone would not
/// do: handed from writer to writer it wakes them one by one, and each comes back alone.
Status Store::write(const Work& work) {
  using Turn = Waiting::Turn;
  Waiting mine{work, {}};
  std::vector<Waiting*> writes;
  {
    std::unique_lock lock(waiting_mutex_);
    waiting_.push_back(&mine);
    if (!std::exchange(has_leader_, true)) mine.turn = Turn::kLeads;
    turn_changed_.wait(lock, [&] { return mine.turn != Turn::kWaits; });
    if (mine.turn == Turn::kIsOver) return mine.result;
    writes = std::exchange(waiting_, {});
  }
  commit(writes);
  {
    const std::lock_guard lock(waiting_mutex_);
    for (auto* write : writes) write->turn = Turn::kIsOver;
    has_leader_ = !waiting_.empty();
    if (has_leader_) waiting_.front()->turn = Turn::kLeads;
  }
  turn_changed_.notify_all();
  return mine.result;
}

void Store::commit(const std::vector<Waiting*>& writes) {
  const std::lock_guard lock(write_mutex_);
  journal_->forget(0);
  const auto committed = guarded("writing the store", [&]() -> Status {
    SQLite::Transaction transaction(*writer_, SQLite::TransactionBehavior::IMMEDIATE);
    for (auto* write : writes) run_in_savepoint(*write);
    if (auto noted = journal_->flush(); !noted) return noted;
    transaction.commit();
    return {};
  });
  for (auto* write : writes)
    if (!committed && write->result) write->result = committed;
}

/// One that fails takes back what it did and noted, and leaves the others alone.
void Store::run_in_savepoint(Waiting& write) {
  const size_t noted = journal_->pending();
  write.result = guarded("writing the store", [&]() -> Status {
    // Some errors (a full disk) end the whole transaction: then the commit fails for all.
    if (sqlite3_get_autocommit(writer_->getHandle()) != 0)
      return fail(ErrorCode::kIo, "the transaction it was to be part of has failed");
    writer_->exec("SAVEPOINT one");
    Status done;
    try {
      done = write.work(*writer_);
    } catch (const SQLite::Exception&) {
      throw;
    } catch (const std::exception& other) {  // not its own thread: it must not get out
      done = fail(ErrorCode::kUnknown, fmt::format("writing the store: {}", other.what()));
    }
    if (done) writer_->exec("RELEASE one");
    return done;
  });
  if (write.result) return;
  journal_->forget(noted);
  (void)guarded("taking back a write", [&]() -> Status {
    writer_->exec("ROLLBACK TO one; RELEASE one");
    return {};
  });
}

void Store::note(std::string line) {
  journal_->add(std::move(line));
}

Status Store::read(const Work& work) const {
  return guarded("reading the store", [&]() -> Status {
    Connection connection;
    {
      const std::lock_guard lock(readers_mutex_);
      if (!idle_readers_.empty()) {
        connection = std::move(idle_readers_.back());
        idle_readers_.pop_back();
      }
    }
    if (!connection) connection = connect(file(), SQLite::OPEN_READONLY);
    Status done;
    {
      SQLite::Transaction snapshot(*connection);
      done = work(*connection);
    }
    const std::lock_guard lock(readers_mutex_);
    idle_readers_.push_back(std::move(connection));
    return done;
  });
}

Status Store::back_up() {
  {
    // What is noted from here on may be missing in the copy, and nothing that was noted before is.
    const std::lock_guard lock(write_mutex_);
    if (auto begun = open_journal(); !begun) return begun;
  }
  const fs::path target = backup_directory() / (stamp() + ".sqlite3");
  const fs::path unfinished = target.string() + ".unfinished";
  auto copied = guarded("backing up the store", [&]() -> Status {
    const auto source = connect(file(), SQLite::OPEN_READONLY);
    SQLite::Database copy(unfinished.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    SQLite::Backup backup(copy, *source);
    while (backup.executeStep(256) != SQLITE_DONE) {
    }
    copy.exec("PRAGMA journal_mode = DELETE");
    return {};
  });
  if (!copied) return copied;
  if (const std::string damage = damage_of(unfinished, config_.check); !damage.empty())
    return fail(ErrorCode::kIo, fmt::format("the backup is not whole: {}", damage));
  if (auto synced = sync_path(unfinished, O_RDONLY); !synced) return synced;
  std::error_code error;
  fs::rename(unfinished, target, error);
  if (error) return fail(ErrorCode::kIo, "naming the backup: " + error.message());
  if (auto synced = sync_path(backup_directory(), O_RDONLY | O_DIRECTORY); !synced) return synced;
  auto backups = oldest_first(backup_directory(), ".sqlite3");
  for (; backups.size() > static_cast<size_t>(config_.backups); backups.erase(backups.begin()))
    fs::remove(backups.front(), error);
  // The oldest backup needs the journal that was begun before it, and those after.
  const auto journals = oldest_first(journal_directory(), ".jsonl");
  for (size_t i = 0; i + 1 < journals.size() && journals[i + 1].stem() < backups.front().stem(); ++i)
    fs::remove(journals[i], error);
  return {};
}

}  // namespace vitrine::commerce
