// SPDX-License-Identifier: Apache-2.0
#include "desk/api/api_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <pthread.h>
#include <set>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <fmt/format.h>

#include "core/json_text.h"
#include "core/log.h"
#include "desk/api/http_guard.h"
#include "desk/api/openapi.h"
#include "desk/api/problem.h"
#include "desk/api/router.h"
#include "desk/api/watcher.h"

namespace vitrine::desk {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using asio::local::stream_protocol;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using PlainStream = beast::basic_stream<asio::generic::stream_protocol>;
using TlsStream = beast::ssl_stream<PlainStream>;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kEvents = "/api/v1/events";
constexpr uint32_t kMostHeaderBytes = 8 << 10;
constexpr size_t kReadBytes = 16 << 10;
constexpr int kPoolThreads = 4;
constexpr int kMostUnaccepted = 256;        // connections that the kernel keeps for us
constexpr int kEventSendBuffer = 64 << 10;  // the kernel's; the rest is in the queue, where it is counted
constexpr int64_t kSlowestBytesASecond = 128 << 10;
constexpr std::chrono::seconds kRetryListen{5};
constexpr std::chrono::seconds kLookAtSessions{1};
constexpr std::chrono::seconds kFarewell{1};

constexpr std::array<std::pair<const char*, const char*>, 7> kSecurityHeaders = {
    {{"Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
      "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"},
     {"X-Content-Type-Options", "nosniff"},
     {"X-Frame-Options", "DENY"},
     {"Referrer-Policy", "no-referrer"},
     {"Cross-Origin-Opener-Policy", "same-origin"},
     {"Cross-Origin-Resource-Policy", "same-origin"},
     {"Cache-Control", "no-store"}}};

/// What is sent, ready made.
struct Reply {
  int status = 200;
  std::string body;
  std::string content_type;
  std::map<std::string, std::string> headers;
};

Reply reply_of(ApiAnswer answer) {
  Reply reply{answer.status, std::move(answer.bytes), std::move(answer.content_type),
              std::move(answer.headers)};
  if (reply.body.empty() && reply.status != 204 && (reply.content_type.empty() || !answer.body.is_null())) {
    reply.body = answer.body.is_null()
                     ? "{}"
                     : answer.body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (reply.content_type.empty()) reply.content_type = "application/json";
  }
  return reply;
}

/// One request, from its head to its answer.
struct Exchange {
  ApiRequest request;
  const Route* route = nullptr;  // nothing: refused before it was known
  std::optional<ApiAnswer> refusal;
  std::string body;
  Access::Knock knock;
  bool is_head = false;
  bool is_upgrade = false;
  bool expects_continue = false;
};

/// Who a peer is to the limits; of IPv6 its network, since a host has as many addresses there as it likes.
std::string network_source(const asio::ip::address& address) {
  if (address.is_v4() || address.is_loopback()) return address.to_string();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

std::string plain_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  if (address.is_v6())
    return asio::ip::address_v6(address.to_v6().to_bytes()).to_string();  // without its zone
  return address.to_string();
}

Arrival arrival_of(const tcp::socket& socket, Arrival::Speech speech) {
  error_code ignored;
  const auto remote = socket.remote_endpoint(ignored).address();
  const auto local = socket.local_endpoint(ignored).address();
  const bool is_own = remote.is_loopback() && local.is_loopback();
  return {{is_own ? Visitor::Way::kLoopback : Visitor::Way::kNetwork, network_source(remote)},
          speech,
          plain_text(local)};
}

Arrival arrival_of(stream_protocol::socket& socket, Arrival::Speech speech) {
  ucred peer{};
  socklen_t length = sizeof peer;
  const bool is_known = ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
  return {{Visitor::Way::kSocket, is_known ? fmt::format("uid:{}", peer.uid) : "uid:?"}, speech, ""};
}

Error listen_failure(const error_code& error, const std::string& where) {
  const ErrorCode code = error == asio::error::address_in_use  ? ErrorCode::kDeviceBusy
                         : error == asio::error::access_denied ? ErrorCode::kPermission
                         : error.value() == EADDRNOTAVAIL      ? ErrorCode::kNotFound
                                                               : ErrorCode::kIo;
  return {code, fmt::format("listening on {}: {}", where, error.message()), error.value()};
}

RequestHead head_of(const http::request<http::string_body>& request) {
  RequestHead head{std::string(request.method_string()), std::string(request.target()), {}};
  for (const auto& field : request) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    head.fields.emplace_back(std::move(name), std::string(field.value()));
  }
  return head;
}

