// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <mutex>

#include "core/media_time.h"

namespace vitrine::commerce {

/// A server's clock minus ours, from the Date of its answers (RFC 9110, 6.6.1): whole seconds only, but each
/// one bounds the offset from both sides, and what is asked when a second of the server's is about to begin
/// halves what is left. Threads: any.
class ServerClock {
 public:
  /// The server stamped its answer with `date` at some moment between `sent` and `received`.
  void note(Instant date, Instant sent, Instant received);

  /// 0 before there was any answer.
  [[nodiscard]] std::chrono::milliseconds offset() const;
  /// How far `offset` may be off.
  [[nodiscard]] std::chrono::milliseconds slack() const;

 private:
  mutable std::mutex mutex_;
  bool is_known_ = false;              // guarded by mutex_, as all below
  std::chrono::microseconds least_{};  // the offset is not below it
  std::chrono::microseconds most_{};   // nor above it
  Instant noted_at_{};
};

}  // namespace vitrine::commerce
