// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "core/packet.h"

namespace vitrine::encoder {

/// Puts the packets of the video and the audio encoder into one order, by dts.
/// A packet waits until the other stream has reached its dts, but never longer than `max_wait` of media: a
/// stream that has stopped holds nobody back. What such a stream brings later is passed on at once, its own
/// order kept. Thread: any; `sink` is called under the lock, so that the order of the calls is the order of
/// the packets.
class Interleaver {
 public:
  Interleaver(std::function<void(Packet)> sink, MediaTime max_wait)
      : sink_(std::move(sink)), max_wait_(max_wait) {}

  void push(Packet packet);

  /// Passes on all that waits; at the end.
  void flush();

 private:
  struct Stream {
    std::deque<Packet> waiting;
    MediaTime reached{};  // end of the newest packet: nothing before that comes any more
  };

  /// True when the head of `stream` need not wait for `other`.
  [[nodiscard]] bool may_go(const Stream& stream, const Stream& other) const;
  [[nodiscard]] bool is_video_next() const;
  void emit(Stream& stream);

  const std::function<void(Packet)> sink_;
  const MediaTime max_wait_;
  std::mutex mutex_;
  Stream video_;  // guarded by mutex_
  Stream audio_;  // guarded by mutex_
};

}  // namespace vitrine::encoder