std::string media_type(const std::string* content_type) {
  if (content_type == nullptr) return "";
  std::string type = content_type->substr(0, content_type->find(';'));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type;
}

template <typename Stream>
auto& socket_stream(Stream& stream) {
  return beast::get_lowest_layer(stream);
}

}  // namespace

/// Everything is on the "api" thread but what says otherwise.
class ApiServer::Server {
 public:
  Server(Parts parts, Router router)
      : config_(std::move(parts.config)),
        access_(parts.access),
        certificate_(parts.certificate),
        router_(std::move(router)) {}
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  vitrine::Status start();
  vitrine::Status reload_certificate();                 // any thread
  void publish(const nlohmann::json& event, Roles to);  // any thread
  [[nodiscard]] Load load() const { return {connections_, watching_, slow_closed_}; }
  [[nodiscard]] const Router& router() const { return router_; }
  [[nodiscard]] std::vector<uint16_t> ports() const;

 private:
  /// A place among the connections.
  class Seat {
   public:
    Seat(Server& server, std::string source);
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat();

   private:
    Server& server_;
    const std::string source_;
  };
  using SeatPtr = std::unique_ptr<Seat>;
  template <typename Stream>
  struct Watching;

  vitrine::Status listen_on_socket();
  vitrine::Status open_tcp(tcp::acceptor& acceptor, const ListenAddress& listen) const;
  template <typename Acceptor>
  asio::awaitable<void> accept(Acceptor& acceptor, Arrival::Speech speech);
  asio::awaitable<void> listen_in_the_end(tcp::acceptor& acceptor, ListenAddress listen);
  [[nodiscard]] bool is_full_for(const Visitor& visitor) const;
  asio::awaitable<void> serve_plain(Socket socket, Arrival arrival, SeatPtr seat);
  asio::awaitable<void> serve_tls(Socket socket, Arrival arrival, SeatPtr seat);
  template <typename Stream>
  asio::awaitable<void> converse(Stream& stream, const Arrival& arrival, SeatPtr& seat);
  template <typename Stream>
  asio::awaitable<bool> has_bytes(Stream& stream, beast::flat_buffer& buffer,
                                  std::chrono::milliseconds limit);
  template <typename Stream>
  asio::awaitable<bool> send(Stream& stream, const Reply& reply, bool is_head, bool is_last);
  template <typename Stream>
  asio::awaitable<void> say_goodbye(Stream& stream, beast::flat_buffer& buffer);
  template <typename Stream>
  asio::awaitable<void> watch(Stream stream, http::request<http::string_body> upgrade, Exchange exchange,
                              SeatPtr seat);
  template <typename Stream>
  asio::awaitable<void> send_events(std::shared_ptr<Watching<Stream>> watching);
  asio::awaitable<void> look_at_sessions();

  Exchange judge(const http::request<http::string_body>& request, std::optional<uint64_t> length,
                 const Arrival& arrival);
  [[nodiscard]] std::optional<ApiAnswer> refusal_of(Exchange& exchange, const RequestHead& head,
                                                    std::optional<uint64_t> length, const Arrival& arrival);
  asio::awaitable<Reply> answer(Exchange& exchange);
  Reply run(Exchange& exchange);  // a thread of the pool
  ApiAnswer handle(Exchange& exchange);
  [[nodiscard]] bool is_still_in(const Watcher& watcher);

