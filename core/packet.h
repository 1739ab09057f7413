// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/geometry.h"
#include "core/media_time.h"

namespace vitrine {

using Bytes = std::vector<uint8_t>;
using SharedBytes = std::shared_ptr<const Bytes>;

enum class PacketKind { kUnknown = 0, kVideo, kAudio };

/// One coded picture (H.264, 4-byte length before each NAL unit) or one AAC access unit without ADTS.
struct Packet {
  SharedBytes bytes;
  PacketKind kind = PacketKind::kUnknown;
  MediaTime pts{};  // session time: 0 is the first packet of the broadcast
  MediaTime dts{};
  MediaTime duration{};
  bool is_keyframe = false;  // video: IDR, decodable from here on. audio: always true
  MediaTime captured_at{};   // when the program put it out, on CLOCK_MONOTONIC
};

/// What a sink must know before the first packet; it never changes inside a broadcast.
struct StreamInfo {
  Size size;
  Rational frame_rate;
  int video_bitrate_bps = 0;
  int audio_bitrate_bps = 0;
  int audio_rate_hz = 0;
  int audio_channels = 0;
  SharedBytes video_config;  // AVCDecoderConfigurationRecord, ISO/IEC 14496-15 5.3.3.1
  SharedBytes audio_config;  // AudioSpecificConfig, ISO/IEC 14496-3 1.6.2.1
  MediaTime video_start{};   // pts of frame 0
};

}  // namespace vitrine
