// SPDX-License-Identifier: Apache-2.0
#include "encoder/publisher.h"

#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <mutex>
#include <poll.h>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "core/log.h"
#include "core/unique_fd.h"
#include "core/url.h"
#include "encoder/detail/ingest_address.h"
#include "encoder/detail/rtmp_connection.h"
#include "encoder/detail/thread_name.h"
#include "encoder/reconnect_policy.h"
#include "encoder/rtmp_status.h"
#include "encoder/timing_window.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using detail::IngestAddress;
using detail::RtmpConnection;
using std::chrono::milliseconds;

constexpr MediaTime kGoodConnection = 2s;  // one that was live this long proves key and path
constexpr MediaTime kAddressLife = std::chrono::hours(24);
constexpr MediaTime kSameFaultLogInterval = 60s;

double random_share() {
  thread_local std::minstd_rand engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

}  // namespace

std::string_view to_string(PublisherState state) {
  switch (state) {
    case PublisherState::kConnecting:
      return "connecting";
    case PublisherState::kLive:
      return "live";
    case PublisherState::kReconnecting:
      return "reconnecting";
    case PublisherState::kStopped:
      return "stopped";
  }
  return "connecting";
}

class Publisher::Impl {
 public:
  Impl(PublisherConfig config, IngestAddress address, StreamInfo stream, std::shared_ptr<PacketRing> ring,
       OnChange on_change)
      : config_(std::move(config)),
        address_(std::move(address)),
        stream_(std::move(stream)),
        ring_(std::move(ring)),
        on_change_(std::move(on_change)),
        stop_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        retry_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        key_(std::move(config_.key)) {
    status_.since = system_now();
    thread_ = std::jthread([this] { run(); });
  }
  ~Impl() { stop(); }

  [[nodiscard]] PublisherStatus status() const {
    const std::lock_guard lock(mutex_);
    PublisherStatus status = status_;
    status.bitrate_bps = rate_.bits_per_second(steady_now());
    return status;
  }

  void retry_now() { eventfd_write(retry_fd_.get(), 1); }

  void replace_key(Secret key) {
    const std::lock_guard lock(mutex_);
    if (key.is_empty() || key.reveal() == key_.reveal()) return;
    key_ = std::move(key);
    is_key_new_ = true;
  }

  void stop() {
    is_stopping_ = true;
    eventfd_write(stop_fd_.get(), 1);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    detail::name_this_thread("pub-" + config_.destination);
    detail::block_sigpipe();  // TLS writes with write(2)
    while (!is_stopping_ && !ring_->is_closed()) {
      const auto end = run_connection();
      if (end.why == RtmpConnection::Why::kStopped) break;
      if (end.why == RtmpConnection::Why::kRenewal) {
        log::info("publisher", "destination '{}': new connection before the old one's timestamps overflow",
                  config_.destination);
        change([](PublisherStatus& status) { status.state = PublisherState::kConnecting; });
        continue;
      }
      wait_before_retry(report_fault(end.fault));
    }
    change([](PublisherStatus& status) {
      status.state = PublisherState::kStopped;
      status.retry_in = 0ms;
      status.lag = {};
    });
  }

  /// Dials, and stays until the connection is over.
  RtmpConnection::End run_connection() {
    auto transport = dial();
    if (!transport) {
      const bool is_stop = transport.error().code == ErrorCode::kStopped;
      return {is_stop ? RtmpConnection::Why::kStopped : RtmpConnection::Why::kFault, transport.error(),
              false};
    }
    const std::string peer = transport->address();
    RtmpSession::Config config{address_.app, address_.tc_url, take_key(), stream_,
                               config_.initial_timestamp_ms};
    RtmpConnection connection(std::move(*transport), std::move(config), ring_, stop_fd_.get());
    std::optional<MediaTime> live_since;
    base_ = status();
    noted_bytes_ = 0;
    auto end = connection.run(
        [&](const std::string& server) {
          live_since = steady_now();
          last_address_ = {peer, *live_since};
          go_live(server.empty() ? peer : fmt::format("{} at {}", server, peer));
        },
        [this](const RtmpConnection::Figures& figures) { note(figures); });
    if (live_since) forget_retry();  // asked while live; from now on status() says otherwise, and it counts
    judge(end, live_since);
    return end;
  }

