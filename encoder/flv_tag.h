// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "core/packet.h"

/// The bodies of RTMP media messages, which are FLV tag bodies.
/// Source: Adobe, "Video File Format Specification 10.1", annex E.4.
namespace vitrine::encoder::flv {

enum class AvcType : uint8_t { kSequenceHeader = 0, kPicture = 1 };
enum class AacType : uint8_t { kSequenceHeader = 0, kRaw = 1 };
enum class FrameType : uint8_t { kKeyframe = 1, kInter = 2 };

/// What stands before the avcC record or the picture; `composition_ms` is pts - dts.
std::array<uint8_t, 5> video_header(FrameType frame, AvcType type, int32_t composition_ms);

/// What stands before the AudioSpecificConfig or the AAC access unit.
std::array<uint8_t, 2> audio_header(AacType type);

/// "@setDataFrame", "onMetaData" and what stands in it.
Bytes metadata(const StreamInfo& info);

}  // namespace vitrine::encoder::flv
