// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/log.h"
#include "desk/evidence/evidence_book.h"

namespace vitrine::desk {

/// Takes what the studio writes to `<recordings>/<program>/<session>/as-run.jsonl` into the evidence, every
/// line once, whichever side is restarted when. The studio never waits for it: it looks five times a second.
/// A line that is not finished is left for later; one that is none becomes a row that says so. Also seals
/// when a session has ended, once a day and at its own end.
/// Threads: `evidence`, between start() and the destructor.
class AsRunReader {
 public:
  struct Events {
    std::function<void(const EvidenceBook::Visible&)> on_visible;  // it is in the chain
    std::function<void()> on_file_to_hash;
  };

  /// `book` must outlive it. Events come from the reader's thread.
  AsRunReader(EvidenceBook& book, Events events);
  ~AsRunReader();
  AsRunReader(const AsRunReader&) = delete;
  AsRunReader& operator=(const AsRunReader&) = delete;

  void start();
  /// What start() does again and again: takes all that is there now. Not while it is started.
  Status read_once();

 private:
  using SessionKey = std::pair<std::string, std::string>;  // session first: sorts by time
  struct Source {
    uint64_t position = 0;
    uint64_t looked_at = 0;  // the file's size then
  };

  void run(const std::stop_token& stop);
  Status look_for_sessions();
  Status read_source(const SessionKey& key, Source& source);
  /// Gives whether there may be more.
  Result<bool> take_some(const SessionKey& key, Source& source, int fd, uint64_t size);
  Status take(AsRunLines lines, Source& source);
  [[nodiscard]] std::filesystem::path path_of(const SessionKey& key) const;

  EvidenceBook& book_;
  const Events events_;
  // The reader's thread only.
  std::map<SessionKey, Source> sources_;
  std::map<std::string, std::filesystem::file_time_type> programs_;  // when its directory changed
  bool has_positions_ = false;
  std::chrono::steady_clock::time_point next_full_look_{};
  bool should_seal_ = false;
  log::Limiter limiter_{std::chrono::seconds(60)};

  std::jthread thread_;
};

}  // namespace vitrine::desk
