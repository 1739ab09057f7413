// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "core/error.h"

namespace vitrine::desk {

/// Why `pin` is none that may be chosen: 6 to 12 digits, and not one that is tried first (all alike, counted
/// up or down, a short part again and again, a date, a pattern on the keys). Empty: it may.
std::string weakness_of(std::string_view pin);

/// argon2id by libsodium, with its cost for interactive logins (64 MiB, 2 passes; OWASP's least is 19 MiB).
/// Thread: any; one hash at a time, so that a flood of logins takes no more memory than one, and two callers
/// at most: who comes third is told to come again, and the API's threads stay free.
/// Errors: kRateLimited; kIo when there is no memory.
class PinHasher {
 public:
  Result<std::string> hash(std::string_view pin);
  Result<bool> is_right(const std::string& hash, std::string_view pin);
  /// As long as `is_right` takes, for accounts that do not exist.
  Status waste(std::string_view pin);

 private:
  template <typename Work>
  auto in_turn(const Work& work) -> decltype(work());
  std::mutex mutex_;  // held while a hash is made; guards nothing but memory
  std::atomic<int> callers_{0};
};

}  // namespace vitrine::desk
