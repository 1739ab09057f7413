// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "desk/api/audience.h"
#include "desk/api/doorkeeper.h"
#include "desk/api/stream.h"

namespace vitrine::desk {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

struct EventLimits {
  std::chrono::milliseconds handshake;
  Watcher::Limits watcher;
};

/// Goes on with a connection as WebSocket: its client hears events until it goes or is ended. `seat` is kept
/// until nothing more is sent to it, which may be later. Thread: the API's.
Task<Parting> watch_events(Audience& audience, EventLimits limits, Socket socket, HttpRequest upgrade,
                           Exchange exchange, std::shared_ptr<const void> seat);

}  // namespace vitrine::desk
