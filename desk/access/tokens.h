// SPDX-License-Identifier: Apache-2.0
#pragma once

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
#include "desk/api/route.h"

namespace vitrine::desk {

/// Programs that may call the API: each has a role, a scope and an end. Threads: any; a look-up is of memory
/// only.
class Tokens {
 public:
  enum class Scope { kRead = 0, kAll };
  struct Token {
    int64_t id = 0;
    std::string name;
    Role role = Role::kNone;
    Scope scope = Scope::kRead;
    std::string created_by;
    Instant created_at{};
    Instant expires_at{};
  };
  using Clock = std::function<Instant()>;

  /// `store` must outlive it. Errors: the store's.
  static Result<std::unique_ptr<Tokens>> open(commerce::Store& store, Clock clock);

  struct Made {
    Secret bearer;  // shown once
    Token token;
  };
  /// `wish` without id and created_at. Errors: kInvalidInput for the 101st; the store's.
  Result<Made> make(Token wish);
  [[nodiscard]] std::optional<Token> find(std::string_view bearer) const;
  [[nodiscard]] std::vector<Token> list() const;
  /// Errors: kNotFound; the store's.
  Status revoke(int64_t id);
  /// For an account whose rows went with it.
  void forget(const std::string& created_by);

 private:
  Tokens(commerce::Store& store, Clock clock) : store_(store), clock_(std::move(clock)) {}
  commerce::Store& store_;
  const Clock clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Token> tokens_;  // guarded by mutex_; by hash
};

std::string_view to_string(Tokens::Scope scope);

}  // namespace vitrine::desk
