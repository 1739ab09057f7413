// SPDX-License-Identifier: Apache-2.0
#include "desk/api/api_server.h"

#include <mutex>
#include <pthread.h>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>

#include "core/log.h"
#include "desk/api/audience.h"
#include "desk/api/conversation.h"
#include "desk/api/doorkeeper.h"
#include "desk/api/listener.h"
#include "desk/api/openapi.h"
#include "desk/api/problem.h"
#include "desk/api/router.h"
#include "desk/api/seats.h"
#include "desk/api/tls_front.h"

namespace vitrine::desk {

namespace asio = boost::asio;

/// Everything is on the "api" thread but what says otherwise.
class ApiServer::Server {
 public:
  Server(Parts parts, Router router)
      : config_(std::move(parts.config)),
        certificate_(parts.certificate),
        seats_(config_.limits.connections, config_.limits.connections_each),
        doorkeeper_(std::move(router), parts.access, config_.host_names),
        audience_(io_, parts.access) {}
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  vitrine::Status start();
  vitrine::Status reload_certificate();                                                  // any thread
  void publish(const nlohmann::json& event, Roles to) { audience_.publish(event, to); }  // any thread
  [[nodiscard]] Load load() const { return {seats_.taken(), audience_.size(), audience_.slow_closed()}; }
  [[nodiscard]] const std::vector<Route>& routes() const { return doorkeeper_.router().routes(); }
  [[nodiscard]] std::vector<uint16_t> ports() const;
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  static constexpr int kPoolThreads = 4;

  vitrine::Status open_doors();
  Listener& new_listener(Arrival::Speech speech);
  void receive(Socket socket, Arrival arrival);
  void turn_away(Socket& socket, const Arrival& arrival);
  Task<Parting> serve(Socket socket, Arrival arrival, Seats::Seat seat);
  Task<void> serve_plain(Socket socket, Arrival arrival, Seats::Seat seat);
  Task<void> serve_tls(Socket socket, Arrival arrival, Seats::Seat seat);

  const Config config_;
  const DeviceCertificate* const certificate_;
  std::mutex context_mutex_;
  std::shared_ptr<TlsContext> context_;  // guarded by context_mutex_
  Seats seats_;
  Doorkeeper doorkeeper_;
  log::Limiter full_log_{std::chrono::seconds(10)};
  // The pool outlives what waits for it, and what connections refer to outlives them: they end with io_.
  asio::io_context pool_{kPoolThreads};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> pool_work_;
  Audience audience_;
  asio::io_context io_{1};
  std::vector<std::unique_ptr<Listener>> listeners_;  // in the order of `ports`; the socket is the last
  std::thread io_thread_;
  std::vector<std::thread> pool_threads_;
};

ApiServer::Server::~Server() {
  io_.stop();
  if (io_thread_.joinable()) io_thread_.join();
  pool_work_.reset();  // what it has taken, it ends
  for (auto& thread : pool_threads_) thread.join();
  audience_.clear();  // their timers are of io_
}

vitrine::Status ApiServer::Server::start() {
  if (auto opened = open_doors(); !opened) return opened;
  asio::co_spawn(io_.get_executor(), audience_.look_at_sessions(), asio::detached);
  pool_work_.emplace(pool_.get_executor());
  for (int i = 1; i <= kPoolThreads; ++i)
    pool_threads_.emplace_back([this, i] {
      ::pthread_setname_np(::pthread_self(), fmt::format("api-{}", i).c_str());
      pool_.run();
    });
  io_thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "api");
    io_.run();
  });
  return {};
}

vitrine::Status ApiServer::Server::open_doors() {
  const auto retry = config_.limits.retry_listen;
  for (const auto& address : config_.listen)
    if (auto opened = new_listener(Arrival::Speech::kPlain).listen_at(address, retry); !opened) return opened;
  if (!config_.listen_tls.empty())
    if (auto loaded = reload_certificate(); !loaded) return loaded;
  for (const auto& address : config_.listen_tls)
    if (auto opened = new_listener(Arrival::Speech::kTls).listen_at(address, retry); !opened) return opened;
  if (config_.socket.empty()) return {};
  return new_listener(Arrival::Speech::kPlain).listen_on(config_.socket);
}

Listener& ApiServer::Server::new_listener(Arrival::Speech speech) {
  listeners_.push_back(std::make_unique<Listener>(io_, speech, [this](Socket socket, Arrival arrival) {
    receive(std::move(socket), std::move(arrival));
  }));
  return *listeners_.back();
}

std::vector<uint16_t> ApiServer::Server::ports() const {
  std::vector<uint16_t> ports;
  for (size_t i = 0; i < config_.listen.size() + config_.listen_tls.size(); ++i)
    ports.push_back(listeners_.at(i)->port());
  return ports;
}

