// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/error.h"
#include "core/packet.h"
#include "core/secret.h"
#include "encoder/amf0.h"
#include "encoder/rtmp_chunk.h"

namespace vitrine::encoder {

/// One RTMP publishing connection as a state machine: bytes of the server in, bytes for the server out. No
/// socket, no clock, no thread; all state of a connection lives and dies here. handshake → connect →
/// createStream → publish → live → ended.
class RtmpSession {
 public:
  struct Config {
    std::string app;     // "live"
    std::string tc_url;  // "rtmp://host/live"
    Secret key;          // the stream name, with whatever ?a=b&c=d the platform put behind it
    StreamInfo stream;   // without configs: nothing but commands is sent, not even a header
    uint32_t initial_timestamp_ms =
        0;  // of the first packet; other than 0 only to reach the late timestamps early
  };

  enum class Phase { kHandshake, kConnect, kCreateStream, kPublish, kLive, kEnded };

  explicit RtmpSession(Config config);

  /// What the server sent. Errors: what the server refused and why, or kProtocol; the connection is over
  /// then.
  Status receive(std::span<const uint8_t> bytes);

  /// What is to be sent to the server since the last call.
  [[nodiscard]] Bytes take_output();

  /// Only while live. The first packet is a video keyframe; it and what follows get timestamps from 0 on.
  void send(const Packet& packet);

  /// Takes leave: FCUnpublish, deleteStream. Nothing can be sent afterwards.
  void finish();

  /// The timestamp a packet with this dts gets. At 2^31 servers and players break: a connection is replaced
  /// before.
  [[nodiscard]] uint32_t to_timestamp(MediaTime dts) const;

  [[nodiscard]] Phase phase() const { return phase_; }
  /// What the server calls itself; empty when it didn't say.
  [[nodiscard]] const std::string& server_name() const { return server_name_; }
  /// How many Acknowledgements (5.4.3) came: a server whose process is frozen sends none, though its kernel
  /// still takes bytes. Some servers never send one.
  [[nodiscard]] uint64_t acknowledgements() const { return acknowledgements_; }
  /// The most bytes that ever lay between two of them. Some servers take our window for it, others a window
  /// of their own (YouTube some 128 KiB, several open servers 2.5 or 5 MB).
  [[nodiscard]] uint32_t acknowledgement_step() const { return acknowledgement_step_; }
  /// We ask to be acknowledged each time this many bytes have arrived.
  static constexpr uint32_t kAckWindowBytes = 16 * 1024;

 private:
  void start_handshake();
  size_t receive_handshake(std::span<const uint8_t> bytes);
  Status receive_message(const RtmpMessage& message);
  Status receive_command(const RtmpMessage& message);
  Status receive_result(std::string_view name, double transaction, const amf0::Value& info);
  Status receive_status(const amf0::Value& info);
  void receive_acknowledgement(const RtmpMessage& message);
  Status receive_user_control(const RtmpMessage& message);
  void acknowledge_if_due();

  void send_control(RtmpType type, std::span<const uint8_t> payload);
  void send_command(uint32_t stream_id, const Bytes& payload);
  void send_connect();
  void send_create_stream();
  void send_publish();
  void send_headers();

  const Config config_;
  Phase phase_ = Phase::kHandshake;
  RtmpChunkReader reader_;
  RtmpChunkWriter writer_;
  Bytes output_;
  Bytes handshake_;  // S0, S1 and S2 as they arrive
  std::optional<MediaTime> first_dts_;
  uint32_t stream_id_ = 0;
  std::string server_name_;
  uint64_t acknowledgements_ = 0;
  uint32_t acknowledgement_step_ = 0;
  uint32_t last_acknowledgement_ = 0;
  uint64_t received_bytes_ = 0;
  uint64_t acknowledged_bytes_ = 0;
  uint32_t server_window_ = 0;  // 0: the server didn't ask for acknowledgements
};

}  // namespace vitrine::encoder
