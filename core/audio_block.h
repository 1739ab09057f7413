// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/media_time.h"

namespace vitrine {

/// All sound inside Vitrine: interleaved float stereo at 48 kHz, ±1.0 full scale.
inline constexpr int kAudioRateHz = 48'000;
inline constexpr int kAudioChannels = 2;

struct AudioBlock {
  std::vector<float> samples;  // kAudioChannels interleaved
  MediaTime pts{};

  [[nodiscard]] int samples_per_channel() const { return static_cast<int>(samples.size()) / kAudioChannels; }
};

/// Index of the sample that sounds at `time`, counted since CLOCK_MONOTONIC's zero: the address of sound
/// everywhere.
constexpr int64_t sample_index(MediaTime time) {
  return rescale(time.count(), kNanoseconds, {1, kAudioRateHz});
}
constexpr MediaTime sample_time(int64_t index) {
  return MediaTime{rescale(index, {1, kAudioRateHz}, kNanoseconds)};
}

}  // namespace vitrine
