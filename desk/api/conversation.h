// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "desk/api/api_server.h"
#include "desk/api/audience.h"
#include "desk/api/doorkeeper.h"
#include "desk/api/stream.h"

namespace vitrine::desk {

/// HTTP/1.1 with one client: its requests, one after the other, each judged, handled on the pool and
/// answered. Thread: the API's.
class Conversation {
 public:
  struct Parts {
    boost::asio::io_context& io;
    boost::asio::io_context& pool;
    Doorkeeper& doorkeeper;
    Audience& audience;
    const ApiServer::Limits& limits;
  };
  Conversation(Parts parts, Arrival arrival, std::shared_ptr<const void> seat)
      : parts_(parts), arrival_(std::move(arrival)), seat_(std::move(seat)) {}

  /// Until one of the two has had enough.
  Task<Parting> hold(Socket socket);

 private:
  struct Reading;

  Task<bool> has_bytes(Reading& reading, std::chrono::milliseconds limit);
  Task<bool> read_head(Reading& reading);
  Task<bool> read_body(Reading& reading, Exchange& exchange);
  Task<Reply> answer(Exchange& exchange);
  Task<bool> send(Reading& reading, const Reply& reply, bool is_head, bool is_last);
  Task<bool> pass_on(Reading& reading, UniqueFd stream, const Exchange& exchange);
  Task<void> say_goodbye(Reading& reading);

  const Parts parts_;
  const Arrival arrival_;
  const std::shared_ptr<const void> seat_;
};

}  // namespace vitrine::desk
