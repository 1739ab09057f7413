// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/media_time.h"
#include "core/packet.h"
#include "core/packet_ring.h"
#include "core/secret.h"

namespace vitrine::encoder {

struct PublisherConfig {
  std::string destination;        // names the thread and the log lines
  std::string url;                // rtmp://host[:port]/app or rtmps://…, without the key
  Secret key;                     // the stream key as the platform gave it, ?a=b and all
  std::filesystem::path ca_file;  // whom to trust for rtmps; empty: the system's certificates
  uint32_t initial_timestamp_ms =
      0;  // of each connection; other than 0 only to reach the late timestamps early
};

enum class PublisherState { kConnecting = 0, kLive, kReconnecting, kStopped };
std::string_view to_string(PublisherState state);

struct PublisherStatus {
  PublisherState state = PublisherState::kConnecting;
  Instant since{};                        // when the state began
  std::optional<Error> last_fault;        // stays when the fault is over
  std::chrono::milliseconds retry_in{0};  // reconnecting: the pause that was begun
  int64_t bitrate_bps = 0;                // sent, over the last 3 s
  MediaTime lag{};                        // of what is sent behind what is encoded
  uint64_t frames_sent = 0;
  uint64_t packets_skipped = 0;  // left out because this destination was slow
  uint64_t connects = 0;         // times it went live
  std::string server;            // what the server calls itself, and its address
};

/// One RTMP(S) destination. Reads the packet ring through its own cursor in its own thread, dials again for
/// ever, and touches nothing else: what happens here is never felt by another destination, the recording or
/// the encoder.
///
/// A destination that can't take the whole stream loses whole GOPs, with their sound, from its own view: when
/// it is 2.5 s behind it goes on at the newest keyframe. A connection begins with the sequence headers and
/// the newest keyframe, at timestamp 0.
///
/// Threads: `pub-<destination>`, and libcurl's resolver during a connect.
class Publisher {
 public:
  using OnChange = std::function<void(const PublisherStatus&)>;

  /// `on_change` is called from the publisher's thread at each change of state or fault.
  /// Errors: kInvalidInput for a URL that is no rtmp(s)://host/app, or an empty key.
  static Result<std::unique_ptr<Publisher>> create(PublisherConfig config, StreamInfo stream,
                                                   std::shared_ptr<PacketRing> ring, OnChange on_change);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  [[nodiscard]] PublisherStatus status() const;

  /// The network came back, or a person asks: dials at once. Without effect while live.
  void retry_now();

  /// The platform gave out a new key: the next dial uses it; a connection that lives goes on with the old
  /// one. One that is empty or the same changes nothing.
  void replace_key(Secret key);

  /// Takes leave of the server and ends; at most 2 s. Any number of times; the destructor calls it.
  /// When the ring closes, the publisher sends what is left and ends by itself.
  void stop();

 private:
  class Impl;
  explicit Publisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::encoder
