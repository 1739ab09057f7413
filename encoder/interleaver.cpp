// SPDX-License-Identifier: Apache-2.0
#include "encoder/interleaver.h"

#include <algorithm>

namespace vitrine::encoder {

bool Interleaver::may_go(const Stream& stream, const Stream& other) const {
  const MediaTime dts = stream.waiting.front().dts;
  if (!other.waiting.empty()) return true;
  // The other's next packet begins at `reached` or later; at the same dts the picture goes first.
  if (&stream == &video_ ? other.reached >= dts : other.reached > dts) return true;
  return stream.reached - dts > max_wait_;
}

bool Interleaver::is_video_next() const {
  if (video_.waiting.empty() || audio_.waiting.empty()) return audio_.waiting.empty();
  // Video first where both are due: a segment or a connection begins with the picture.
  return video_.waiting.front().dts <= audio_.waiting.front().dts;
}

void Interleaver::emit(Stream& stream) {
  sink_(std::move(stream.waiting.front()));
  stream.waiting.pop_front();
}

void Interleaver::push(Packet packet) {
  const std::lock_guard lock(mutex_);
  auto& stream = packet.kind == PacketKind::kVideo ? video_ : audio_;
  stream.reached = std::max(stream.reached, packet.dts + packet.duration);
  stream.waiting.push_back(std::move(packet));
  while (true) {
    const bool is_video = is_video_next();
    auto& next = is_video ? video_ : audio_;
    if (next.waiting.empty() || !may_go(next, is_video ? audio_ : video_)) return;
    emit(next);
  }
}

void Interleaver::flush() {
  const std::lock_guard lock(mutex_);
  while (!video_.waiting.empty() || !audio_.waiting.empty()) emit(is_video_next() ? video_ : audio_);
}

}  // namespace vitrine::encoder
