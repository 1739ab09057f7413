// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::encoder {

/// Tells a dead connection from a slow one, by progress and never by speed.
///   the path: bytes wait in our kernel, and for 3.7 s not one packet came back (cable, route, half-open)
///   the reader: packets come back, but for 5.5 s the peer's kernel took no byte (a server that never reads)
///   the server: it used to acknowledge at the RTMP level, and for 5 s has not, although two windows and more
///   went out (stopped process: its kernel goes on taking bytes until its buffer, up to megabytes, is full).
///   The window is ours or what the server made of it; one acknowledgement alone (some servers send it at the
///   start) promises no other
/// A peer that takes 4 kB/s passes all three: with a large buffer and large packets its kernel opens the
/// window only every four seconds or so, hence the 5.5. TCP_USER_TIMEOUT can't tell these: it also ends peers
/// that read slowly. Pure: time comes in with each sample.
class StallDetector {
 public:
  struct Sample {
    MediaTime now{};
    uint64_t confirmed_bytes = 0;       // by the peer's kernel, since the start
    uint64_t waiting_bytes = 0;         // in our kernel
    MediaTime heard_ago{};              // since the last packet of the peer's kernel
    uint64_t sent_bytes = 0;            // given to our kernel, since the start
    uint64_t acknowledgements = 0;      // by the server
    uint64_t acknowledgement_step = 0;  // the most bytes from one to the next
  };

  /// `ack_window_bytes`: how often the server was asked to acknowledge.
  explicit StallDetector(uint64_t ack_window_bytes) : ack_window_bytes_(ack_window_bytes) {}

  /// kTimeout when the connection is dead.
  [[nodiscard]] std::optional<Error> check(const Sample& sample);

 private:
  const uint64_t ack_window_bytes_;
  bool has_started_ = false;
  uint64_t confirmed_bytes_ = 0;
  MediaTime progress_at_{};
  uint64_t acknowledgements_ = 0;
  uint64_t sent_at_acknowledgement_ = 0;
  MediaTime server_alive_at_{};
};

}  // namespace vitrine::encoder
