// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "commerce/adapter.h"
#include "commerce/store.h"
#include "core/error.h"
#include "core/url.h"

namespace vitrine::commerce {

/// The door for a shop's webhooks: HTTP/1.1, POST on /events, one request a connection. A request whose
/// signature is right is answered 204 before anything is done about it (WeChat's shops wait 3 s); the event
/// is a hint what to read, once, however often it comes. Everything else is refused with a status and no
/// reason: who may know it asks `status`. Plain HTTP: what must stand before it is in docs/shop-events.md.
/// Limits: 256 KiB a body, 8 KiB a header, 32 connections (the next one waits), a time for a request, and for
/// each source 20 refusals and one more a second, beyond which it is answered 429 unread.
class EventReceiver {
 public:
  struct Config {
    ListenAddress listen;  // port 0: any that is free
    std::string backend;   // whose events they are
    std::chrono::milliseconds request_limit{5000};
  };
  struct Parts {
    const Adapter& adapter;
    Store& store;  // remembers which events were seen
  };
  struct Status {
    int64_t taken = 0;
    int64_t repeated = 0;  // answered and ignored
    int64_t refused = 0;
    std::optional<Instant> last_taken_at;
    std::string last_refusal;  // why, and whose; empty: none
    std::string store_fault;   // why events can't be remembered; they are taken all the same
  };
  /// Called on the receiver's thread; must not block.
  using OnEvent = std::function<void(const Adapter::Event&)>;

  /// Errors: kDeviceBusy when another program listens there; kNotFound when the address is not this
  /// machine's; kPermission.
  static Result<std::unique_ptr<EventReceiver>> listen(Config config, const Parts& parts, OnEvent on_event);
  ~EventReceiver();  // ends the thread; requests under way are cut off
  EventReceiver(const EventReceiver&) = delete;
  EventReceiver& operator=(const EventReceiver&) = delete;

  [[nodiscard]] uint16_t port() const;
  [[nodiscard]] Status status() const;

 private:
  class Server;
  explicit EventReceiver(std::unique_ptr<Server> server);
  const std::unique_ptr<Server> server_;
};

}  // namespace vitrine::commerce
