// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/packet.h"

/// The index that turns a finished fragmented MP4 into an ordinary one.
/// Source: ISO/IEC 14496-12 (box numbers in the .cpp).
namespace vitrine::encoder::detail {

struct Mp4Sample {
  uint32_t bytes = 0;
  uint32_t duration = 0;           // in the track's time scale
  int32_t composition_offset = 0;  // pts - dts
  bool is_keyframe = false;
};

/// Samples that lie one behind the other in the file.
struct Mp4Chunk {
  uint64_t offset = 0;
  uint32_t samples = 0;
};

struct Mp4Track {
  std::vector<Mp4Sample> samples;
  std::vector<Mp4Chunk> chunks;
  int64_t start = 0;  // of the first sample, in the track's time scale, after the start of the file
};

/// A moov with all samples, made from the empty moov a fragmented file begins with: descriptions and time
/// scales are taken over, the sample tables are filled in, what tells of fragments is left out. `tracks` in
/// the order of the file's. Errors: kInvalidInput when `empty_moov` is not what it should be.
Result<Bytes> make_moov(std::span<const uint8_t> empty_moov, const std::vector<Mp4Track>& tracks);

}  // namespace vitrine::encoder::detail
