// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/log.h"
#include "desk/access/access.h"
#include "desk/api/http_guard.h"
#include "desk/api/route.h"
#include "desk/api/router.h"

namespace vitrine::desk {

inline constexpr std::string_view kEventsPattern = "/api/v1/events";

/// What is sent, ready made.
struct Reply {
  int status = 200;
  std::string body;
  std::string content_type;
  std::map<std::string, std::string> headers;
  UniqueFd stream;  // instead of a body
};
Reply reply_of(ApiAnswer answer);

/// One request, from its head to its answer.
struct Exchange {
  ApiRequest request;
  const Route* route = nullptr;  // nothing: refused before it was known
  std::optional<ApiAnswer> refusal;
  std::string body;
  Access::Knock knock;
  bool is_head = false;
  bool is_upgrade = false;
  bool expects_continue = false;
};

/// Says which requests get to a route's handler, and calls it. It knows nothing of connections.
class Doorkeeper {
 public:
  Doorkeeper(Router router, Access& access, std::vector<std::string> host_names)
      : router_(std::move(router)), access_(access), host_names_(std::move(host_names)) {}

  /// In this order: is it listened to, what is it for, who asks, may he, can its body be taken. `length`:
  /// what it says of its body. Thread: the API's; never blocks.
  Exchange judge(const RequestHead& head, std::optional<uint64_t> length, const Arrival& arrival);
  /// Handles it, or writes down what was refused. Thread: one of the pool; waits for the disk.
  Reply run(Exchange& exchange);

  /// Whether who asked would be let in now as he was then. Thread: the API's.
  [[nodiscard]] bool is_still_in(const Exchange& exchange) const;

  [[nodiscard]] const Router& router() const { return router_; }

 private:
  [[nodiscard]] std::optional<ApiAnswer> refusal_of(Exchange& exchange, const RequestHead& head,
                                                    std::optional<uint64_t> length, const Arrival& arrival);
  [[nodiscard]] static std::optional<ApiAnswer> refusal_of_body(Exchange& exchange, const RequestHead& head,
                                                                std::optional<uint64_t> length);
  static ApiAnswer handle(Exchange& exchange);

  const Router router_;
  Access& access_;
  const std::vector<std::string> host_names_;
  log::Limiter refusal_log_{std::chrono::seconds(10)};
};

}  // namespace vitrine::desk