std::vector<std::string> ApiServer::Server::problems() const {
  std::vector<std::string> problems;
  for (const auto& listener : listeners_)
    if (auto problem = listener->problem(); !problem.empty()) problems.push_back(std::move(problem));
  return problems;
}

vitrine::Status ApiServer::Server::reload_certificate() {
  if (certificate_ == nullptr) return fail(ErrorCode::kTlsFailed, "TLS was asked for without a certificate");
  auto context = load_tls_context(certificate_->file());
  if (!context) return tl::unexpected(context.error());
  const std::lock_guard lock(context_mutex_);
  context_ = std::move(*context);
  return {};
}

void ApiServer::Server::receive(Socket socket, Arrival arrival) {
  auto seat = seats_.take(arrival.visitor);
  if (!seat) return turn_away(socket, arrival);
  const bool is_tls = arrival.speech == Arrival::Speech::kTls;
  auto served = is_tls ? serve_tls(std::move(socket), std::move(arrival), std::move(seat))
                       : serve_plain(std::move(socket), std::move(arrival), std::move(seat));
  asio::co_spawn(io_.get_executor(), std::move(served), asio::detached);
}

void ApiServer::Server::turn_away(Socket& socket, const Arrival& arrival) {
  int64_t held_back = 0;
  if (full_log_.should_log(&held_back))
    log::warning(
        "api", "refused {}: {} connections, of which this source has its share; {} more since the last line",
        arrival.visitor.source, seats_.taken(), held_back);
  constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: "
      "close\r\n\r\n";
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  if (arrival.speech == Arrival::Speech::kPlain) socket.write_some(asio::buffer(kFull), ignored);
  socket.shutdown(Socket::shutdown_send, ignored);
}

Task<Parting> ApiServer::Server::serve(Socket socket, Arrival arrival, Seats::Seat seat) {
  Conversation conversation({io_, pool_, doorkeeper_, audience_, config_.limits}, std::move(arrival),
                            std::move(seat));
  co_return co_await conversation.hold(std::move(socket));
}

Task<void> ApiServer::Server::serve_plain(Socket socket, Arrival arrival, Seats::Seat seat) {
  (void)co_await serve(std::move(socket), std::move(arrival), std::move(seat));
}

Task<void> ApiServer::Server::serve_tls(Socket socket, Arrival arrival, Seats::Seat seat) {
  std::shared_ptr<TlsContext> context;
  {
    const std::lock_guard lock(context_mutex_);
    context = context_;
  }
  const auto& limits = config_.limits;
  co_await serve_behind_tls(std::move(socket), std::move(context), {limits.request, limits.request}, seat,
                            [&](Socket inner) { return serve(std::move(inner), arrival, seat); });
}

Result<std::unique_ptr<ApiServer>> ApiServer::start(Parts parts) {
  auto routes = std::move(parts.routes);
  const auto document = std::make_shared<nlohmann::json>();
  routes.push_back({"GET",
                    "/api/v1/openapi.json",
                    kAnybody,
                    "This document.",
                    [document](const ApiRequest& /*request*/) -> Result<ApiAnswer> {
                      return ApiAnswer{200, *document, {}, {}, {}};
                    },
                    {},
                    {}});
  routes.push_back({"GET",
                    std::string(kEventsPattern),
                    kStaff,
                    "Events as they happen, over WebSocket.",
                    [](const ApiRequest& /*request*/) -> Result<ApiAnswer> {
                      ApiAnswer answer = problem(426, {ErrorCode::kInvalidInput, "this is a WebSocket"});
                      answer.headers["Upgrade"] = "websocket";
                      return answer;
                    },
                    {},
                    {}});
  auto router = Router::create(std::move(routes));
  if (!router) return tl::unexpected(router.error());
  *document = openapi_document(router->routes());
  try {
    auto server = std::make_unique<Server>(std::move(parts), std::move(*router));
    if (auto started = server->start(); !started) return tl::unexpected(started.error());
    return std::unique_ptr<ApiServer>(new ApiServer(std::move(server)));
  } catch (const std::exception& exception) {  // Asio's own descriptors, threads
    return fail(ErrorCode::kIo, fmt::format("starting the API: {}", exception.what()));
  }
}

ApiServer::ApiServer(std::unique_ptr<Server> server) : server_(std::move(server)) {
}
ApiServer::~ApiServer() = default;

void ApiServer::publish(const nlohmann::json& event, Roles to) {
  server_->publish(event, to);
}
Status ApiServer::reload_certificate() {
  return server_->reload_certificate();
}
ApiServer::Load ApiServer::load() const {
  return server_->load();
}
const std::vector<Route>& ApiServer::routes() const {
  return server_->routes();
}
std::vector<uint16_t> ApiServer::ports() const {
  return server_->ports();
}
std::vector<std::string> ApiServer::problems() const {
  return server_->problems();
}

}  // namespace vitrine::desk
