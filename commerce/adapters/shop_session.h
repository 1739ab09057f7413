// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "commerce/adapter.h"
#include "commerce/adapters/server_clock.h"
#include "commerce/http_client.h"
#include "core/media_time.h"
#include "core/secret.h"

namespace vitrine::commerce {

/// How a call to a shop's server failed, in the words of a read (`error`) and of a write.
struct CallFailure {
  Error error;
  WriteResult as_write = WriteResult::kUnknown;
  std::string code;  // the server's own word for it
  std::optional<std::chrono::milliseconds> retry_after;

  [[nodiscard]] WriteOutcome outcome() const { return {as_write, code, error.message, retry_after, {}}; }
  /// Of a read before a write: nothing was changed, whatever happened to the read.
  [[nodiscard]] WriteOutcome outcome_before_write() const;
};
template <typename T>
using Called = tl::expected<T, CallFailure>;

/// The JSON of an answer, or what its status means: 429 throttled, 401 and 403 unauthorised, 409 conflict,
/// what else the server calls our mistake rejected. Anything else leaves a write unknown: 5xx, no JSON.
Called<nlohmann::json> judge_by_status(const HttpResponse& response);

/// An answer that is not as it should be.
CallFailure not_understood(const std::string& what);

WriteOutcome write_outcome(WriteResult result, std::string text = {});

/// Text of a server, fit for a message: short, and without what must not reach a screen.
std::string printable(const std::string& text);

/// "a%20b": of a value in a query.
std::string percent_encode(std::string_view text);

/// A shop's server with one token for all threads: logs in when there is none, once more when it is refused.
/// A refused password is not tried again for half a minute: servers lock out who does. A server that said
/// when to come back (Retry-After) is not asked anything before.
class ShopSession {
 public:
  using Judge = Called<nlohmann::json> (*)(const HttpResponse&);
  using LogIn = std::function<Called<Secret>(ShopSession&, MediaTime deadline)>;

  ShopSession(HttpClient::Config http, LogIn log_in) : client_(std::move(http)), log_in_(std::move(log_in)) {}

  /// With the token. Threads: any; one logs in, the others wait for it.
  Called<nlohmann::json> call(HttpRequest request, Judge judge, MediaTime deadline);
  /// As it is: a login, a public page.
  Called<HttpResponse> send(const HttpRequest& request, MediaTime deadline);

  /// From every answer.
  [[nodiscard]] const ServerClock& clock() const { return clock_; }
  [[nodiscard]] Instant server_now() const { return system_now() + clock_.offset(); }

 private:
  struct Token {
    Secret value;
    MediaTime since{};
  };
  using TokenPtr = std::shared_ptr<const Token>;

  Called<TokenPtr> token(const TokenPtr& refused, MediaTime deadline);
  std::optional<CallFailure> told_to_wait() const;
  void note_retry_after(const HttpResponse& response);

  HttpClient client_;
  const LogIn log_in_;
  std::mutex login_mutex_;              // held while somebody logs in
  TokenPtr token_;                      // guarded by login_mutex_
  std::optional<CallFailure> refusal_;  // guarded by login_mutex_
  MediaTime refusal_until_{};           // guarded by login_mutex_
  mutable std::mutex pause_mutex_;
  MediaTime not_before_{};  // guarded by pause_mutex_; as the server wished
  ServerClock clock_;
};

}  // namespace vitrine::commerce
