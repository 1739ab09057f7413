// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/media_time.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// The code on the box's own screen that makes an account: who can read it stands before the box. While there
/// is no technician one is always there, for the first technician; later only when a technician asks for one.
/// 8 digits; it lives 10 minutes, for one use, and 5 wrong tries end it. Kept in memory: a new one at each
/// boot. Thread: any.
class Pairing {
 public:
  using Clock = std::function<MediaTime()>;
  Pairing(Clock clock, std::function<bool()> has_technician)
      : clock_(std::move(clock)), has_technician_(std::move(has_technician)) {}

  struct Shown {
    std::string code;
    Role role = Role::kNone;  // of the account it makes
    std::chrono::seconds left{};
  };
  [[nodiscard]] std::optional<Shown> shown();
  /// A new one in place of what is there.
  Shown ask(Role role);

  /// The role of the account to be made; the code is gone then. Errors: kNotFound when there is none now,
  /// kPermission when it is another.
  Result<Role> spend(std::string_view code);

 private:
  struct Code {
    std::string digits;
    Role role;
    bool is_first;  // for the first technician
    MediaTime ends_at;
    int wrong = 0;
  };
  void refresh();  // under mutex_
  [[nodiscard]] Code make(Role role, bool is_first) const;

  const Clock clock_;
  const std::function<bool()> has_technician_;
  std::mutex mutex_;
  std::optional<Code> code_;  // guarded by mutex_
};

}  // namespace vitrine::desk
