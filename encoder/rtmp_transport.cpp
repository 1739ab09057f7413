// SPDX-License-Identifier: Apache-2.0
#include "encoder/rtmp_transport.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <curl/curl.h>
#include <fmt/format.h>

#include "core/media_time.h"
#include "core/rfc3339.h"

namespace vitrine::encoder {
namespace {

using std::chrono::milliseconds;

// Unsent bytes our kernel may hold: an eighth of a second at 4 Mbit/s. What waits longer waits in the packet
// ring, where its age is seen and whole GOPs can be left out. In-flight bytes are not limited: a long path
// keeps its throughput.
constexpr int kUnsentBytes = 64 * 1024;

// OpenSSL's verify results as CURLINFO_SSL_VERIFYRESULT gives them: X509_STORE_CTX_get_error(3).
constexpr long kCertificateNotYetValid = 9;
constexpr long kCertificateExpired = 10;
constexpr long kSelfSigned = 18;
constexpr long kSelfSignedInChain = 19;
constexpr long kUnknownIssuer = 20;

struct EasyCleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiCleanup {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListCleanup {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

int set_socket_options(void*, curl_socket_t socket, curlsocktype) {
  const int one = 1;
  const int unsent = kUnsentBytes;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  return CURL_SOCKOPT_OK;
}

/// TLS begins when TCP is there; libcurl itself tells that time only when TLS is there, too.
CURLcode note_tls_begin(CURL*, void*, void* begin) {
  *static_cast<MediaTime*>(begin) = steady_now();
  return CURLE_OK;
}

/// libcurl must be initialised once, before threads use it.
void initialise_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(done);
}

}  // namespace

struct RtmpTransport::Handles {
  // The multi handle owns the connection; destroyed last.
  std::unique_ptr<CURLM, MultiCleanup> multi{curl_multi_init()};
  std::unique_ptr<curl_slist, ListCleanup> resolve;
  std::unique_ptr<CURL, EasyCleanup> easy{curl_easy_init()};
  std::array<char, CURL_ERROR_SIZE> error_text{};
  std::string address;
  MediaTime began_at = steady_now();
  MediaTime tls_began_at{};
  int fd = -1;

  ~Handles() {
    if (easy && multi) curl_multi_remove_handle(multi.get(), easy.get());
  }

  void set_options(const Target& target, milliseconds timeout) {
    CURL* const handle = easy.get();
    const bool is_tls = target.security == Security::kTls;
    const std::string host =
        target.host.find(':') == std::string::npos ? target.host : fmt::format("[{}]", target.host);
    // CONNECT_ONLY stops before any HTTP is spoken; the scheme only says whether TLS is.
    const std::string url = fmt::format("{}://{}:{}/", is_tls ? "https" : "http", host, target.port);
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text.data());
    curl_easy_setopt(handle, CURLOPT_PROXY, "");  // not what http_proxy in the environment says
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // giving up does not wait for getaddrinfo
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, &set_socket_options);
    curl_easy_setopt(handle, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, &note_tls_begin);
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, &tls_began_at);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!target.ca_file.empty()) {
      curl_easy_setopt(handle, CURLOPT_CAINFO, target.ca_file.c_str());
      curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
    }
    if (!target.address.empty()) {
      resolve.reset(
          curl_slist_append(nullptr, fmt::format("{}:{}:{}", host, target.port, target.address).c_str()));
      curl_easy_setopt(handle, CURLOPT_RESOLVE, resolve.get());
    }
  }

  [[nodiscard]] std::string peer() const {
    const char* text = nullptr;
    const bool is_known =
        curl_easy_getinfo(easy.get(), CURLINFO_PRIMARY_IP, &text) == CURLE_OK && text != nullptr;
    return is_known ? text : "";
  }

  [[nodiscard]] Milestones milestones() const {
    const auto time_of = [&](CURLINFO what) -> std::optional<std::chrono::microseconds> {
      curl_off_t passed = 0;
      curl_easy_getinfo(easy.get(), what, &passed);
      return passed > 0 ? std::optional(std::chrono::microseconds(passed)) : std::nullopt;
    };
    Milestones passed{time_of(CURLINFO_NAMELOOKUP_TIME_T), time_of(CURLINFO_CONNECT_TIME_T), peer()};
    if (tls_began_at != MediaTime{})
      passed.connected = std::chrono::duration_cast<std::chrono::microseconds>(tls_began_at - began_at);
    return passed;
  }

  [[nodiscard]] Error error_of(CURLcode rc, const Target& target) const {
    const std::string where = fmt::format("{}:{}", target.host, target.port);
    const std::string reason = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(rc);
    switch (rc) {
      case CURLE_COULDNT_RESOLVE_HOST:
        return {ErrorCode::kResolveFailed, fmt::format("the name {} is not known ({})", target.host, reason),
                rc};
      case CURLE_COULDNT_CONNECT:
        return {ErrorCode::kConnectRefused, fmt::format("{} does not take connections ({})", where, reason),
                rc};
      case CURLE_OPERATION_TIMEDOUT:
        return timeout_error(target);
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_ISSUER_ERROR:
        return {ErrorCode::kTlsFailed, fmt::format("no safe connection to {}: {}", where, tls_reason(reason)),
                rc};
      default:
        return {ErrorCode::kIngestDisconnected, fmt::format("connecting to {}: {}", where, reason), rc};
    }
  }

  [[nodiscard]] Error timeout_error(const Target& target) const {
    double resolved_after_s = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_NAMELOOKUP_TIME, &resolved_after_s);
    if (resolved_after_s <= 0) {
      return {ErrorCode::kResolveFailed,
              fmt::format("no answer to the question where {} is; is the DNS server up?", target.host), 0};
    }
    return {ErrorCode::kTimeout, fmt::format("no answer from {}:{}", target.host, target.port), 0};
  }

  /// A wrong clock and a wrong certificate look the same to TLS and are mended by different people.
  [[nodiscard]] std::string tls_reason(const std::string& reason) const {
    long verified = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_SSL_VERIFYRESULT, &verified);
    switch (verified) {
      case kCertificateExpired:
      case kCertificateNotYetValid:
        return fmt::format(
            "the server's certificate {}; by this box's clock it is {}. Set the clock if that is wrong, else "
            "the platform "
            "must renew its certificate",
            verified == kCertificateExpired ? "has expired" : "is not valid yet",
            format_rfc3339(system_now()));
      case kSelfSigned:
      case kSelfSignedInChain:
      case kUnknownIssuer:
        return "nobody this box trusts vouches for the server's certificate";
      default:
        return reason;
    }
  }
};