  const Config config_;
  Access& access_;
  const DeviceCertificate* const certificate_;
  const Router router_;
  std::mutex context_mutex_;
  std::shared_ptr<ssl::context> context_;  // guarded by context_mutex_
  std::atomic<int> connections_{0};
  std::atomic<int> watching_{0};
  std::atomic<int64_t> slow_closed_{0};
  std::map<std::string, int> seats_;
  std::set<std::shared_ptr<Watcher>> watchers_;
  log::Limiter refusal_log_{std::chrono::seconds(10)};
  log::Limiter full_log_{std::chrono::seconds(10)};
  // The pool outlives what waits for it.
  asio::io_context pool_{kPoolThreads};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> pool_work_;
  asio::io_context io_{1};
  std::optional<stream_protocol::acceptor> socket_acceptor_;
  std::vector<std::unique_ptr<tcp::acceptor>> plain_acceptors_;
  std::vector<std::unique_ptr<tcp::acceptor>> tls_acceptors_;
  std::vector<std::unique_ptr<std::atomic<uint16_t>>> tls_ports_;
  std::vector<uint16_t> plain_ports_;
  std::thread io_thread_;
  std::vector<std::thread> pool_threads_;
};

template <typename Stream>
struct ApiServer::Server::Watching {
  explicit Watching(Stream stream) : socket(std::move(stream)) {}
  websocket::stream<Stream> socket;
  std::shared_ptr<Watcher> watcher;
  SeatPtr seat;
};

ApiServer::Server::Seat::Seat(Server& server, std::string source)
    : server_(server), source_(std::move(source)) {
  ++server_.connections_;
  ++server_.seats_[source_];
}

ApiServer::Server::Seat::~Seat() {
  --server_.connections_;
  if (--server_.seats_[source_] == 0) server_.seats_.erase(source_);
}

ApiServer::Server::~Server() {
  io_.stop();
  if (io_thread_.joinable()) io_thread_.join();
  pool_work_.reset();  // what it has taken, it ends
  for (auto& thread : pool_threads_) thread.join();
  watchers_.clear();  // their timers are of io_
  std::error_code ignored;
  if (socket_acceptor_) std::filesystem::remove(config_.socket, ignored);
}

vitrine::Status ApiServer::Server::start() {
  for (const auto& listen : config_.listen) {
    error_code error;
    if (!asio::ip::make_address(listen.host, error).is_loopback() || error)
      return fail(
          ErrorCode::kInvalidInput,
          fmt::format("{} is not a loopback address: nothing else is spoken to in clear", listen.text()));
    plain_acceptors_.push_back(std::make_unique<tcp::acceptor>(io_));
    if (auto opened = open_tcp(*plain_acceptors_.back(), listen); !opened) return opened;
    plain_ports_.push_back(plain_acceptors_.back()->local_endpoint(error).port());
    asio::co_spawn(io_, accept(*plain_acceptors_.back(), Arrival::Speech::kPlain), asio::detached);
  }
  if (!config_.listen_tls.empty()) {
    if (auto loaded = reload_certificate(); !loaded) return loaded;
  }
  for (const auto& listen : config_.listen_tls) {
    tls_acceptors_.push_back(std::make_unique<tcp::acceptor>(io_));
    tls_ports_.push_back(std::make_unique<std::atomic<uint16_t>>(0));
    auto opened = open_tcp(*tls_acceptors_.back(), listen);
    if (opened) {
      error_code error;
      *tls_ports_.back() = tls_acceptors_.back()->local_endpoint(error).port();
    } else if (opened.error().code != ErrorCode::kNotFound) {
      return opened;
    } else {
      log::warning("api", "{}; tried again every {} s", opened.error().message, kRetryListen.count());
    }
    asio::co_spawn(io_, listen_in_the_end(*tls_acceptors_.back(), listen), asio::detached);
  }
  if (!config_.socket.empty()) {
    if (auto opened = listen_on_socket(); !opened) return opened;
    asio::co_spawn(io_, accept(*socket_acceptor_, Arrival::Speech::kPlain), asio::detached);
  }
  asio::co_spawn(io_, look_at_sessions(), asio::detached);
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

vitrine::Status ApiServer::Server::open_tcp(tcp::acceptor& acceptor, const ListenAddress& listen) const {
  error_code error;
  const tcp::endpoint endpoint(asio::ip::make_address(listen.host, error), listen.port);
  if (!error) acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kMostUnaccepted, error);
  if (!error) return {};
  error_code ignored;
  acceptor.close(ignored);
  return tl::unexpected(listen_failure(error, listen.text()));
}

