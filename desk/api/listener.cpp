// SPDX-License-Identifier: Apache-2.0
#include "desk/api/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fmt/format.h>

#include "core/log.h"

namespace vitrine::desk {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using GenericEndpoint = asio::generic::stream_protocol::endpoint;

constexpr int kMostUnaccepted = 256;  // connections that the kernel keeps for us

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

tcp::endpoint tcp_endpoint(const GenericEndpoint& generic) {
  tcp::endpoint endpoint;
  const size_t size = std::min(generic.size(), endpoint.capacity());
  std::memcpy(endpoint.data(), generic.data(), size);
  endpoint.resize(size);
  return endpoint;
}

Arrival arrival_on_file(Socket& socket, Arrival::Speech speech) {
  ucred peer{};
  socklen_t length = sizeof peer;
  const bool is_known = ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
  return {{Visitor::Way::kSocket, is_known ? fmt::format("uid:{}", peer.uid) : "uid:?"}, speech, ""};
}

Arrival arrival_of(Socket& socket, Arrival::Speech speech) {
  error_code ignored;
  const auto local_end = socket.local_endpoint(ignored);
  if (local_end.protocol().family() == AF_UNIX) return arrival_on_file(socket, speech);
  // Of who has gone again already nothing is known; it is not from here then.
  error_code error;
  const auto remote = tcp_endpoint(socket.remote_endpoint(error)).address();
  const auto local = tcp_endpoint(local_end).address();
  const bool is_own = !error && remote.is_loopback() && local.is_loopback();
  return {{is_own ? Visitor::Way::kLoopback : Visitor::Way::kNetwork, network_source(remote)},
          speech,
          plain_text(local)};
}

Error listen_failure(const error_code& error, const std::string& where) {
  const ErrorCode code = error == asio::error::address_in_use  ? ErrorCode::kDeviceBusy
                         : error == asio::error::access_denied ? ErrorCode::kPermission
                         : error.value() == EADDRNOTAVAIL      ? ErrorCode::kNotFound
                                                               : ErrorCode::kIo;
  return {code, fmt::format("listening on {}: {}", where, error.message()), error.value()};
}

}  // namespace

Listener::Listener(asio::io_context& io, Arrival::Speech speech, Take take)
    : acceptor_(io.get_executor()), speech_(speech), take_(std::move(take)) {
}

Listener::~Listener() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

std::string Listener::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void Listener::note(std::string problem) {
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
}

vitrine::Status Listener::listen_at(const ListenAddress& address, std::chrono::milliseconds retry) {
  error_code error;
  if (speech_ == Arrival::Speech::kPlain &&
      (!asio::ip::make_address(address.host, error).is_loopback() || error))
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("{} is not a loopback address: nothing else is spoken to in clear", address.text()));
  const auto opened = open(address);
  if (!opened) {
    const ErrorCode code = opened.error().code;
    if (code != ErrorCode::kNotFound && code != ErrorCode::kDeviceBusy) return opened;
    note(fmt::format("nobody gets in by {}: {}", address.text(), opened.error().message));
    log::warning("api", "{}; nobody gets in there; tried again every {} s, the rest goes on",
                 opened.error().message, std::chrono::duration<double>(retry).count());
  }
  asio::co_spawn(acceptor_.get_executor(), listen_in_the_end(address, retry), asio::detached);
  return {};
}

vitrine::Status Listener::open(const ListenAddress& address) {
  error_code error;
  const tcp::endpoint endpoint(asio::ip::make_address(address.host, error), address.port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kMostUnaccepted, error);
  error_code ignored;
  if (!error) {
    port_ = tcp_endpoint(acceptor_.local_endpoint(ignored)).port();
    return {};
  }
  acceptor_.close(ignored);
  return tl::unexpected(listen_failure(error, address.text()));
}

vitrine::Status Listener::listen_on(const std::filesystem::path& path) {
  using asio::local::stream_protocol;
  const std::string text = path.string();
  constexpr size_t kMostPath = sizeof(sockaddr_un{}.sun_path) - 1;
  if (text.size() > kMostPath)
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("socket path {} is longer than {} bytes; set a shorter run_dir", text, kMostPath));
  const stream_protocol::endpoint endpoint(text);
  error_code error;
  Socket probe(acceptor_.get_executor());
  probe.connect(endpoint, error);
  if (!error)
    return fail(ErrorCode::kDeviceBusy, fmt::format("another desk answers at {}; stop it first", text));
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::filesystem::remove(path, ignored);
  acceptor_.open(stream_protocol(), error = {});
  if (!error) acceptor_.bind(endpoint, error);
  if (!error && ::chmod(text.c_str(), 0660) != 0) error.assign(errno, boost::system::system_category());
  if (!error) acceptor_.listen(kMostUnaccepted, error);
  if (error) return tl::unexpected(listen_failure(error, text));
  path_ = path;
  asio::co_spawn(acceptor_.get_executor(), accept(), asio::detached);
  return {};
}

Task<void> Listener::listen_in_the_end(ListenAddress address, std::chrono::milliseconds retry) {
  LoopTimer pause(acceptor_.get_executor());
  while (!acceptor_.is_open()) {
    pause.expires_after(retry);
    co_await pause.async_wait(kNoThrow);
    if (const auto opened = open(address)) {
      note("");
      log::info("api", "listens on {} now", address.text());
    } else {
      note(fmt::format("nobody gets in by {}: {}", address.text(), opened.error().message));
    }
  }
  co_await accept();
}

Task<void> Listener::accept() {
  LoopTimer pause(acceptor_.get_executor());
  while (true) {
    auto [error, socket] = co_await acceptor_.async_accept(kNoThrow);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors, most likely: at once it would be the same.
      pause.expires_after(std::chrono::seconds(1));
      co_await pause.async_wait(kNoThrow);
      continue;
    }
    Arrival arrival = arrival_of(socket, speech_);
    error_code ignored;
    if (arrival.visitor.way != Visitor::Way::kSocket) socket.set_option(tcp::no_delay(true), ignored);
    take_(std::move(socket), std::move(arrival));
  }
}

}  // namespace vitrine::desk