  Secret take_key() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_key_new_, false)) {
      // What the old key met with says nothing about this one.
      has_key_worked_ = false;
      silent_refusals_ = 0;
      last_logged_.reset();
    }
    return key_.clone();
  }

  Result<RtmpTransport> dial() {
    auto transport = RtmpTransport::connect(address_.target, detail::kConnectLimit, stop_fd_.get());
    const bool has_address =
        !last_address_.address.empty() && steady_now() - last_address_.known_at < kAddressLife;
    if (transport || transport.error().code != ErrorCode::kResolveFailed || !has_address) return transport;
    log::warning("publisher", "destination '{}': {}; trying its last address {}", config_.destination,
                 transport.error().message, last_address_.address);
    auto target = address_.target;
    target.address = last_address_.address;
    return RtmpTransport::connect(target, detail::kConnectLimit, stop_fd_.get());
  }

  /// Tells a refused key that nobody put into words from a broken path. A server that hangs up while it looks
  /// at the key has most likely refused it, unless the key has worked before; some servers accept first and
  /// look afterwards.
  void judge(RtmpConnection::End& end, std::optional<MediaTime> live_since) {
    const bool was_good = live_since && steady_now() - *live_since >= kGoodConnection;
    if (was_good) {
      policy_.reset();
      has_key_worked_ = true;
      silent_refusals_ = 0;
    }
    if (end.why != RtmpConnection::Why::kFault || was_good) return;
    if (!end.was_silent || !end.had_key) {
      silent_refusals_ = 0;
      return;
    }
    silent_refusals_ += live_since || has_key_worked_ ? 1 : 2;
    if (silent_refusals_ >= 2) end.fault = error_of_silent_refusal();
  }

  void go_live(const std::string& server) {
    log::info("publisher", "destination '{}': live at {} ({})", config_.destination, redact_url(config_.url),
              server);
    last_logged_.reset();
    change([&](PublisherStatus& status) {
      status.state = PublisherState::kLive;
      status.retry_in = 0ms;
      status.server = server;
      ++status.connects;
    });
  }

  void note(const RtmpConnection::Figures& figures) {
    const std::lock_guard lock(mutex_);
    rate_.note(steady_now(), figures.sent_bytes - std::exchange(noted_bytes_, figures.sent_bytes));
    status_.frames_sent = base_.frames_sent + figures.frames;
    status_.packets_skipped = base_.packets_skipped + figures.skipped;
    status_.lag = figures.lag;
  }

  milliseconds report_fault(const Error& fault) {
    const auto delay = policy_.next_delay(fault.code);
    log_fault(fault, delay);
    change([&](PublisherStatus& status) {
      status.state = PublisherState::kReconnecting;
      status.last_fault = fault;
      status.retry_in = delay;
      status.lag = {};
    });
    return delay;
  }

  /// A destination that stays away says so once a minute, not at every try.
  void log_fault(const Error& fault, milliseconds delay) {
    const MediaTime now = steady_now();
    const bool is_same = last_logged_ == fault.code;
    if (is_same && now - logged_at_ < kSameFaultLogInterval) return;
    last_logged_ = fault.code;
    logged_at_ = now;
    const std::string next =
        delay == 0ms ? "trying again at once"
                     : fmt::format("trying again in {:.1f} s", static_cast<double>(delay.count()) / 1000);
    log::warning("publisher", "destination '{}': {} [{}]; {}, for as long as it takes", config_.destination,
                 fault.message, to_string(fault.code), next);
  }

  void wait_before_retry(milliseconds delay) {
    std::array<pollfd, 2> fds{pollfd{stop_fd_.get(), POLLIN, 0}, pollfd{retry_fd_.get(), POLLIN, 0}};
    ::poll(fds.data(), fds.size(), static_cast<int>(delay.count()));
    if (fds[1].revents == 0) return;
    forget_retry();
    policy_.reset();
  }

  void forget_retry() {
    eventfd_t ignored = 0;
    eventfd_read(retry_fd_.get(), &ignored);
  }

  void change(const std::function<void(PublisherStatus&)>& apply) {
    PublisherStatus copy;
    {
      const std::lock_guard lock(mutex_);
      const auto before = status_.state;
      apply(status_);
      if (status_.state != before) status_.since = system_now();
      copy = status_;
    }
    if (on_change_) on_change_(copy);
  }

  struct KnownAddress {
    std::string address;
    MediaTime known_at{};
  };

  PublisherConfig config_;  // const after the constructor, which takes the key out
  const IngestAddress address_;
  const StreamInfo stream_;
  const std::shared_ptr<PacketRing> ring_;
  const OnChange on_change_;
  const UniqueFd stop_fd_;
  const UniqueFd retry_fd_;
  std::atomic<bool> is_stopping_ = false;

  // The publisher's thread only.
  ReconnectPolicy policy_{&random_share};
  KnownAddress last_address_;
  bool has_key_worked_ = false;
  int silent_refusals_ = 0;  // in a row
  std::optional<ErrorCode> last_logged_;
  MediaTime logged_at_{};
  PublisherStatus base_;  // figures at the start of this connection
  uint64_t noted_bytes_ = 0;

  mutable std::mutex mutex_;
  Secret key_;               // guarded by mutex_
  bool is_key_new_ = false;  // guarded by mutex_
  PublisherStatus status_;   // guarded by mutex_
  RateWindow rate_{3s};      // guarded by mutex_

  std::jthread thread_;
};

Result<std::unique_ptr<Publisher>> Publisher::create(PublisherConfig config, StreamInfo stream,
                                                     std::shared_ptr<PacketRing> ring, OnChange on_change) {
  auto address = detail::parse_ingest_address(config.url, config.ca_file);
  if (!address)
    return tl::unexpected(address.error().with_context(fmt::format("destination '{}'", config.destination)));
  if (config.key.is_empty()) {
    return fail(ErrorCode::kInvalidInput, fmt::format("destination '{}': no stream key", config.destination));
  }
  return std::unique_ptr<Publisher>(new Publisher(std::make_unique<Impl>(
      std::move(config), std::move(*address), std::move(stream), std::move(ring), std::move(on_change))));
}

Publisher::Publisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Publisher::~Publisher() = default;

PublisherStatus Publisher::status() const {
  return impl_->status();
}
void Publisher::retry_now() {
  impl_->retry_now();
}
void Publisher::replace_key(Secret key) {
  impl_->replace_key(std::move(key));
}
void Publisher::stop() {
  impl_->stop();
}

}  // namespace vitrine::encoder