vitrine::Status ApiServer::Server::listen_on_socket() {
  const std::string path = config_.socket.string();
  constexpr size_t kMostPath = sizeof(sockaddr_un{}.sun_path) - 1;
  if (path.size() > kMostPath)
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("socket path {} is longer than {} bytes; set a shorter run_dir", path, kMostPath));
  const stream_protocol::endpoint endpoint(path);
  error_code error;
  stream_protocol::socket probe(io_);
  probe.connect(endpoint, error);
  if (!error)
    return fail(ErrorCode::kDeviceBusy, fmt::format("another desk answers at {}; stop it first", path));
  std::error_code ignored;
  std::filesystem::create_directories(config_.socket.parent_path(), ignored);
  std::filesystem::remove(config_.socket, ignored);
  stream_protocol::acceptor acceptor(io_);
  acceptor.open(endpoint.protocol(), error = {});
  if (!error) acceptor.bind(endpoint, error);
  if (!error && ::chmod(path.c_str(), 0660) != 0) error.assign(errno, boost::system::system_category());
  if (!error) acceptor.listen(kMostUnaccepted, error);
  if (error) return tl::unexpected(listen_failure(error, path));
  socket_acceptor_.emplace(std::move(acceptor));
  return {};
}

std::vector<uint16_t> ApiServer::Server::ports() const {
  std::vector<uint16_t> ports = plain_ports_;
  for (const auto& port : tls_ports_) ports.push_back(*port);
  return ports;
}

vitrine::Status ApiServer::Server::reload_certificate() {
  if (certificate_ == nullptr) return fail(ErrorCode::kTlsFailed, "TLS was asked for without a certificate");
  const std::string file = certificate_->file().string();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  error_code error;
  context->set_options(ssl::context::no_sslv2 | ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                           ssl::context::no_tlsv1_1 | ssl::context::no_compression,
                       error);
  if (!error) context->use_certificate_chain_file(file, error);
  if (!error) context->use_private_key_file(file, ssl::context::pem, error);
  if (error) return fail(ErrorCode::kTlsFailed, fmt::format("certificate {}: {}", file, error.message()));
  const std::lock_guard lock(context_mutex_);
  context_ = std::move(context);
  return {};
}

asio::awaitable<void> ApiServer::Server::listen_in_the_end(tcp::acceptor& acceptor, ListenAddress listen) {
  asio::steady_timer pause(io_);
  while (!acceptor.is_open()) {
    pause.expires_after(kRetryListen);
    co_await pause.async_wait(kNoThrow);
    if (open_tcp(acceptor, listen)) log::info("api", "listens on {} now", listen.text());
  }
  error_code ignored;
  for (size_t i = 0; i < tls_acceptors_.size(); ++i)
    if (tls_acceptors_[i].get() == &acceptor) *tls_ports_[i] = acceptor.local_endpoint(ignored).port();
  co_await accept(acceptor, Arrival::Speech::kTls);
}

/// The last places are for the box itself, and no one in the network has all of the others.
bool ApiServer::Server::is_full_for(const Visitor& visitor) const {
  const auto& limits = config_.limits;
  if (visitor.way != Visitor::Way::kNetwork) return connections_ >= limits.connections;
  const auto own = seats_.find(visitor.source);
  return connections_ >= limits.connections - limits.connections / 8 ||
         (own != seats_.end() && own->second >= limits.connections_each);
}

