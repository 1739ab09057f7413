// SPDX-License-Identifier: Apache-2.0
#include "desk/api/line.h"

#include <boost/asio/write.hpp>

namespace vitrine::desk {

namespace asio = boost::asio;
using boost::system::error_code;

void Line::expires_after(std::chrono::milliseconds limit) {
  limit_.expires_after(limit);
  limit_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
    const auto self = weak.lock();
    // The limit may have been moved when this was queued already.
    if (cancelled || !self || self->limit_.expiry() > std::chrono::steady_clock::now()) return;
    self->was_cut_ = true;
    error_code ignored;
    self->socket_.close(ignored);
  });
}

void Line::expires_never() {
  limit_.expires_at(std::chrono::steady_clock::time_point::max());
}

Task<Line::Got> Line::read_some(asio::mutable_buffer buffer) {
  const auto [error, count] = co_await socket_.async_read_some(buffer, kNoThrow);
  co_return Got{error, count};
}

Task<bool> Line::write(std::array<asio::const_buffer, 2> buffers) {
  const auto [error, count] = co_await asio::async_write(socket_, buffers, kNoThrow);
  co_return !error;
}

void Line::say_no_more() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

Socket Line::take_socket() {
  expires_never();
  return std::move(socket_);
}

}  // namespace vitrine::desk
