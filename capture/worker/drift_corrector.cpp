// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/drift_corrector.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
}

#include "core/audio_block.h"

namespace vitrine::capture {
namespace {

constexpr double kMaxDeviation = 0.005;
/// Capture times of USB and network sound jitter by some 10 ms; a second of them averages to about one.
constexpr double kSmoothingSeconds = 1.0;
/// An error is worked off over this time. Four times the smoothing keeps the loop from swinging; 500 ppm of
/// drift then stand at an error of 2 ms.
constexpr double kCorrectionSeconds = 4.0;
constexpr double kResyncSamples = 0.040 * kAudioRateHz;
/// A late wake-up of the reader shifts a block or two and is over; a gap stays.
constexpr MediaTime kResyncAfter = std::chrono::milliseconds(200);
/// swr_set_compensation takes whole samples over a distance; ten seconds make steps of 2 ppm.
constexpr int kCompensationDistance = 10 * kAudioRateHz;
/// What microphones and cameras send; a stream that claims 1 Hz would become gigabytes at 48 kHz.
constexpr int kMinRateHz = 8'000;
constexpr int kMaxRateHz = 192'000;
constexpr int kMaxChannels = 8;

}  // namespace

Status DriftCorrector::open(const AVFrame& block) {
  if (block.sample_rate < kMinRateHz || block.sample_rate > kMaxRateHz || block.ch_layout.nb_channels < 1 ||
      block.ch_layout.nb_channels > kMaxChannels) {
    return fail(
        ErrorCode::kUnsupportedFormat,
        fmt::format("sound of {} Hz, {} channels; {} to {} Hz and 1 to {} channels are supported",
                    block.sample_rate, block.ch_layout.nb_channels, kMinRateHz, kMaxRateHz, kMaxChannels));
  }
  AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO;
  AVChannelLayout from{};
  if (block.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&from, block.ch_layout.nb_channels);
  } else {
    av_channel_layout_copy(&from, &block.ch_layout);
  }
  SwrContext* opened = nullptr;
  int rc = swr_alloc_set_opts2(&opened, &stereo, AV_SAMPLE_FMT_FLT, kAudioRateHz, &from,
                               static_cast<AVSampleFormat>(block.format), block.sample_rate, 0, nullptr);
  av_channel_layout_uninit(&from);
  resampler_.reset(opened);
  // The resampler must run at 48 kHz in, too: it is what corrects the drift.
  if (rc >= 0) rc = av_opt_set_int(resampler_.get(), "flags", SWR_FLAG_RESAMPLE, 0);
  // libswresample takes 3 dB from a single microphone that goes to both sides; then its clipping would go
  // unseen.
  constexpr std::array<double, kAudioChannels> kMonoToBoth = {1, 1};
  if (rc >= 0 && block.ch_layout.nb_channels == 1)
    rc = swr_set_matrix(resampler_.get(), kMonoToBoth.data(), 1);
  if (rc >= 0) rc = swr_init(resampler_.get());
  if (rc < 0) {
    resampler_.reset();
    return fail(ErrorCode::kUnsupportedFormat,
                fmt::format("sound of {} Hz, {} channels can't be converted: {}", block.sample_rate,
                            block.ch_layout.nb_channels, av_error_text(rc)));
  }
  rate_hz_ = block.sample_rate;
  channels_ = block.ch_layout.nb_channels;
  format_ = block.format;
  next_.reset();
  return {};
}

bool DriftCorrector::must_resync(double error, MediaTime captured_at, Continuity continuity) {
  if (std::abs(error) <= kResyncSamples) {
    off_since_.reset();
    return false;
  }
  if (!off_since_) off_since_ = captured_at;
  return continuity == Continuity::kAfterGap || captured_at - *off_since_ >= kResyncAfter;
}

void DriftCorrector::steer(double error, double block_seconds) {
  const double weight = std::min(1.0, block_seconds / kSmoothingSeconds);
  smooth_error_ += weight * (std::clamp(error, -kResyncSamples, kResyncSamples) - smooth_error_);
  deviation_ = std::clamp(smooth_error_ / (kCorrectionSeconds * kAudioRateHz), -kMaxDeviation, kMaxDeviation);
  swr_set_compensation(resampler_.get(), static_cast<int>(std::lround(deviation_ * kCompensationDistance)),
                       kCompensationDistance);
}

Status DriftCorrector::push(const AVFrame& block, MediaTime captured_at, Continuity continuity) {
  if (block.nb_samples <= 0) return {};
  const bool is_changed =
      block.sample_rate != rate_hz_ || block.ch_layout.nb_channels != channels_ || block.format != format_;
  if (!resampler_ || is_changed) {
    if (auto opened = open(block); !opened) return opened;
  }

  const int64_t belongs_at = sample_index(captured_at);
  if (next_) {
    // What the resampler still holds comes out before this block.
    const auto lands_at = static_cast<double>(*next_ + swr_get_delay(resampler_.get(), kAudioRateHz));
    const double error = static_cast<double>(belongs_at) - lands_at;
    if (must_resync(error, captured_at, continuity)) {
      ++resyncs_;
      next_.reset();
    } else {
      steer(error, static_cast<double>(block.nb_samples) / rate_hz_);
    }
  }
  if (!next_) {
    if (swr_init(resampler_.get()) < 0) return fail(ErrorCode::kIo, "swr_init");
    next_ = belongs_at;
    smooth_error_ = 0;
    off_since_.reset();
    steer(0, 0);
  }

  const int room = swr_get_out_samples(resampler_.get(), block.nb_samples);
  output_.resize(static_cast<size_t>(std::max(0, room)) * kAudioChannels);
  auto* out = reinterpret_cast<uint8_t*>(output_.data());
  const int count = swr_convert(resampler_.get(), &out, room,
                                const_cast<const uint8_t**>(block.extended_data), block.nb_samples);
  if (count < 0) return fail(ErrorCode::kIo, fmt::format("swr_convert: {}", av_error_text(count)), count);
  write_(*next_, {output_.data(), static_cast<size_t>(count) * kAudioChannels});
  *next_ += count;
  return {};
}

}  // namespace vitrine::capture