template <typename Acceptor>
asio::awaitable<void> ApiServer::Server::accept(Acceptor& acceptor, Arrival::Speech speech) {
  asio::steady_timer pause(io_);
  while (true) {
    auto [error, socket] = co_await acceptor.async_accept(kNoThrow);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors, most likely: at once it would be the same.
      pause.expires_after(std::chrono::seconds(1));
      co_await pause.async_wait(kNoThrow);
      continue;
    }
    Arrival arrival = arrival_of(socket, speech);
    error_code ignored;
    if (is_full_for(arrival.visitor)) {
      int64_t held_back = 0;
      if (full_log_.should_log(&held_back))
        log::warning(
            "api",
            "refused {}: {} connections, of which this source has its share; {} more since the last line",
            arrival.visitor.source, connections_.load(), held_back);
      constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: "
          "close\r\n\r\n";
      socket.non_blocking(true, ignored);
      if (speech == Arrival::Speech::kPlain) socket.write_some(asio::buffer(kFull), ignored);
      socket.shutdown(Socket::shutdown_send, ignored);
      continue;
    }
    if constexpr (std::is_same_v<Acceptor, tcp::acceptor>) socket.set_option(tcp::no_delay(true), ignored);
    auto seat = std::make_unique<Seat>(*this, arrival.visitor.source);
    Socket generic(std::move(socket));
    if (speech == Arrival::Speech::kTls)
      asio::co_spawn(io_, serve_tls(std::move(generic), std::move(arrival), std::move(seat)), asio::detached);
    else
      asio::co_spawn(io_, serve_plain(std::move(generic), std::move(arrival), std::move(seat)),
                     asio::detached);
  }
}

asio::awaitable<void> ApiServer::Server::serve_plain(Socket socket, Arrival arrival, SeatPtr seat) {
  PlainStream stream(std::move(socket));
  co_await converse(stream, arrival, seat);
}

asio::awaitable<void> ApiServer::Server::serve_tls(Socket socket, Arrival arrival, SeatPtr seat) {
  std::shared_ptr<ssl::context> context;
  {
    const std::lock_guard lock(context_mutex_);
    context = context_;
  }
  TlsStream stream(PlainStream(std::move(socket)), *context);
  socket_stream(stream).expires_after(config_.limits.request);
  const auto [error] = co_await stream.async_handshake(ssl::stream_base::server, kNoThrow);
  if (error) co_return;  // scanners and browsers that don't trust us yet do that all day
  co_await converse(stream, arrival, seat);
}

template <typename Stream>
asio::awaitable<bool> ApiServer::Server::has_bytes(Stream& stream, beast::flat_buffer& buffer,
                                                   std::chrono::milliseconds limit) {
  if (buffer.size() > 0) co_return true;
  socket_stream(stream).expires_after(limit);
  const auto [error, count] = co_await stream.async_read_some(buffer.prepare(kMostHeaderBytes), kNoThrow);
  buffer.commit(count);
  co_return !error && count > 0;
}

template <typename Stream>
asio::awaitable<void> ApiServer::Server::converse(Stream& stream, const Arrival& arrival, SeatPtr& seat) {
  const auto& limits = config_.limits;
  beast::flat_buffer buffer(kReadBytes);
  for (bool is_first = true;; is_first = false) {
    const bool has_more = co_await has_bytes(stream, buffer, is_first ? limits.request : limits.idle);
    if (!has_more) co_return;
    socket_stream(stream).expires_after(limits.request);  // for all of it, however it drips
    http::request_parser<http::string_body> parser;
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(boost::none);  // by the route, below
    const auto [error, count] = co_await http::async_read_header(stream, buffer, parser, kNoThrow);
    if (error) {
      if (error == http::error::end_of_stream || error == beast::error::timeout ||
          error.category() != make_error_code(http::error::bad_method).category())
        co_return;  // nobody is there to be answered
      const bool is_long = error == http::error::header_limit || error == http::error::buffer_overflow;
      const Reply reply = reply_of(problem(
          is_long ? 431 : 400, {ErrorCode::kInvalidInput, "not a request of HTTP: " + error.message()}));
      if (co_await send(stream, reply, false, true)) co_await say_goodbye(stream, buffer);
      co_return;
    }
    std::optional<uint64_t> length;
    if (const auto told = parser.content_length()) length = *told;
    Exchange exchange = judge(parser.get(), length, arrival);
    if (exchange.is_upgrade && !exchange.refusal) {
      co_await watch(std::move(stream), parser.release(), std::move(exchange), std::move(seat));
      co_return;
    }
    if (!exchange.refusal && !parser.is_done()) {
      if (!exchange.route->takes.upload.empty())
        socket_stream(stream).expires_after(
            limits.request +
            std::chrono::seconds(static_cast<int64_t>(length.value_or(0)) / kSlowestBytesASecond));
      if (exchange.expects_continue) {
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        const auto [write_error, written] =
            co_await asio::async_write(stream, asio::buffer(kContinue), kNoThrow);
        if (write_error) co_return;
      }
      const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kNoThrow);
      if (read_error) co_return;
      exchange.body = std::move(parser.get().body());
    }
    // What was refused by its head may have a body that only another reader sees: the next request would be
    // it.
    const bool is_last = exchange.route == nullptr || !parser.is_done() || !parser.get().keep_alive();
    socket_stream(stream).expires_never();  // it is our time now
    const Reply reply = co_await answer(exchange);
    const bool is_sent = co_await send(stream, reply, exchange.is_head, is_last);
    if (!is_sent) co_return;
    if (is_last) {
      co_await say_goodbye(stream, buffer);
      co_return;
    }
  }
}

