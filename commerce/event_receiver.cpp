// SPDX-License-Identifier: Apache-2.0
#include "commerce/event_receiver.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <pthread.h>
#include <string_view>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "commerce/detail/columns.h"

namespace vitrine::commerce {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::string_view kPath = "/events";
constexpr uint32_t kMostHeaderBytes = 8 << 10;
constexpr uint64_t kMostBodyBytes = 256 << 10;
constexpr int kMostConnections = 32;
constexpr int kMostWaiting = 256;  // connections that the kernel keeps for us
constexpr std::chrono::seconds kLastWord{1};
constexpr std::chrono::hours kRemembered{24};

/// Who a peer is to the limits: its address; of IPv6 its network, since a host has as many addresses there as
/// it likes.
std::string source_of(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

/// How often each source may still be refused. Genuine events cost nothing: a sale sends hundreds at once.
class RefusalBudget {
 public:
  bool is_spent(const std::string& source, MediaTime now) {
    const auto found = spent_.find(source);
    return found != spent_.end() && left(found->second, now) < 1;
  }
  void charge(const std::string& source, MediaTime now) {
    std::erase_if(spent_, [&](const auto& entry) { return left(entry.second, now) >= kMost; });
    if (spent_.size() >= kMostSources) spent_.clear();  // who has so many addresses is not held off by this
    Account& account = spent_[source];
    account = {left(account, now) - 1, now};
  }

 private:
  static constexpr double kMost = 20;
  static constexpr double kBackASecond = 1;
  static constexpr size_t kMostSources = 1000;
  struct Account {
    double left = kMost;
    MediaTime at{};
  };
  static double left(const Account& account, MediaTime now) {
    return std::min(kMost,
                    account.left + kBackASecond * std::chrono::duration<double>(now - account.at).count());
  }
  std::map<std::string, Account> spent_;
};

/// Those of `events` that were not seen before.
Result<std::vector<Adapter::Event>> remember(Store& store, const std::string& backend,
                                             const std::vector<Adapter::Event>& events, Instant now,
                                             bool is_pruning) {
  std::vector<Adapter::Event> unseen;
  auto written = store.write([&](SQLite::Database& database) -> Status {
    unseen.clear();
    if (is_pruning) {
      SQLite::Statement prune(database, "DELETE FROM seen_event WHERE seen_at < ?");
      prune.bind(1, micros(now - kRemembered));
      prune.exec();
    }
    SQLite::Statement add(
        database, "INSERT INTO seen_event(backend, event, seen_at) VALUES(?, ?, ?) ON CONFLICT DO NOTHING");
    for (const auto& event : events) {
      add.reset();
      add.bind(1, backend);
      add.bind(2, event.id);
      add.bind(3, micros(now));
      if (add.exec() > 0) unseen.push_back(event);
    }
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return unseen;
}

http::status status_of(const Error& error) {
  return error.code == ErrorCode::kAuthRejected || error.code == ErrorCode::kTimeout
             ? http::status::unauthorized
             : http::status::bad_request;
}

Error listen_error(const error_code& error, const ListenAddress& listen) {
  const ErrorCode code = error == asio::error::address_in_use  ? ErrorCode::kDeviceBusy
                         : error == asio::error::access_denied ? ErrorCode::kPermission
                         : error.value() == EADDRNOTAVAIL      ? ErrorCode::kNotFound
                                                               : ErrorCode::kIo;
  return {code, fmt::format("listening for the shop's events on {}: {}", listen.text(), error.message()),
          error.value()};
}

}  // namespace

/// Everything but `status` is on the thread.
class EventReceiver::Server {
 public:
  Server(Config config, const Parts& parts, OnEvent on_event)
      : config_(std::move(config)), parts_(parts), on_event_(std::move(on_event)) {}
  ~Server() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  vitrine::Status start();
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] EventReceiver::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  class Connection;

  void accept();
  void on_accept(const error_code& error, tcp::socket socket);
  void on_closed();
  void take(Adapter::Event event);
  void note_refusal(const std::string& source, const std::string& why);
  void flush();

  const Config config_;
  const Parts parts_;
  const OnEvent on_event_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  uint16_t port_ = 0;
  RefusalBudget budget_;
  int connections_ = 0;
  bool is_accepting_ = false;
  std::vector<Adapter::Event> taken_;  // answered, not yet hinted
  Instant next_prune_{};
  mutable std::mutex mutex_;
  EventReceiver::Status status_;  // guarded by mutex_
  std::jthread thread_;
};

/// One request. It lives as long as something is under way.
class EventReceiver::Server::Connection : public std::enable_shared_from_this<Connection> {
  using Next = void (Connection::*)(const error_code&);
  auto then(Next next) {
    return [self = shared_from_this(), next](const error_code& error, size_t /*bytes*/) {
      (self.get()->*next)(error);
    };
  }

 public:
  Connection(Server& server, tcp::socket socket, std::string source)
      : server_(server), stream_(std::move(socket)), source_(std::move(source)) {
    parser_.header_limit(kMostHeaderBytes);
    parser_.body_limit(kMostBodyBytes);
  }

  void start() {
    stream_.expires_after(server_.config_.request_limit);  // for all of it, however it drips
    http::async_read_header(stream_, buffer_, parser_, then(&Connection::on_header));
  }

 private:
  void on_header(const error_code& error) {
    if (error) return on_unreadable(error);
    const auto& request = parser_.get();
    if (request.target() != kPath) return refuse(http::status::not_found, "not the path of events");
    if (request.method() != http::verb::post) return refuse(http::status::method_not_allowed, "not a POST");
    http::async_read(stream_, buffer_, parser_, then(&Connection::on_body));
  }

  void on_body(const error_code& error) {
    if (error) return on_unreadable(error);
    const auto& request = parser_.get();
    std::map<std::string, std::string> headers;
    for (const auto& field : request) {
      std::string name(field.name_string());
      std::ranges::transform(name, name.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      headers.emplace(std::move(name), std::string(field.value()));
    }
    auto event = server_.parts_.adapter.decode_event(headers, request.body(), system_now());
    if (!event) return refuse(status_of(event.error()), event.error().message);
    answer(http::status::no_content);
    server_.take(std::move(*event));
  }

  void on_unreadable(const error_code& error) {
    if (error == http::error::end_of_stream) return server_.on_closed();  // nothing was said
    if (error == beast::error::timeout) {
      server_.note_refusal(source_, "no whole request in time");
      return server_.on_closed();  // nobody can be answered any more
    }
    const auto status = error == http::error::body_limit     ? http::status::payload_too_large
                        : error == http::error::header_limit ? http::status::request_header_fields_too_large
                                                             : http::status::bad_request;
    refuse(status, "not a request of HTTP: " + error.message());
  }

  void refuse(http::status status, const std::string& why) {
    server_.note_refusal(source_, why);
    answer(status);
  }

  void answer(http::status status) {
    response_.result(status);
    response_.version(11);
    response_.keep_alive(false);
    if (status != http::status::no_content) {  // which has no length either (RFC 9110, 8.6)
      response_.body() = std::string(http::obsolete_reason(status)) + "\n";
      response_.prepare_payload();
    }
    stream_.expires_after(kLastWord);
    http::async_write(stream_, response_, then(&Connection::on_answered));
  }

  /// To close on what was not read yet is a reset, and the peer would not see the answer.
  void on_answered(const error_code& error) {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (error || parser_.is_done()) return server_.on_closed();
    drain({});
  }
  void drain(const error_code& error) {
    if (error) return server_.on_closed();
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kMostHeaderBytes), then(&Connection::drain));
  }

  Server& server_;
  beast::tcp_stream stream_;
  const std::string source_;
  beast::flat_buffer buffer_{4 * kMostHeaderBytes};
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
};

vitrine::Status EventReceiver::Server::start() {
  error_code error;
  const auto address = asio::ip::make_address(config_.listen.host, error);
  const tcp::endpoint endpoint(address, config_.listen.port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kMostWaiting, error);
  if (error) return tl::unexpected(listen_error(error, config_.listen));
  port_ = acceptor_.local_endpoint(error).port();
  accept();
  thread_ = std::jthread([this] {
    ::pthread_setname_np(::pthread_self(), "events");
    io_.run();
  });
  return {};
}

void EventReceiver::Server::accept() {
  is_accepting_ = connections_ < kMostConnections;
  if (!is_accepting_) return;
  acceptor_.async_accept(
      [this](const error_code& error, tcp::socket socket) { on_accept(error, std::move(socket)); });
}

void EventReceiver::Server::on_accept(const error_code& error, tcp::socket socket) {
  if (error) {
    // Out of descriptors, most likely: at once it would be the same.
    pause_.expires_after(std::chrono::seconds(1));
    pause_.async_wait([this](const error_code& /*ignored*/) { accept(); });
    return;
  }
  error_code gone;
  const std::string source = source_of(socket.remote_endpoint(gone).address());
  if (budget_.is_spent(source, steady_now())) {
    constexpr std::string_view kWait =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    socket.non_blocking(true, gone);
    socket.write_some(asio::buffer(kWait), gone);
    socket.shutdown(tcp::socket::shutdown_send, gone);
  } else {
    ++connections_;
    std::make_shared<Connection>(*this, std::move(socket), source)->start();
  }
  accept();
}

void EventReceiver::Server::on_closed() {
  --connections_;
  if (!is_accepting_) accept();
}

void EventReceiver::Server::note_refusal(const std::string& source, const std::string& why) {
  budget_.charge(source, steady_now());
  const std::lock_guard lock(mutex_);
  ++status_.refused;
  status_.last_refusal = fmt::format("{}, from {}", why, source);
}

void EventReceiver::Server::take(Adapter::Event event) {
  taken_.push_back(std::move(event));
  // Behind what is ready now: events that come together are one transaction.
  if (taken_.size() == 1) asio::post(io_, [this] { flush(); });
}

void EventReceiver::Server::flush() {
  const std::vector<Adapter::Event> taken = std::exchange(taken_, {});
  const Instant now = system_now();
  const bool is_pruning = now >= next_prune_;
  auto unseen = remember(parts_.store, config_.backend, taken, now, is_pruning);
  if (unseen && is_pruning) next_prune_ = now + std::chrono::hours(1);
  const auto& hints = unseen ? *unseen : taken;  // one read too many is better than one too few
  for (const auto& event : hints) on_event_(event);
  const std::lock_guard lock(mutex_);
  status_.taken += static_cast<int64_t>(hints.size());
  status_.repeated += static_cast<int64_t>(taken.size() - hints.size());
  status_.last_taken_at = now;
  status_.store_fault = unseen ? "" : unseen.error().message;
}

Result<std::unique_ptr<EventReceiver>> EventReceiver::listen(Config config, const Parts& parts,
                                                             OnEvent on_event) {
  try {
    auto server = std::make_unique<Server>(std::move(config), parts, std::move(on_event));
    if (auto started = server->start(); !started) return tl::unexpected(started.error());
    return std::unique_ptr<EventReceiver>(new EventReceiver(std::move(server)));
  } catch (const std::exception& exception) {  // Asio's own descriptors, the thread
    return fail(ErrorCode::kIo, fmt::format("listening for the shop's events: {}", exception.what()));
  }
}

EventReceiver::EventReceiver(std::unique_ptr<Server> server) : server_(std::move(server)) {
}
EventReceiver::~EventReceiver() = default;

uint16_t EventReceiver::port() const {
  return server_->port();
}
EventReceiver::Status EventReceiver::status() const {
  return server_->status();
}

}  // namespace vitrine::commerce
