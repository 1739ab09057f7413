// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "core/unique_fd.h"

namespace vitrine::fakes {

/// A TCP proxy on loopback that fails on command. Faults apply to all connections, at once; kForward heals
/// the path for connections that still live.
class ChaosProxy {
 public:
  enum class Mode {
    kForward,
    kSwallow,    // half-open: takes everything, passes nothing on
    kNeverRead,  // takes nothing
    kSlices,     // forwards byte by byte
  };

  explicit ChaosProxy(int upstream_port);
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }

  void set_mode(Mode mode) { mode_ = mode; }
  /// Client to server; 0: unlimited.
  void set_bytes_per_second(int64_t rate) { bytes_per_second_ = rate; }
  /// Ends each connection as soon as the client has sent this many bytes: with a reset, or with an orderly
  /// close. -1: never.
  void reset_after(int64_t bytes) { reset_after_ = bytes; }
  void close_after(int64_t bytes) { close_after_ = bytes; }
  /// Closes each connection when the client's bytes contain `word`. Before the first connection.
  void close_at(std::string word) { close_word_ = std::move(word); }
  /// Ends all living connections with a reset.
  void reset_all();
  /// New connections are refused (accepted and reset) while true.
  void set_refusing(bool is_refusing) { is_refusing_ = is_refusing; }

  [[nodiscard]] int accepted() const { return accepted_; }
  [[nodiscard]] int64_t client_bytes() const { return client_bytes_; }

 private:
  struct Connection;
  void accept_loop(const std::stop_token& stop);
  void serve(UniqueFd client, const std::stop_token& stop);
  bool forward(Connection& connection);

  const int upstream_port_;
  UniqueFd listener_;
  int port_;
  std::atomic<Mode> mode_ = Mode::kForward;
  std::atomic<int64_t> bytes_per_second_ = 0;
  std::atomic<int64_t> reset_after_ = -1;
  std::atomic<int64_t> close_after_ = -1;
  std::atomic<bool> is_refusing_ = false;
  std::atomic<int> reset_generation_ = 0;
  std::atomic<int> accepted_ = 0;
  std::atomic<int64_t> client_bytes_ = 0;
  std::string close_word_;
  std::list<std::jthread> connections_;  // accept thread
  std::jthread acceptor_;
};

}  // namespace vitrine::fakes
