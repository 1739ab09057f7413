// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "core/packet.h"
#include "core/video_frame.h"
#include "encoder/detail/libav.h"

namespace vitrine::encoder::detail {

struct VideoEncoderConfig {
  Size size;
  Rational frame_rate;
  int bitrate_kbps = 0;
  int gop_frames = 0;
  int b_frames = 0;
  std::string preset;
};

/// Times are counted in frames.
struct CodedPicture {
  Bytes bytes;  // 4-byte length before each NAL unit
  int64_t pts = 0;
  int64_t dts = 0;  // negative by reorder_frames() at the start
  bool is_keyframe = false;
};

enum class PictureType { kAny, kKeyframe };

/// libx264 through libavcodec, set for one constant-rate live stream. docs/adr/0300 has the settings'
/// measurements. Thread: one.
class VideoEncoder {
 public:
  static Result<VideoEncoder> create(const VideoEncoderConfig& config);

  using Output = std::function<void(CodedPicture)>;
  /// Takes a frame; gives the pictures that are ready. The pixels are not copied: they are released when x264
  /// has taken them in, mostly before this returns.
  Status encode(const ConstVideoFrame& frame, int64_t index, PictureType type, const Output& output);
  /// No frame comes any more: gives the rest.
  Status drain(const Output& output);

  [[nodiscard]] int reorder_frames() const { return codec_->has_b_frames; }
  [[nodiscard]] const SharedBytes& avc_config() const { return avc_config_; }

 private:
  VideoEncoder() = default;
  Status give(const Output& output);
  AvCodecContextPtr codec_;
  AvFramePtr frame_;
  AvPacketPtr packet_;
  SharedBytes avc_config_;
};

}  // namespace vitrine::encoder::detail
