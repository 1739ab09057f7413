// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"
#include "core/secret.h"

namespace vitrine::desk {

/// Who is logged in. A session ends 12 h after it was used last, 7 days after the login, when it is revoked,
/// and with its account. Threads: any. A look-up is of memory only and takes no longer whoever asks.
class Sessions {
 public:
  static constexpr std::chrono::hours kIdle{12};
  static constexpr std::chrono::hours kLongest{7 * 24};

  struct Session {
    int64_t id = 0;
    std::string account;
    std::string source;  // where the login came from
    Instant created_at{};
    Instant used_at{};
  };
  using Clock = std::function<Instant()>;

  /// `store` must outlive it. Errors: the store's.
  static Result<std::unique_ptr<Sessions>> open(commerce::Store& store, Clock clock);

  struct Begun {
    Secret bearer;
    Session session;
  };
  /// The account's session that was used least goes when it has 20.
  Result<Begun> begin(const std::string& account, const std::string& source);

  enum class Touch { kIsUse, kIsLook };
  [[nodiscard]] std::optional<Session> find(std::string_view bearer, Touch touch);
  [[nodiscard]] std::vector<Session> list() const;
  [[nodiscard]] bool has(const std::string& account, const std::string& source) const;

  /// Errors: kNotFound; the store's.
  Status end(int64_t id);
  /// All of the account but `keep`; 0 for all.
  Status end_all(const std::string& account, int64_t keep);
  /// For an account whose rows went with it.
  void forget(const std::string& account);

  /// Writes down what was used since: at most every 10 minutes, and what is over goes. Cheap else. A crash in
  /// between ends a session that much earlier.
  Status keep_house();

 private:
  Sessions(commerce::Store& store, Clock clock) : store_(store), clock_(std::move(clock)) {}
  [[nodiscard]] static bool is_over(const Session& session, Instant now);
  Status remove(const std::function<bool(const Session&)>& goes);

  commerce::Store& store_;
  const Clock clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Session> sessions_;  // guarded by mutex_; by hash
  Instant written_at_{};                     // guarded by mutex_
};

}  // namespace vitrine::desk
