// SPDX-License-Identifier: Apache-2.0
#include "studio/sound_mixer.h"

#include <algorithm>
#include <cmath>

namespace vitrine::studio {
namespace {

constexpr float kCeiling = 0.89F;          // -1 dBFS: AAC decoders overshoot
constexpr float kReleasePerSecond = 4.0F;  // the limiter lets go by a factor of 4 a second (12 dB)

}  // namespace

AudioBlock SoundMixer::mix(std::span<const Plan::Microphone> microphones, int64_t begin, int samples,
                           MediaTime pts) {
  AudioBlock block;
  block.pts = pts;
  block.samples.assign(static_cast<size_t>(samples) * kAudioChannels, 0.0F);
  int present = microphones.empty() ? samples : 0;
  for (const auto& microphone : microphones) {
    if (const auto sound = microphone.sound()) {
      present = std::max(
          present, sound->mix_into(begin - sample_index(microphone.delay), microphone.gain, block.samples));
    }
  }
  missing_samples_.fetch_add(samples - present, std::memory_order_relaxed);
  limit(block.samples);
  return block;
}

void SoundMixer::limit(std::span<float> samples) {
  if (samples.empty()) return;
  float peak = 0;
  for (const float sample : samples) peak = std::max(peak, std::fabs(sample));
  const float seconds = static_cast<float>(samples.size()) / kAudioChannels / kAudioRateHz;
  const float released = std::min(1.0F, gain_ * std::pow(kReleasePerSecond, seconds));
  const float needed = peak * released > kCeiling ? kCeiling / peak : released;
  // From the old gain to the new one over the block: no step. What still peaks before the ramp is down is
  // clipped.
  const float step = (needed - gain_) / static_cast<float>(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = std::clamp(samples[i] * (gain_ + step * static_cast<float>(i + 1)), -kCeiling, kCeiling);
  }
  gain_ = needed;
  held_peak_ = std::max(peak, held_peak_ * std::pow(0.1F, seconds));
  peak_db_.store(held_peak_ < 1e-5F ? -100.0F : 20.0F * std::log10(held_peak_), std::memory_order_relaxed);
}

}  // namespace vitrine::studio
