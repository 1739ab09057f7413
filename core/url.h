// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace vitrine {

/// The parts of a URL, as libcurl's parser sees them: the same one that will dial it.
struct Url {
  std::string scheme;
  std::string host;
  int port = 0;  // 0: none written
  std::string path;
  std::string query;
  bool has_user_info = false;
};

/// Errors: kInvalidInput with libcurl's reason.
Result<Url> parse_url(std::string_view text);

/// Where a server of ours listens: an address, never a name, and a port.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;

  [[nodiscard]] std::string text() const;  // "0.0.0.0:8091", "[::]:8091"
};

/// Errors: kInvalidInput with what it should look like.
Result<ListenAddress> parse_listen_address(std::string_view text);

/// For logs: scheme, host, port and first path element; no user, key, query or fragment.
std::string redact_url(std::string_view text);

}  // namespace vitrine
