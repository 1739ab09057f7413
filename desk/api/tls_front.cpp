// SPDX-License-Identifier: Apache-2.0
#include "desk/api/tls_front.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "core/unique_fd.h"

namespace vitrine::desk {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr size_t kPumpBytes = 16 << 10;  // what one record of TLS holds
constexpr int kPairBytes = 32 << 10;     // in the socket pair, each way; the kernel counts double
constexpr int kMostUnsentBytes =
    64 << 10;  // in the kernel: who reads slowly shall be noticed by what waits here
constexpr std::chrono::seconds kTlsFarewell{1};

/// Both coroutines and nobody else hold it once the handshake is done.
class Front : public std::enable_shared_from_this<Front> {
 public:
  Front(Socket peer, std::shared_ptr<TlsContext> context, std::shared_ptr<const void> seat)
      : context_(std::move(context)),
        seat_(std::move(seat)),
        tls_(std::move(peer), *context_),
        inside_(tls_.get_executor()),
        limit_(tls_.get_executor()) {}

  Task<std::optional<Socket>> open(std::chrono::milliseconds limit);
  void end(Parting parting, std::chrono::milliseconds last_bytes);

 private:
  std::optional<Socket> pair();
  void expires_after(std::chrono::milliseconds limit);
  void cut();
  Task<void> pump_in();
  Task<void> pump_out();

  const std::shared_ptr<TlsContext> context_;
  const std::shared_ptr<const void> seat_;
  ssl::stream<Socket> tls_;
  Socket inside_;
  LoopTimer limit_;
  bool is_leaving_ = false;  // close_notify was sent
};

Task<std::optional<Socket>> Front::open(std::chrono::milliseconds limit) {
  const int most = kMostUnsentBytes;
  (void)::setsockopt(tls_.next_layer().native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
  expires_after(limit);
  const auto [error] = co_await tls_.async_handshake(ssl::stream_base::server, kNoThrow);
  if (error) co_return std::nullopt;  // scanners and browsers that don't trust us yet do that all day
  limit_.cancel();
  auto inner = pair();
  if (!inner) co_return std::nullopt;  // out of descriptors: the next one may find some
  asio::co_spawn(
      tls_.get_executor(), [self = shared_from_this()] { return self->pump_in(); }, asio::detached);
  asio::co_spawn(
      tls_.get_executor(), [self = shared_from_this()] { return self->pump_out(); }, asio::detached);
  co_return inner;
}

std::optional<Socket> Front::pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return std::nullopt;
  std::array<UniqueFd, 2> owned = {UniqueFd(ends[0]), UniqueFd(ends[1])};
  const asio::generic::stream_protocol protocol(AF_UNIX, 0);
  Socket inner(tls_.get_executor());
  error_code error;
  inside_.assign(protocol, owned[0].get(), error);
  if (error) return std::nullopt;
  (void)owned[0].release();
  inner.assign(protocol, owned[1].get(), error);
  if (error) return std::nullopt;
  (void)owned[1].release();
  error_code ignored;
  for (Socket* end : {&inside_, &inner})
    end->set_option(asio::socket_base::send_buffer_size(kPairBytes), ignored);
  return inner;
}

/// In orderly parting the inner end is closed, or will be by who still holds it: `pump_out` reads what is
/// left.
void Front::end(Parting parting, std::chrono::milliseconds last_bytes) {
  if (parting == Parting::kCut) return cut();
  if (!is_leaving_) expires_after(last_bytes);
}

void Front::expires_after(std::chrono::milliseconds limit) {
  limit_.expires_after(limit);
  limit_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self && self->limit_.expiry() <= std::chrono::steady_clock::now()) self->cut();
  });
}

/// Whoever waits, in either direction, gets an error.
void Front::cut() {
  error_code ignored;
  tls_.next_layer().close(ignored);
  inside_.close(ignored);
}

/// From the peer. It may say no more and still listen.
Task<void> Front::pump_in() {
  std::array<char, kPumpBytes> buffer;
  while (true) {
    const auto [error, count] = co_await tls_.async_read_some(asio::buffer(buffer), kNoThrow);
    if (error) {
      error_code ignored;
      if (error == asio::error::eof || error == ssl::error::stream_truncated)
        inside_.shutdown(Socket::shutdown_send, ignored);
      else
        cut();
      co_return;
    }
    const auto [gone, written] =
        co_await asio::async_write(inside_, asio::buffer(buffer.data(), count), kNoThrow);
    if (gone) co_return;  // nobody reads there any more; what is still to be sent is not our business
  }
}

/// To the peer, to the end of what is said inside. A reset there means that not all was read: as good an end.
Task<void> Front::pump_out() {
  std::array<char, kPumpBytes> buffer;
  while (true) {
    const auto [ended, count] = co_await inside_.async_read_some(asio::buffer(buffer), kNoThrow);
    if (ended) break;
    const auto [error, written] =
        co_await asio::async_write(tls_, asio::buffer(buffer.data(), count), kNoThrow);
    if (error) {
      cut();
      co_return;
    }
  }
  is_leaving_ = true;
  expires_after(kTlsFarewell);
  co_await tls_.async_shutdown(kNoThrow);
  cut();
}

}  // namespace

Result<std::shared_ptr<TlsContext>> load_tls_context(const std::filesystem::path& file) {
  auto context = std::make_shared<TlsContext>(TlsContext::tls_server);
  error_code error;
  context->set_options(TlsContext::no_sslv2 | TlsContext::no_sslv3 | TlsContext::no_tlsv1 |
                           TlsContext::no_tlsv1_1 | TlsContext::no_compression,
                       error);
  if (!error) context->use_certificate_chain_file(file.string(), error);
  if (!error) context->use_private_key_file(file.string(), TlsContext::pem, error);
  if (error)
    return fail(ErrorCode::kTlsFailed, fmt::format("certificate {}: {}", file.string(), error.message()));
  return context;
}

Task<void> serve_behind_tls(Socket peer, std::shared_ptr<TlsContext> context, TlsLimits limits,
                            std::shared_ptr<const void> seat, std::function<Task<Parting>(Socket)> serve) {
  const auto front = std::make_shared<Front>(std::move(peer), std::move(context), std::move(seat));
  auto inner = co_await front->open(limits.handshake);
  if (!inner) co_return;
  const Parting parting = co_await serve(std::move(*inner));
  front->end(parting, limits.last_bytes);
}

}  // namespace vitrine::desk
