// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "core/audio_block.h"
#include "studio/plan.h"

namespace vitrine::studio {

/// Sums a scene's microphones into one continuous track. What no microphone delivers is silence; what would
/// clip is turned down smoothly. Thread: the program's; levels may be read from any.
class SoundMixer {
 public:
  /// Sound captured from sample `begin` on, stamped `pts`. Each microphone is read its own delay earlier.
  AudioBlock mix(std::span<const Plan::Microphone> microphones, int64_t begin, int samples, MediaTime pts);

  /// Peak of the last second, dBFS; -100 is silence.
  [[nodiscard]] float peak_db() const { return peak_db_.load(std::memory_order_relaxed); }
  /// Samples since start that no microphone of the scene had.
  [[nodiscard]] int64_t missing_samples() const { return missing_samples_.load(std::memory_order_relaxed); }

 private:
  void limit(std::span<float> samples);

  float gain_ = 1.0F;    // of the limiter at the end of the last block
  float held_peak_ = 0;  // decays over a second
  std::atomic<float> peak_db_ = -100;
  std::atomic<int64_t> missing_samples_ = 0;
};

}  // namespace vitrine::studio
