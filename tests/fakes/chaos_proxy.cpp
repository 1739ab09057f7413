// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/chaos_proxy.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <poll.h>

#include "tests/fakes/sockets.h"

namespace vitrine::fakes {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kTickMs = 10;

bool send_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

}  // namespace

struct ChaosProxy::Connection {
  UniqueFd client;
  UniqueFd server;
  int64_t received = 0;  // from the client
  std::string tail;      // its last bytes, for close_at
  double allowance = 0;  // bytes the rate lets through now
  Clock::time_point refilled_at = Clock::now();
};

ChaosProxy::ChaosProxy(int upstream_port)
    : upstream_port_(upstream_port), listener_(listen_on_loopback()), port_(port_of(listener_)) {
  // A small window, so that "never reads" and "slow" are felt by the sender and not hidden in our kernel.
  const int small = 16 * 1024;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_loop(stop); });
}

ChaosProxy::~ChaosProxy() {
  acceptor_.request_stop();
  acceptor_.join();
}

void ChaosProxy::reset_all() {
  ++reset_generation_;
}

void ChaosProxy::accept_loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd fd{listener_.get(), POLLIN, 0};
    if (::poll(&fd, 1, kTickMs) <= 0) continue;
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.is_open()) continue;
    ++accepted_;
    if (is_refusing_) {
      reset_on_close(client.get());
      continue;
    }
    connections_.emplace_back([this, client = std::move(client)](const std::stop_token& own) mutable {
      serve(std::move(client), own);
    });
  }
  for (auto& connection : connections_) connection.request_stop();
}

void ChaosProxy::serve(UniqueFd client, const std::stop_token& stop) {
  Connection connection;
  connection.client = std::move(client);
  connection.server = connect_to_loopback(upstream_port_);
  const int generation = reset_generation_;
  const auto reset = [&] {
    reset_on_close(connection.client.get());
    if (connection.server.is_open()) reset_on_close(connection.server.get());
  };
  if (!connection.server.is_open()) return reset();
  while (!stop.stop_requested()) {
    const int64_t reset_at = reset_after_;
    const int64_t close_at = close_after_;
    if (generation != reset_generation_ || (reset_at >= 0 && connection.received >= reset_at)) return reset();
    if (close_at >= 0 && connection.received >= close_at) return;
    if (!forward(connection)) return;
  }
}

/// One round; false when the connection is over.
bool ChaosProxy::forward(Connection& connection) {
  const Mode mode = mode_;
  const int64_t rate = bytes_per_second_;
  const auto now = Clock::now();
  connection.allowance = std::min(
      static_cast<double>(rate) / 4,
      connection.allowance +
          static_cast<double>(rate) * std::chrono::duration<double>(now - connection.refilled_at).count());
  connection.refilled_at = now;
  const bool may_read_client = mode != Mode::kNeverRead && (rate == 0 || connection.allowance >= 1);
  std::array<pollfd, 2> fds{pollfd{may_read_client ? connection.client.get() : -1, POLLIN, 0},
                            pollfd{mode == Mode::kNeverRead ? -1 : connection.server.get(), POLLIN, 0}};
  ::poll(fds.data(), fds.size(), kTickMs);
  std::array<char, 16 * 1024> buffer;
  for (size_t i = 0; i < fds.size(); ++i) {
    if (fds[i].revents == 0) continue;
    const bool is_from_client = i == 0;
    size_t limit = mode == Mode::kSlices ? 1 : buffer.size();
    if (is_from_client && rate > 0) limit = std::min(limit, static_cast<size_t>(connection.allowance));
    if (is_from_client && reset_after_ >= 0)
      limit = std::min(limit, static_cast<size_t>(reset_after_ - connection.received));
    if (is_from_client && close_after_ >= 0)
      limit = std::min(limit, static_cast<size_t>(close_after_ - connection.received));
    const ssize_t count = ::recv(fds[i].fd, buffer.data(), std::max<size_t>(limit, 1), 0);
    if (count <= 0)
      return mode == Mode::kSwallow && !is_from_client;  // a half-open path hides the server's end, too
    if (is_from_client) {
      connection.received += count;
      client_bytes_ += count;
      connection.allowance -= static_cast<double>(count);
      connection.tail.append(buffer.data(), static_cast<size_t>(count));
      const bool is_word_there =
          !close_word_.empty() && connection.tail.find(close_word_) != std::string::npos;
      if (connection.tail.size() > 4096) connection.tail.erase(0, connection.tail.size() - 256);
      if (is_word_there) return false;
    }
    if (mode == Mode::kSwallow) continue;
    const int out = is_from_client ? connection.server.get() : connection.client.get();
    if (!send_all(out, buffer.data(), static_cast<size_t>(count))) return false;
  }
  return true;
}

}  // namespace vitrine::fakes