template <typename Stream>
asio::awaitable<bool> ApiServer::Server::send(Stream& stream, const Reply& reply, bool is_head,
                                              bool is_last) {
  http::response<http::string_body> response;
  response.version(11);
  response.result(static_cast<unsigned>(reply.status));
  response.keep_alive(!is_last);
  for (const auto& [name, value] : kSecurityHeaders) response.set(name, value);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  if (!reply.content_type.empty()) response.set(http::field::content_type, reply.content_type);
  if (reply.status != 204) response.content_length(reply.body.size());  // RFC 9110, 8.6
  if (!is_head) response.body() = reply.body;
  socket_stream(stream).expires_after(
      config_.limits.request +
      std::chrono::seconds(static_cast<int64_t>(reply.body.size()) / kSlowestBytesASecond));
  const auto [error, count] = co_await http::async_write(stream, response, kNoThrow);
  co_return !error;
}

/// To close on what was not read yet is a reset, and the peer would not see the answer.
template <typename Stream>
asio::awaitable<void> ApiServer::Server::say_goodbye(Stream& stream, beast::flat_buffer& buffer) {
  socket_stream(stream).expires_after(kFarewell);
  if constexpr (std::is_same_v<Stream, TlsStream>) {
    co_await stream.async_shutdown(kNoThrow);
  } else {
    error_code ignored;
    stream.socket().shutdown(Socket::shutdown_send, ignored);
    while (true) {
      buffer.clear();
      const auto [error, count] = co_await stream.async_read_some(buffer.prepare(kMostHeaderBytes), kNoThrow);
      if (error) co_return;
    }
  }
}

Exchange ApiServer::Server::judge(const http::request<http::string_body>& request,
                                  std::optional<uint64_t> length, const Arrival& arrival) {
  Exchange exchange;
  if (request.version() != 11) {
    exchange.refusal = problem(505, {ErrorCode::kInvalidInput, "HTTP/1.1 is spoken here"});
    return exchange;
  }
  const RequestHead head = head_of(request);
  exchange.refusal = refusal_of(exchange, head, length, arrival);
  int64_t held_back = 0;
  if (exchange.refusal && (exchange.refusal->status == 421 || exchange.refusal->status == 403) &&
      refusal_log_.should_log(&held_back))
    log::warning("api", "refused {} of {}: {}; {} more since the last line", head.method,
                 arrival.visitor.source, exchange.refusal->body.value("detail", ""), held_back);
  return exchange;
}

