// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/http_peer.h"

#include <sys/socket.h>

#include <array>
#include <poll.h>

#include <fmt/format.h>

#include "tests/fakes/sockets.h"

namespace vitrine::fakes {
namespace {

bool is_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, 20) == 1;
}

}  // namespace

HttpPeer::HttpPeer(Answer answer) : answer_(std::move(answer)), listener_(listen_on_loopback()) {
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}
HttpPeer::~HttpPeer() = default;

int HttpPeer::port() const {
  return port_of(listener_);
}

std::string HttpPeer::say(int status, const std::string& headers, const std::string& body) {
  return fmt::format("HTTP/1.1 {} x\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n{}", status,
                     body.size(), headers, body);
}

void HttpPeer::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!is_readable(listener_.get())) continue;
    const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string head;
    std::array<char, 4096> buffer{};
    while (!stop.stop_requested() && head.find("\r\n\r\n") == std::string::npos) {
      if (!is_readable(client.get())) continue;
      const ssize_t count = ::recv(client.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      head.append(buffer.data(), static_cast<size_t>(count));
    }
    if (head.find("\r\n\r\n") == std::string::npos) continue;
    const std::string reply = answer_(head);
    for (size_t sent = 0; sent < reply.size();) {
      const ssize_t count = ::send(client.get(), reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<size_t>(count);
    }
  }
}

}  // namespace vitrine::fakes
