// SPDX-License-Identifier: Apache-2.0
#include "desk/api/event_socket.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "desk/api/security_headers.h"

namespace vitrine::desk {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
// Events are small, and compression beside secrets tells of them: without it there is a third less to
// compile.
using EventSocket = websocket::stream<Socket, false>;

constexpr int kEventSendBuffer = 64 << 10;  // the kernel's; the rest is in the queue, where it is counted
constexpr size_t kMostCommandFrame = 8 << 10;
constexpr std::chrono::seconds kMostSilence{30};

/// Held by who reads and by who sends.
struct Watching {
  explicit Watching(Socket connection) : socket(std::move(connection)) {}
  void close() {
    error_code ignored;
    socket.next_layer().close(ignored);
  }

  EventSocket socket;
  std::shared_ptr<Watcher> watcher;
  std::shared_ptr<const void> seat;
  bool was_cut = false;
};

Task<void> send_events(std::shared_ptr<Watching> watching) {
  watching->socket.text(true);
  while (true) {
    const Watcher::Next next = co_await watching->watcher->next();
    if (next.close) {
      co_await watching->socket.async_close(*next.close, kNoThrow);
      break;
    }
    if (!next.message) break;
    const auto [error, count] = co_await watching->socket.async_write(asio::buffer(*next.message), kNoThrow);
    if (error) break;
  }
  watching->close();  // and so the reading ends
}

Task<bool> accept_upgrade(EventSocket& socket, const HttpRequest& upgrade,
                          std::chrono::milliseconds handshake) {
  socket.set_option(websocket::stream_base::timeout{handshake, kMostSilence, true});
  socket.read_message_max(kMostCommandFrame);
  socket.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    for (const auto& [name, value] : kSecurityHeaders) response.set(name, value);
  }));
  const auto [refused] = co_await socket.async_accept(upgrade, kNoThrow);
  co_return !refused;
}

}  // namespace

Task<Parting> watch_events(Audience& audience, EventLimits limits, Socket connection, HttpRequest upgrade,
                           Exchange exchange, std::shared_ptr<const void> seat) {
  error_code ignored;
  connection.set_option(asio::socket_base::send_buffer_size(kEventSendBuffer), ignored);
  const auto watching = std::make_shared<Watching>(std::move(connection));
  watching->seat = std::move(seat);
  const bool is_accepted = co_await accept_upgrade(watching->socket, upgrade, limits.handshake);
  if (!is_accepted) co_return Parting::kCut;
  const auto watcher = std::make_shared<Watcher>(audience.io(), limits.watcher, std::move(exchange.knock),
                                                 exchange.request.caller, [weak = std::weak_ptr(watching)] {
                                                   if (const auto open = weak.lock()) {
                                                     open->was_cut = true;
                                                     open->close();
                                                   }
                                                 });
  watching->watcher = watcher;
  const nlohmann::json hello = {
      {"type", "hello"}, {"account", watcher->caller().account}, {"role", to_string(watcher->caller().role)}};
  watcher->push(std::make_shared<const std::string>(hello.dump()));
  audience.join(watcher);
  asio::co_spawn(audience.io().get_executor(), send_events(watching), asio::detached);
  beast::flat_buffer buffer;
  while (true) {
    const auto [error, count] = co_await watching->socket.async_read(buffer, kNoThrow);
    if (error) break;
    watcher->take(beast::buffers_to_string(buffer.data()));
    buffer.clear();
  }
  audience.leave(watcher);
  watcher->forget();
  co_return watching->was_cut ? Parting::kCut : Parting::kOrderly;
}

}  // namespace vitrine::desk