/// In this order: is it listened to, what is it for, who asks, may he, can its body be taken.
std::optional<ApiAnswer> ApiServer::Server::refusal_of(Exchange& exchange, const RequestHead& head,
                                                       std::optional<uint64_t> length,
                                                       const Arrival& arrival) {
  exchange.is_head = head.method == "HEAD";
  if (auto checked = check_head(head, arrival, config_.host_names); !checked)
    return std::move(checked.error());
  auto found = router_.find(head.method, head.target);
  if (!found) return std::move(found.error());
  auto knock = knock_of(head, arrival.visitor);
  if (!knock) return std::move(knock.error());
  const auto admission = access_.admit(*knock, Sessions::Touch::kIsUse);
  if (!admission) return problem(401, admission.error());
  exchange.knock = std::move(*knock);
  exchange.request.caller = admission->caller;
  exchange.request.visitor = arrival.visitor;
  exchange.request.path = std::move(found->path);
  exchange.request.query = std::move(found->query);
  exchange.route = found->route;
  const Route& route = *found->route;
  const Role role = admission->caller.role;
  if (!route.allowed.allow(role)) {
    ApiAnswer refusal =
        role == Role::kNone
            ? problem(401, {ErrorCode::kAuthRejected, "this needs a login, or a token"})
            : problem({ErrorCode::kPermission, fmt::format("a {} may not do this", to_string(role))});
    refusal.body["roles"] = role_names(route.allowed);
    return refusal;
  }
  if (route.method != "GET" && admission->may == Access::May::kRead)
    return problem({ErrorCode::kPermission, "this token may only read"});
  if (route.pattern == kEvents) {
    exchange.is_upgrade = is_upgrade(head);
    if (exchange.is_upgrade && !length) return std::nullopt;
  }
  if (const std::string* expect = head.find("expect")) {
    if (*expect != "100-continue")
      return problem(417, {ErrorCode::kInvalidInput, "only 100-continue can be expected"});
    exchange.expects_continue = true;
  }
  const bool takes_json = !route.takes.schema.is_null();
  const bool takes_upload = !route.takes.upload.empty();
  const uint64_t most = takes_json || takes_upload ? route.takes.most_bytes : 0;
  if (length.value_or(0) > most)
    return problem(413, {ErrorCode::kInvalidInput,
                         fmt::format("a body of {} bytes; at most {} are taken here", *length, most)});
  if ((takes_json || takes_upload) && !length)
    return problem(411, {ErrorCode::kInvalidInput, "Content-Length is missing"});
  exchange.request.upload_type = media_type(head.find("content-type"));
  if (takes_json && exchange.request.upload_type != "application/json")
    return problem(415, {ErrorCode::kInvalidInput, "Content-Type is not application/json"});
  return std::nullopt;
}

