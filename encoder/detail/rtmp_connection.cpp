// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/rtmp_connection.h"

#include <array>
#include <poll.h>

namespace vitrine::encoder::detail {
namespace {

using namespace std::chrono_literals;

constexpr MediaTime kFirstAnswerLimit = 4s;  // a server that lives answers the handshake after one round trip
constexpr MediaTime kNegotiationLimit =
    8s;  // handshake to Publish.Start: platforms ask their own servers about the key
constexpr MediaTime kLeaveLimit = 1800ms;  // with the connect's teardown below the 2 s of Publisher::stop
constexpr MediaTime kDrainLimit = 1s;      // of that, for what a closed ring still holds
constexpr MediaTime kMaxLag =
    2500ms;  // more than a GOP, so that a newer keyframe lies ahead; 3 s with what is in flight
constexpr MediaTime kTick = 250ms;
constexpr MediaTime kLeavingTick = 20ms;
constexpr int kReadsAtOnce = 16;  // a server that never stops talking must not keep us from the rest
// A minute before 2^31: keyframes come every few seconds.
constexpr uint32_t kRenewAt_ms = (uint32_t{1} << 31) - 60'000;

}  // namespace

RtmpConnection::RtmpConnection(RtmpTransport transport, RtmpSession::Config config,
                               std::shared_ptr<PacketRing> ring, int stop_fd)
    : transport_(std::move(transport)),
      session_(std::move(config)),
      ring_(std::move(ring)),
      stop_fd_(stop_fd),
      started_at_(steady_now()) {
}

RtmpConnection::End RtmpConnection::run(const std::function<void(const std::string& server)>& on_live,
                                        const std::function<void(const Figures&)>& on_figures,
                                        const std::function<void()>& on_handshake) {
  bool was_live = false;
  bool is_to_tell_handshake = on_handshake != nullptr;
  MediaTime next_figures{};
  while (true) {
    for (const auto step : {&RtmpConnection::flush, &RtmpConnection::read, &RtmpConnection::fill,
                            &RtmpConnection::flush, &RtmpConnection::watch}) {
      auto end = (this->*step)();
      const auto phase = session_.phase();
      const bool is_greeted = phase != RtmpSession::Phase::kHandshake && phase != RtmpSession::Phase::kEnded;
      if (is_greeted && std::exchange(is_to_tell_handshake, false)) on_handshake();
      if (end) {
        on_figures(figures_);
        return *end;
      }
    }
    if (session_.phase() == RtmpSession::Phase::kLive) {
      if (!std::exchange(was_live, true)) on_live(session_.server_name());
      if (steady_now() >= next_figures) {
        next_figures = steady_now() + kTick;
        on_figures(figures_);
      }
    }
    if (auto end = wait()) return *end;
  }
}

/// Until the socket can do what we want, a packet comes, the owner wants to stop, or it is time to look at
/// the clock.
RtmpConnection::Outcome RtmpConnection::wait() {
  const bool is_blocked = sent_ < sending_.size();
  if (has_more_packets_ && !is_blocked) return std::nullopt;
  const auto events = static_cast<short>(POLLIN | (is_blocked ? POLLOUT : 0));
  std::array<pollfd, 3> fds{pollfd{transport_.fd(), events, 0},
                            pollfd{leaving_ || stop_asked_at_ ? -1 : stop_fd_, POLLIN, 0},
                            pollfd{reader_ && !is_blocked && !leaving_ ? reader_->wake_fd() : -1, POLLIN, 0}};
  const MediaTime limit = has_more_input_ ? 0ms : leaving_ ? kLeavingTick : kTick;
  ::poll(fds.data(), fds.size(), static_cast<int>(limit / 1ms));
  if (fds[1].revents != 0) {
    stop_asked_at_ = steady_now();
    // The end of a show belongs to the show: fill() leaves when the closed ring is empty.
    if (!reader_ || !ring_->is_closed()) take_leave(Why::kStopped);
  }
  return std::nullopt;
}

RtmpConnection::Outcome RtmpConnection::read() {
  std::array<uint8_t, 16 * 1024> buffer;
  has_more_input_ = false;
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const auto received = transport_.receive(buffer);
    if (!received) {
      if (leaving_) return End{*leaving_, {}};
      return broken(received.error());
    }
    if (*received == 0) return std::nullopt;
    const auto ok = session_.receive(std::span(buffer).first(*received));
    if (!ok && !leaving_) return End{Why::kFault, ok.error()};
  }
  has_more_input_ = true;
  return std::nullopt;
}

