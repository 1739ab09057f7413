// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/error.h"

namespace vitrine::encoder {

/// A TCP or TLS connection made by libcurl: resolver in a thread of its own, happy eyeballs, certificate
/// checks.
/// Thread: one.
class RtmpTransport {
 public:
  enum class Security { kPlain, kTls };
  struct Target {
    std::string host;
    int port = 0;
    Security security = Security::kPlain;
    std::filesystem::path ca_file;  // empty: the system's
    std::string address;            // empty: ask the resolver; else what the host's name last stood for
  };

  /// How far a dial came: how long after its begin; nullopt: not so far.
  struct Milestones {
    std::optional<std::chrono::microseconds> resolved;
    std::optional<std::chrono::microseconds> connected;
    std::string address;  // empty until connected
  };

  /// Blocks until connected, at most `timeout`; POLLIN on `cancel_fd` ends it with kStopped. The resolver
  /// goes on alone then; nobody waits for it. Errors: kResolveFailed, kConnectRefused, kTlsFailed (the
  /// message tells certificate from clock), kTimeout, kStopped. `milestones` are told in any case.
  static Result<RtmpTransport> connect(const Target& target, std::chrono::milliseconds timeout, int cancel_fd,
                                       Milestones* milestones = nullptr);

  RtmpTransport(RtmpTransport&&) noexcept;
  RtmpTransport& operator=(RtmpTransport&&) noexcept;
  ~RtmpTransport();

  /// Bytes taken; 0 when the socket is full. After a 0 the same bytes must be offered again from the same
  /// place: TLS has begun to encrypt them. Errors: kIngestDisconnected.
  Result<size_t> send(std::span<const uint8_t> bytes);
  /// Bytes written into `buffer`; 0 when there are none now. Errors: kIngestDisconnected, also at the
  /// server's end.
  Result<size_t> receive(std::span<uint8_t> buffer);

  [[nodiscard]] int fd() const;
  /// The address in use, for logs and for the day the resolver fails.
  [[nodiscard]] const std::string& address() const;

  struct Progress {
    uint64_t acked_bytes = 0;                // that the peer's kernel has confirmed, since the start
    uint64_t waiting_bytes = 0;              // given to our kernel, not confirmed
    std::chrono::milliseconds heard_ago{0};  // since the last packet of the peer
  };
  [[nodiscard]] Progress progress() const;

  /// Nothing waits in the kernel any more: the close that follows is a reset. For a path that is dead, so
  /// that no old picture arrives when it comes back.
  void discard_unsent();

 private:
  struct Handles;
  explicit RtmpTransport(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace vitrine::encoder
