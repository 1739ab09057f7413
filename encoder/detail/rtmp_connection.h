// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "core/packet_ring.h"
#include "encoder/rtmp_session.h"
#include "encoder/rtmp_transport.h"
#include "encoder/stall_detector.h"

namespace vitrine::encoder::detail {

/// One connection from the first byte to the last: moves bytes between socket, session and packet ring, and
/// judges whether the peer is alive.
/// Thread: one.
class RtmpConnection {
 public:
  enum class Why {
    kStopped,  // stop_fd, or the ring was closed: leave was taken
    kRenewal,  // timestamps come near 2^31: connect anew, at once
    kFault
  };
  struct End {
    Why why = Why::kStopped;
    Error fault;
    bool was_silent = false;  // the server hung up without saying why
    bool had_key = false;     // and had the key by then
  };
  struct Figures {
    uint64_t sent_bytes = 0;
    uint64_t frames = 0;
    uint64_t skipped = 0;
    MediaTime lag{};
  };

  RtmpConnection(RtmpTransport transport, RtmpSession::Config config, std::shared_ptr<PacketRing> ring,
                 int stop_fd);

  /// Blocks until the connection is over. `on_handshake`, where there is one, is called once when the server
  /// speaks RTMP, `on_live` once, `on_figures` several times a second while live.
  End run(const std::function<void(const std::string& server)>& on_live,
          const std::function<void(const Figures&)>& on_figures,
          const std::function<void()>& on_handshake = nullptr);

 private:
  using Outcome = std::optional<End>;  // nullopt: go on

  Outcome wait();
  Outcome read();
  Outcome fill();
  Outcome flush();
  Outcome watch();
  void take_leave(Why why);
  [[nodiscard]] bool is_drained() const;
  [[nodiscard]] End broken(Error error) const;

  RtmpTransport transport_;
  RtmpSession session_;
  StallDetector detector_{RtmpSession::kAckWindowBytes};
  const std::shared_ptr<PacketRing> ring_;
  std::optional<PacketRing::Reader> reader_;  // from the moment we are live
  const int stop_fd_;
  Bytes sending_;  // one block, from sent_ on: TLS wants a half-sent block back unmoved
  size_t sent_ = 0;
  Figures figures_;
  MediaTime started_at_{};
  std::optional<MediaTime> stop_asked_at_;
  std::optional<Why> leaving_;
  MediaTime leaving_since_{};
  bool has_more_packets_ = false;
  bool has_more_input_ = false;
};

}  // namespace vitrine::encoder::detail
