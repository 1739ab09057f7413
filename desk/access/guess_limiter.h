// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/media_time.h"

namespace vitrine::desk {

/// How often something may be guessed wrong: 3 times a minute, 5 in 10 minutes, 10 an hour, for each key (an
/// account, a source). A PIN of 6 digits holds for years then. Thread: any.
class GuessLimiter {
 public:
  using Clock = std::function<MediaTime()>;
  explicit GuessLimiter(Clock clock) : clock_(std::move(clock)) {}

  /// Counts a guess for all of `keys` before it is looked at: guesses that come together do not pass
  /// together. Not counted for any when one has none left; then how long that one has to wait.
  std::optional<std::chrono::seconds> charge(const std::vector<std::string>& keys);
  /// It was right: not a guess.
  void take_back(const std::vector<std::string>& keys);

 private:
  [[nodiscard]] MediaTime free_at(const std::deque<MediaTime>& guesses) const;
  void forget_old(MediaTime now);

  const Clock clock_;
  std::mutex mutex_;
  std::map<std::string, std::deque<MediaTime>> guesses_;  // guarded by mutex_; the oldest first
};

}  // namespace vitrine::desk
