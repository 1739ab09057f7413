// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "core/unique_fd.h"

namespace vitrine::fakes {

/// A web server that says, byte for byte, what a test wants it to say: one connection after the other, one
/// request each.
class HttpPeer {
 public:
  /// Gets the head of a request ("GET /a.png HTTP/1.1\r\n…"), gives the whole answer. On the peer's thread.
  using Answer = std::function<std::string(const std::string& head)>;

  explicit HttpPeer(Answer answer);
  ~HttpPeer();
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

  /// An answer with its length.
  static std::string say(int status, const std::string& headers, const std::string& body);

 private:
  void serve(const std::stop_token& stop);

  const Answer answer_;
  UniqueFd listener_;
  std::jthread thread_;
};

}  // namespace vitrine::fakes