/// On the pool where there is something to do or to write down; what is refused at the door is cheap.
asio::awaitable<Reply> ApiServer::Server::answer(Exchange& exchange) {
  if (exchange.refusal && (exchange.route == nullptr || exchange.route->method == "GET"))
    co_return reply_of(std::move(*exchange.refusal));
  auto initiate = [this, &exchange](auto handler) {
    asio::post(pool_, [this, &exchange, handler = std::move(handler)]() mutable {
      Reply reply = run(exchange);
      asio::post(io_, [handler = std::move(handler), reply = std::move(reply)]() mutable {
        std::move(handler)(std::move(reply));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Reply)>(std::move(initiate),
                                                                                      asio::use_awaitable);
}

Reply ApiServer::Server::run(Exchange& exchange) {
  ApiAnswer answer = exchange.refusal ? std::move(*exchange.refusal) : handle(exchange);
  access_.record(exchange.request, *exchange.route, answer.status);
  return reply_of(std::move(answer));
}

ApiAnswer ApiServer::Server::handle(Exchange& exchange) {
  const Route& route = *exchange.route;
  ApiRequest& request = exchange.request;
  if (!route.takes.upload.empty()) {
    request.upload = std::move(exchange.body);
  } else if (!route.takes.schema.is_null()) {
    request.upload_type.clear();
    auto body = parse_json(exchange.body, route.takes.most_bytes);
    if (!body) return problem(400, body.error());
    if (!body->is_object()) return problem(400, {ErrorCode::kInvalidInput, "the body is not a JSON object"});
    request.body = std::move(*body);
  }
  try {
    auto answer = route.handle(request);
    return answer ? std::move(*answer) : problem(answer.error());
  } catch (const std::exception& exception) {
    // A fault of ours: the log has it, the caller gets no insides.
    log::error("api", "{} {} failed: {}", route.method, route.pattern, exception.what());
    return problem({ErrorCode::kUnknown, "a fault of the box; its log has the reason"});
  }
}

bool ApiServer::Server::is_still_in(const Watcher& watcher) {
  const auto admission = access_.admit(watcher.knock(), Sessions::Touch::kIsLook);
  return admission && admission->caller.role == watcher.caller().role;
}

asio::awaitable<void> ApiServer::Server::look_at_sessions() {
  asio::steady_timer timer(io_);
  while (true) {
    timer.expires_after(kLookAtSessions);
    co_await timer.async_wait(kNoThrow);
    for (const auto& watcher : watchers_)
      if (!is_still_in(*watcher))
        watcher->end(websocket::close_code::policy_error, "the session is over; log in again");
  }
}

void ApiServer::Server::publish(const nlohmann::json& event, Roles to) {
  auto message = std::make_shared<const std::string>(
      event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::string type;
  if (event.is_object() && event.contains("type") && event["type"].is_string())
    type = event["type"].get<std::string>();
  asio::post(io_, [this, message = std::move(message), type = std::move(type), to] {
    for (const auto& watcher : watchers_) {
      if (!to.allow(watcher->caller().role) || !watcher->wants(type)) continue;
      if (!is_still_in(*watcher)) {
        watcher->end(websocket::close_code::policy_error, "the session is over; log in again");
      } else if (!watcher->push(message)) {
        ++slow_closed_;
        log::warning("api", "closed {} at {}: it reads events too slowly", watcher->caller().account,
                     watcher->knock().visitor.source);
      }
    }
  });
}

template <typename Stream>
asio::awaitable<void> ApiServer::Server::watch(Stream stream, http::request<http::string_body> upgrade,
                                               Exchange exchange, SeatPtr seat) {
  error_code ignored;
  socket_stream(stream).expires_never();
  socket_stream(stream).socket().set_option(asio::socket_base::send_buffer_size(kEventSendBuffer), ignored);
  auto watching = std::make_shared<Watching<Stream>>(std::move(stream));
  watching->seat = std::move(seat);
  auto& socket = watching->socket;
  websocket::stream_base::timeout timeout{config_.limits.request, std::chrono::seconds(30), true};
  socket.set_option(timeout);
  socket.read_message_max(kMostHeaderBytes);
  socket.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    for (const auto& [name, value] : kSecurityHeaders) response.set(name, value);
  }));
  const auto [refused] = co_await socket.async_accept(upgrade, kNoThrow);
  if (refused) co_return;
  const Watcher::Limits limits{config_.limits.queued_events, config_.limits.queued_event_bytes,
                               config_.limits.last_word};
  auto watcher = std::make_shared<Watcher>(io_, limits, std::move(exchange.knock), exchange.request.caller,
                                           [weak = std::weak_ptr(watching)] {
                                             if (const auto open = weak.lock())
                                               socket_stream(open->socket).close();
                                           });
  watching->watcher = watcher;
  const nlohmann::json hello = {
      {"type", "hello"}, {"account", watcher->caller().account}, {"role", to_string(watcher->caller().role)}};
  watcher->push(std::make_shared<const std::string>(hello.dump()));
  watchers_.insert(watcher);
  ++watching_;
  asio::co_spawn(io_, send_events(watching), asio::detached);
  beast::flat_buffer buffer;
  while (true) {
    const auto [error, count] = co_await socket.async_read(buffer, kNoThrow);
    if (error) break;
    watcher->take(beast::buffers_to_string(buffer.data()));
    buffer.clear();
  }
  watchers_.erase(watcher);
  --watching_;
  watcher->forget();
}

template <typename Stream>
asio::awaitable<void> ApiServer::Server::send_events(std::shared_ptr<Watching<Stream>> watching) {
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
  socket_stream(watching->socket).close();  // and so the reading ends
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
                    std::string(kEvents),
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
  return server_->router().routes();
}
std::vector<uint16_t> ApiServer::ports() const {
  return server_->ports();
}

}  // namespace vitrine::desk