RtmpTransport::RtmpTransport(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {
}
RtmpTransport::RtmpTransport(RtmpTransport&&) noexcept = default;
RtmpTransport& RtmpTransport::operator=(RtmpTransport&&) noexcept = default;
RtmpTransport::~RtmpTransport() = default;

Result<RtmpTransport> RtmpTransport::connect(const Target& target, milliseconds timeout, int cancel_fd,
                                             Milestones* milestones) {
  initialise_curl();
  auto handles = std::make_unique<Handles>();
  if (!handles->multi || !handles->easy) return fail(ErrorCode::kUnknown, "libcurl: out of memory");
  handles->set_options(target, timeout);
  curl_multi_add_handle(handles->multi.get(), handles->easy.get());
  int running = 1;
  bool is_cancelled = false;
  while (running > 0 && !is_cancelled) {
    curl_multi_perform(handles->multi.get(), &running);
    if (running == 0) break;
    curl_waitfd cancel{cancel_fd, CURL_WAIT_POLLIN, 0};
    curl_multi_poll(handles->multi.get(), &cancel, 1, static_cast<int>(timeout.count()), nullptr);
    is_cancelled = cancel.revents != 0;
  }
  if (milestones != nullptr) *milestones = handles->milestones();
  if (is_cancelled)
    return fail(ErrorCode::kStopped, fmt::format("connecting to {} was stopped", target.host));
  int left = 0;
  const CURLMsg* const message = curl_multi_info_read(handles->multi.get(), &left);
  if (message == nullptr) return fail(ErrorCode::kUnknown, "libcurl: no result");
  if (message->data.result != CURLE_OK)
    return tl::unexpected(handles->error_of(message->data.result, target));
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(handles->easy.get(), CURLINFO_ACTIVESOCKET, &socket);
  handles->fd = socket;
  handles->address = handles->peer();
  return RtmpTransport(std::move(handles));
}

Result<size_t> RtmpTransport::send(std::span<const uint8_t> bytes) {
  size_t sent = 0;
  const CURLcode rc = curl_easy_send(handles_->easy.get(), bytes.data(), bytes.size(), &sent);
  if (rc == CURLE_OK) return sent;
  if (rc == CURLE_AGAIN) return 0;
  return fail(ErrorCode::kIngestDisconnected,
              fmt::format("the connection broke ({})", curl_easy_strerror(rc)), rc);
}

Result<size_t> RtmpTransport::receive(std::span<uint8_t> buffer) {
  size_t received = 0;
  const CURLcode rc = curl_easy_recv(handles_->easy.get(), buffer.data(), buffer.size(), &received);
  if (rc == CURLE_AGAIN) return 0;
  if (rc != CURLE_OK) {
    return fail(ErrorCode::kIngestDisconnected,
                fmt::format("the connection broke ({})", curl_easy_strerror(rc)), rc);
  }
  if (received == 0) return fail(ErrorCode::kIngestDisconnected, "the platform closed the connection");
  return received;
}

int RtmpTransport::fd() const {
  return handles_->fd;
}
const std::string& RtmpTransport::address() const {
  return handles_->address;
}

RtmpTransport::Progress RtmpTransport::progress() const {
  tcp_info info{};
  socklen_t length = sizeof info;
  int waiting = 0;
  ::getsockopt(handles_->fd, IPPROTO_TCP, TCP_INFO, &info, &length);
  ::ioctl(handles_->fd, SIOCOUTQ, &waiting);
  return {info.tcpi_bytes_acked, static_cast<uint64_t>(std::max(waiting, 0)),
          milliseconds(info.tcpi_last_ack_recv)};
}

void RtmpTransport::discard_unsent() {
  const linger at_once{1, 0};
  ::setsockopt(handles_->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace vitrine::encoder
