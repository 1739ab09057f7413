// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "core/packet_ring.h"

namespace vitrine::fakes {

/// A broadcast in real time without a camera's and an encoder's work: eight seconds encoded once in the
/// process, then stamped anew and pushed into a ring for as long as this lives. 320x180, 30 fps, GOP 2 s,
/// sound.
class LiveProgram {
 public:
  struct Options {
    double speed = 1;         // 2: two seconds of media a second
    MediaTime first_pts{};    // session time of the first packet: a broadcast that has run for long
    int64_t max_frames = -1;  // then the ring is closed
  };

  LiveProgram() : LiveProgram(Options{}) {}
  explicit LiveProgram(Options options);
  ~LiveProgram();
  LiveProgram(const LiveProgram&) = delete;
  LiveProgram& operator=(const LiveProgram&) = delete;

  [[nodiscard]] const std::shared_ptr<PacketRing>& ring() const { return ring_; }
  /// Of every LiveProgram.
  static const StreamInfo& info();
  /// Frames pushed so far.
  [[nodiscard]] int64_t frames() const { return frames_; }
  /// Ends the broadcast: closes the ring.
  void stop();

 private:
  void run(const std::stop_token& stop);

  const Options options_;
  const std::shared_ptr<PacketRing> ring_;
  std::atomic<int64_t> frames_ = 0;
  std::jthread thread_;
};

/// The eight seconds themselves, in the ring's order.
const std::vector<Packet>& encoded_packets();

}  // namespace vitrine::fakes
