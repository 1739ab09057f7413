// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/packet.h"
#include "encoder/detail/libav.h"

namespace vitrine::encoder::detail {

/// Packets to fragmented MP4 in memory, by libavformat: a header, then fragments of one moof and one mdat, in
/// which the video samples stand before the audio samples.
/// Thread: one.
class FragmentMuxer {
 public:
  /// Times count from `base`, which no packet's dts may precede.
  static Result<std::unique_ptr<FragmentMuxer>> create(const StreamInfo& info, MediaTime base);
  ~FragmentMuxer();
  FragmentMuxer(const FragmentMuxer&) = delete;
  FragmentMuxer& operator=(const FragmentMuxer&) = delete;

  /// ftyp and an empty moov.
  [[nodiscard]] const Bytes& header() const { return header_; }

  Status add(const Packet& packet);
  /// What was added since the last call, as one fragment; empty when nothing was.
  Result<Bytes> take_fragment();

  /// A time relative to `base`, as the track counts it.
  [[nodiscard]] int64_t to_track_time(PacketKind kind, MediaTime time) const;

 private:
  explicit FragmentMuxer(MediaTime base) : base_(base) {}
  Status open(const StreamInfo& info);
  Status add_stream(AVCodecParameters& parameters, const Bytes& config);
  [[nodiscard]] const AVStream& stream_of(PacketKind kind) const {
    return *context_->streams[kind == PacketKind::kVideo ? 0 : 1];
  }
  static int write(void* opaque, uint8_t* bytes, int count);

  const MediaTime base_;
  Rational frame_rate_;
  AVFormatContext* context_ = nullptr;
  AvPacketPtr packet_;
  Bytes written_;
  Bytes header_;
};

}  // namespace vitrine::encoder::detail
