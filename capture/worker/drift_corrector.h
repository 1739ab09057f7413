// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/worker/av_handles.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::capture {

/// Brings sound of any format to what all Vitrine uses (float stereo, 48 kHz), on the box's clock: a
/// microphone's 48 kHz are up to some hundred ppm off, which is a second an hour. Where each block belongs is
/// known from its capture time; the error between that and where the samples land is low-passed and steers
/// the resampler by at most ±0.5 %, which nobody hears. An error of more than 40 ms that lasts is a gap or a
/// jump, and is taken as one. Thread: one at a time.
class DriftCorrector {
 public:
  /// Gets interleaved stereo that sounds from sample `begin` (core/audio_block.h) on.
  using Write = std::function<void(int64_t begin, std::span<const float> interleaved)>;

  explicit DriftCorrector(Write write) : write_(std::move(write)) {}

  enum class Continuity { kContinuous, kAfterGap };

  /// `block`: any format, rate and channels of libav; they may change from block to block. `captured_at`:
  /// when its first sample sounded. Errors: kUnsupportedFormat, kIo.
  Status push(const AVFrame& block, MediaTime captured_at, Continuity continuity);

  /// The rate now in force, as a deviation: 0.0005 makes 500 ppm more samples of each.
  [[nodiscard]] double deviation() const { return deviation_; }
  [[nodiscard]] int resyncs() const { return resyncs_; }

 private:
  Status open(const AVFrame& block);
  void steer(double error, double block_seconds);
  bool must_resync(double error, MediaTime captured_at, Continuity continuity);

  const Write write_;
  SwrContextPtr resampler_;
  int rate_hz_ = 0;
  int channels_ = 0;
  int format_ = AV_SAMPLE_FMT_NONE;
  std::optional<int64_t> next_;  // where the next sample out of the resampler goes
  double smooth_error_ = 0;      // samples; positive: we are early, more samples are needed
  double deviation_ = 0;
  int resyncs_ = 0;
  std::optional<MediaTime> off_since_;
  std::vector<float> output_;
};

}  // namespace vitrine::capture
