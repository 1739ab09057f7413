// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace SQLite {
class Database;
}

namespace vitrine::commerce {

/// Data of this box: one SQLite file with one writing connection (Debian 12's 3.40 can lose a transaction
/// when two connections restart the WAL at once), WAL, synchronous=FULL, STRICT tables. Threads: any, all
/// functions. Writes that come while one is under way are committed together after it: the disk is waited for
/// once, and each is all there or not at all.
class Store {
 public:
  struct Config {
    std::filesystem::path directory;
    int backups = 3;
    /// One entry for each step of the schema, the first on an empty file; PRAGMA user_version counts those
    /// done. It must outlive the store. Empty: that of the shop's data.
    std::span<const char* const> schema;
    /// What `open` reads before it trusts the file.
    enum class Check {
      kAll = 0,  // every page and index: a second for 100 MB
      kOpens,    // that it is a database: for one of gigabytes whose content its owner can check by itself
    };
    Check check = Check::kAll;
    int page_bytes = 4096;  // of a new file
  };
  using Work = std::function<Status(SQLite::Database&)>;

  /// Opens or creates `directory`/store.sqlite3, checks it and brings its schema up to date. One that
  /// is damaged is set aside under a name that says when, the newest backup that is whole takes its place,
  /// and the journal of the outbox is replayed on it; `repairs()` then says what was done. Errors: kIo,
  /// kDiskFull, kPermission; kUnsupportedFormat for a file of a newer version than this program's.
  static Result<std::unique_ptr<Store>> open(const Config& config);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// All of `work` or nothing. On success it is on the disk. `work` returns an error, or lets SQLite's
  /// exception out, to have nothing of it; it may run on the thread of another writer.
  Status write(const Work& work);
  /// One snapshot, that no writer changes or waits for.
  Status read(const Work& work) const;

  /// A copy that is whole, in `directory`/backups; the oldest beyond the configured number goes. Writers go
  /// on meanwhile.
  Status back_up();

  /// A line for the journal, which is on the disk before the running transaction is. Only inside `write`.
  void note(std::string line);

  [[nodiscard]] const std::vector<std::string>& repairs() const { return repairs_; }

 private:
  class Journal;
  struct Waiting {
    enum class Turn { kWaits, kLeads, kIsOver };
    const Work& work;
    Status result;
    Turn turn = Turn::kWaits;  // guarded by waiting_mutex_
  };

  explicit Store(Config config);
  Status start();
  Status open_journal();
  Status replay_journals();
  void commit(const std::vector<Waiting*>& writes);
  void run_in_savepoint(Waiting& write);
  [[nodiscard]] std::filesystem::path file() const { return config_.directory / "store.sqlite3"; }
  [[nodiscard]] std::filesystem::path backup_directory() const { return config_.directory / "backups"; }
  [[nodiscard]] std::filesystem::path journal_directory() const { return config_.directory / "journal"; }

  Config config_;
  std::vector<std::string> repairs_;
  std::mutex waiting_mutex_;
  std::condition_variable turn_changed_;
  std::vector<Waiting*> waiting_;  // guarded by waiting_mutex_; the writers' own, until their turn is over
  bool has_leader_ = false;        // guarded by waiting_mutex_; who commits for all that wait
  std::mutex write_mutex_;
  std::unique_ptr<SQLite::Database> writer_;  // guarded by write_mutex_
  std::unique_ptr<Journal> journal_;          // guarded by write_mutex_
  mutable std::mutex readers_mutex_;
  mutable std::vector<std::unique_ptr<SQLite::Database>> idle_readers_;  // guarded by readers_mutex_
};

}  // namespace vitrine::commerce
