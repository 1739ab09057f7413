// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/sound_meter.h"

#include <algorithm>
#include <cmath>

namespace vitrine::capture {
namespace {

constexpr MediaTime kSilentAfter = std::chrono::seconds(10);
constexpr MediaTime kClippingShownFor = std::chrono::seconds(2);
constexpr int64_t kWindowSamples = kAudioRateHz / 2 * kAudioChannels;
/// A muted input's own noise lies around −90 dB, a quiet shop's around −55 dB.
constexpr double kSilenceThresholdDb = -65;
/// Three samples in a row at full scale are a cut-off wave; one or two may be a fair peak.
constexpr int kClippedRun = 3;
constexpr float kFullScale = 0.999F;

}  // namespace

void SoundMeter::add(MediaTime begin, std::span<const float> interleaved) {
  const std::lock_guard lock(mutex_);
  if (first_at_ == MediaTime::zero()) first_at_ = last_loud_at_ = begin;
  const MediaTime end = begin + sample_time(static_cast<int64_t>(interleaved.size()) / kAudioChannels);
  for (size_t i = 0; i < interleaved.size(); ++i) {
    const float sample = interleaved[i];
    int& run = full_scale_run_[i % kAudioChannels];
    run = std::abs(sample) >= kFullScale ? run + 1 : 0;
    if (run >= kClippedRun) last_clip_at_ = end;
    square_sum_ += std::isfinite(sample) ? static_cast<double>(sample) * sample : 0;
    if (++window_samples_ == kWindowSamples) {
      close_window();
      if (level_db_ > kSilenceThresholdDb) last_loud_at_ = end;
    }
  }
}

void SoundMeter::close_window() {
  const double mean_square = square_sum_ / static_cast<double>(window_samples_);
  level_db_ = std::clamp(10 * std::log10(std::max(mean_square, 1e-30)), SourceReport::kSilenceDb,
                         SourceReport::kMaxDb);
  square_sum_ = 0;
  window_samples_ = 0;
}

double SoundMeter::level_db() const {
  const std::lock_guard lock(mutex_);
  return level_db_;
}

std::vector<std::string_view> SoundMeter::warnings(MediaTime now) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string_view> found;
  if (first_at_ == MediaTime::zero()) return found;
  if (now - last_loud_at_ >= kSilentAfter) found.emplace_back("silent");
  if (last_clip_at_ != MediaTime::zero() && now - last_clip_at_ <= kClippingShownFor)
    found.emplace_back("clipping");
  return found;
}

}  // namespace vitrine::capture
