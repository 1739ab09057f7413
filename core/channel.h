// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/unique_fd.h"

namespace vitrine {

/// Between the studio and one worker: a SOCK_SEQPACKET pair, one JSON object a message, with descriptors
/// beside it. Non-blocking at both ends. A worker is not trusted: what it sends is bounded in size, depth and
/// descriptors.
class Channel {
 public:
  struct Message {
    nlohmann::json body;
    std::vector<UniqueFd> fds;
  };

  static constexpr size_t kMaxMessageBytes = 192 * 1024;  // below the kernel's default send buffer, 208 KiB
  static constexpr size_t kMaxFds = 4;

  static Result<std::pair<Channel, Channel>> create_pair();
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] UniqueFd release() && { return std::move(socket_); }

  /// Thread: any; a message is never mixed with another. Errors: kTimeout when the peer doesn't read and the
  /// buffer is full, kWorkerDied when it is gone, kInvalidInput when the message is too large.
  Status send(const nlohmann::json& body, std::span<const int> fds = {});

  /// The next message; nullopt when there is none now. Errors: kWorkerDied at the peer's end, kProtocol for a
  /// message that is no JSON object or breaks a limit.
  Result<std::optional<Message>> receive();

 private:
  UniqueFd socket_;
};

}  // namespace vitrine
