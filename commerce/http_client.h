// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/media_time.h"
#include "core/secret.h"

namespace vitrine::commerce {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "content-type: application/json"
  const Secret* bearer = nullptr;    // "authorization: Bearer …"; must outlive the call
  std::string body;
  /// It changes nothing and may be sent twice. Others go over a connection of their own: libcurl sends a
  /// request again, whatever it is, when a kept connection dies before the first byte of the answer.
  bool is_safe = false;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of several alike the last
  std::string body;

  /// Seconds or an HTTP date (RFC 9110, 10.2.3) by the server's own clock, which may be a day off; `now`
  /// where it does not say what that is. At most an hour.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(Instant now) const;
  /// The server's clock, to the second.
  [[nodiscard]] std::optional<Instant> date() const;
};

/// Speaks to one shop's server. Follows no redirect (one to a private address is an old trick), takes no
/// compressed answer (nor a bomb in one), no protocol but http and https, no answer above its limit and none
/// that takes longer than its deadline, however it drips.
/// Threads: any, several at once; each call blocks.
class HttpClient {
 public:
  struct Config {
    size_t most_bytes = size_t{4} << 20;
    std::chrono::milliseconds connect_timeout{4000};
    std::chrono::milliseconds timeout{10000};
    std::string ca_file;  // beside the system's; empty: none
  };
  struct Failure {
    Error error;  // kResolveFailed, kConnectRefused, kTlsFailed, kTimeout, kProtocol, kIo
    /// Part of the request has left: whoever wanted to change something doesn't know whether it did.
    bool has_been_sent = false;
  };

  explicit HttpClient(Config config);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  tl::expected<HttpResponse, Failure> send(const HttpRequest& request, MediaTime deadline);

 private:
  class Connection;
  const Config config_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_; keep their sockets open
};

}  // namespace vitrine::commerce
