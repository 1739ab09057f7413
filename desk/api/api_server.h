// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/url.h"
#include "desk/access/access.h"
#include "desk/access/device_certificate.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// HTTP/1.1 and WebSocket for people's pages and for programs: docs/api.md. It adds GET /api/v1/openapi.json
/// and GET /api/v1/events (WebSocket) to the routes it is given.
/// Threads: "api" reads and writes all connections, "api-1" to "api-4" run the routes' handlers, which may
/// wait for the disk. The destructor lets handlers under way end, and closes all connections.
class ApiServer {
 public:
  struct Limits {
    int connections = 256;      // of all; the last eighth is for the box itself: its screen and the socket
    int connections_each = 64;  // of one source in the network
    std::chrono::milliseconds request{10'000};  // from its first byte to its last; an upload may take longer
    std::chrono::milliseconds idle{60'000};     // between requests on one connection
    size_t queued_events = 256;                 // of one client that reads slowly; more end it
    size_t queued_event_bytes = 1 << 20;
    std::chrono::milliseconds last_word{5'000};     // for who is told why it is ended
    std::chrono::milliseconds retry_listen{5'000};  // where there was no listening yet
  };
  struct Config {
    std::filesystem::path socket;       // UNIX; who may open it is a technician. Empty: none
    std::vector<ListenAddress> listen;  // plain HTTP, loopback addresses. Port 0: any that is free
    std::vector<ListenAddress> listen_tls;
    std::vector<std::string> host_names;
    Limits limits{};
  };
  struct Parts {
    Config config;
    std::vector<Route> routes;
    Access& access;                                  // outlives the server
    const DeviceCertificate* certificate = nullptr;  // for listen_tls; outlives the server
  };

  /// An address that another program holds, or that this box does not have (yet), keeps nothing from
  /// starting: it is tried again every 5 s, and `problems` says so. Errors: kInvalidInput for a table of
  /// routes that contradicts itself or an address of `listen` that is not loopback; kDeviceBusy when another
  /// one answers on the socket; kPermission; kTlsFailed.
  static Result<std::unique_ptr<ApiServer>> start(Parts parts);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// To all who watch, have one of the roles, and want events of its "type". A client whose queue is full is
  /// closed with a reason; nobody waits for it. Thread: any; never blocks.
  void publish(const nlohmann::json& event, Roles to = kStaff);

  /// New connections get what the certificate's file has now. Thread: any. Errors: kTlsFailed.
  Status reload_certificate();

  struct Load {
    int connections = 0;
    int watchers = 0;
    int64_t slow_watchers_closed = 0;
  };
  [[nodiscard]] Load load() const;
  /// By which of its addresses nobody gets in now, and why; for people. Thread: any.
  [[nodiscard]] std::vector<std::string> problems() const;

  /// All of them, also the two of its own.
  [[nodiscard]] const std::vector<Route>& routes() const;
  /// Of `listen`, then of `listen_tls`; 0 where it does not listen yet.
  [[nodiscard]] std::vector<uint16_t> ports() const;

 private:
  class Server;
  explicit ApiServer(std::unique_ptr<Server> server);
  const std::unique_ptr<Server> server_;
};

}  // namespace vitrine::desk