/// Takes packets only when the last one is gone: what waits, waits in the ring, where it can be skipped.
RtmpConnection::Outcome RtmpConnection::fill() {
  has_more_packets_ = false;
  if (leaving_ || session_.phase() != RtmpSession::Phase::kLive || sent_ < sending_.size())
    return std::nullopt;
  if (!reader_) reader_ = ring_->open_reader(PacketRing::StartAt::kLatestKeyframe);
  auto item = reader_->try_pop();
  if (!item) {
    if (reader_->is_finished()) take_leave(Why::kStopped);
    return std::nullopt;
  }
  const Packet& packet = item->packet;
  figures_.skipped += static_cast<uint64_t>(item->skipped);
  if (packet.kind == PacketKind::kVideo) {
    if (packet.is_keyframe && session_.to_timestamp(packet.dts) >= kRenewAt_ms && figures_.frames > 0) {
      take_leave(Why::kRenewal);
      return std::nullopt;
    }
    ++figures_.frames;
  }
  session_.send(packet);
  has_more_packets_ = true;
  return std::nullopt;
}

RtmpConnection::Outcome RtmpConnection::flush() {
  while (true) {
    if (sent_ == sending_.size()) {
      sending_ = session_.take_output();
      sent_ = 0;
      if (sending_.empty()) return std::nullopt;
    }
    const auto sent = transport_.send(std::span(sending_).subspan(sent_));
    if (!sent) {
      if (leaving_) return End{*leaving_, {}};
      // The server's reason may lie in the receive buffer still.
      if (auto end = read(); end && !end->was_silent) return end;
      return broken(sent.error());
    }
    if (*sent == 0) return std::nullopt;
    sent_ += *sent;
    figures_.sent_bytes += *sent;
  }
}

/// What only the clock can tell.
RtmpConnection::Outcome RtmpConnection::watch() {
  const MediaTime now = steady_now();
  if (leaving_) {
    const bool is_over = is_drained() || now - leaving_since_ > kLeaveLimit;
    return is_over ? Outcome(End{*leaving_, {}}) : std::nullopt;
  }
  if (stop_asked_at_ && now - *stop_asked_at_ > kDrainLimit) {
    take_leave(Why::kStopped);
    return std::nullopt;
  }
  if (session_.phase() != RtmpSession::Phase::kLive) {
    const bool is_shaking_hands = session_.phase() == RtmpSession::Phase::kHandshake;
    if (now - started_at_ < (is_shaking_hands ? kFirstAnswerLimit : kNegotiationLimit)) return std::nullopt;
    return End{Why::kFault,
               {ErrorCode::kTimeout, "the platform took the connection, but did not answer for seconds", 0}};
  }
  if (reader_) {
    figures_.lag = reader_->lag();
    if (figures_.lag > kMaxLag) reader_->skip_to_latest_keyframe();
  }
  const auto progress = transport_.progress();
  if (auto dead = detector_.check({.now = now,
                                   .confirmed_bytes = progress.acked_bytes,
                                   .waiting_bytes = progress.waiting_bytes,
                                   .heard_ago = progress.heard_ago,
                                   .sent_bytes = figures_.sent_bytes,
                                   .acknowledgements = session_.acknowledgements(),
                                   .acknowledgement_step = session_.acknowledgement_step()})) {
    transport_.discard_unsent();
    return End{Why::kFault, std::move(*dead)};
  }
  return std::nullopt;
}

RtmpConnection::End RtmpConnection::broken(Error error) const {
  const auto phase = session_.phase();
  return {Why::kFault, std::move(error), true,
          phase == RtmpSession::Phase::kPublish || phase == RtmpSession::Phase::kLive};
}

void RtmpConnection::take_leave(Why why) {
  leaving_ = why;
  leaving_since_ = stop_asked_at_.value_or(steady_now());
  session_.finish();
}

/// The goodbye has arrived: closing now can't cut it off.
bool RtmpConnection::is_drained() const {
  return sent_ == sending_.size() && transport_.progress().waiting_bytes == 0;
}

}  // namespace vitrine::encoder::detail
