// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/packet.h"

namespace vitrine::encoder {

/// One NAL unit inside somebody else's bytes.
using NalUnit = std::span<const uint8_t>;

enum class NalType : uint8_t { kSlice = 1, kIdr = 5, kSei = 6, kSps = 7, kPps = 8 };
inline NalType type_of(NalUnit nal) {
  return static_cast<NalType>(nal.front() & 0x1F);
}

/// Splits a coded picture whose NAL units have a 4-byte length in front (ISO/IEC 14496-15 5.2.3).
/// Errors: kInvalidInput for an empty unit or a length that reaches over the end.
Result<std::vector<NalUnit>> split_length_prefixed(std::span<const uint8_t> bytes);

/// AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1) for an encoder's parameter sets, given as
/// length-prefixed NAL units. Units that are neither SPS nor PPS are left out. Errors: kInvalidInput when SPS
/// or PPS is missing, or one is shorter or longer than the record can hold.
Result<Bytes> make_avc_config(std::span<const uint8_t> parameter_sets);

}  // namespace vitrine::encoder
