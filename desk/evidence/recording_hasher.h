// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "core/error.h"
#include "desk/evidence/evidence_book.h"

namespace vitrine::desk {

/// How fast a recording is read: beside a show nobody may feel it.
enum class HashPace { kBesideAShow = 0, kAtOnce };

/// BLAKE2b-256 of a file; a fault where it is missing or can't be read. Errors: kStopped.
Result<EvidenceBook::FileHash> hash_recording(const std::filesystem::path& path, HashPace pace,
                                              const std::stop_token& stop = {});

/// Puts the hash of each recording into the evidence when nobody writes it any more.
/// Threads: `evidence-hash`, from its construction to its end.
class RecordingHasher {
 public:
  /// `book` must outlive it.
  explicit RecordingHasher(EvidenceBook& book);
  ~RecordingHasher();
  RecordingHasher(const RecordingHasher&) = delete;
  RecordingHasher& operator=(const RecordingHasher&) = delete;

  /// There may be another one. Thread: any.
  void poke();

 private:
  void run(const std::stop_token& stop);
  Status hash_all(const std::stop_token& stop);

  EvidenceBook& book_;
  std::mutex mutex_;
  std::condition_variable_any poked_;
  bool is_poked_ = true;  // guarded by mutex_; what an earlier process left
  std::jthread thread_;
};

}  // namespace vitrine::desk
