// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/drift_corrector.h"

#include <cmath>
#include <numbers>
#include <random>

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/channel_layout.h>
}

#include "core/audio_block.h"

namespace vitrine::capture {
namespace {

using namespace std::chrono_literals;
using Continuity = DriftCorrector::Continuity;

/// A microphone with a clock of its own, and what the corrector makes of it. Time is simulated: hours take
/// seconds.
class Microphone {
 public:
  /// `deviation`: 0.0005 makes 500 ppm more samples a second than it says.
  Microphone(int rate_hz, double deviation) : rate_hz_(rate_hz), deviation_(deviation), noise_(1) {
    corrector_.emplace([this](int64_t begin, std::span<const float> interleaved) {
      if (written_ > 0) gaps_ += begin == end_ ? 0 : 1;
      end_ = begin + static_cast<int64_t>(interleaved.size()) / kAudioChannels;
      written_ += static_cast<int64_t>(interleaved.size()) / kAudioChannels;
      for (size_t i = 0; i < interleaved.size(); i += kAudioChannels) follow(interleaved[i]);
    });
  }

  void run(std::chrono::seconds length, MediaTime jitter = {}) {
    const double until = true_seconds_ + static_cast<double>(length.count());
    while (true_seconds_ < until) push_block(jitter);
  }

  void push_block(MediaTime jitter = {}, Continuity continuity = Continuity::kContinuous) {
    constexpr int kSamples = 480;
    const std::unique_ptr<AVFrame, AvDeleter<av_frame_free>> block(av_frame_alloc());
    block->format = AV_SAMPLE_FMT_FLT;
    block->sample_rate = rate_hz_;
    av_channel_layout_default(&block->ch_layout, 1);
    block->nb_samples = kSamples;
    std::vector<float> samples(kSamples);
    const double true_step = 1 / (rate_hz_ * (1 + deviation_));
    for (int i = 0; i < kSamples; ++i) {
      samples[i] = static_cast<float>(
          0.5 * std::sin(2 * std::numbers::pi * kToneHz * (true_seconds_ + i * true_step)));
    }
    block->data[0] = reinterpret_cast<uint8_t*>(samples.data());
    block->extended_data = block->data;
    std::uniform_int_distribution<int64_t> late(0, jitter.count());
    const MediaTime at =
        kStart + MediaTime{static_cast<int64_t>(true_seconds_ * 1e9)} + MediaTime{late(noise_)};
    const auto pushed = corrector_->push(*block, at, continuity);
    ASSERT_TRUE(pushed) << pushed.error().message;
    true_seconds_ += kSamples * true_step;
  }

  void skip(MediaTime gap) { true_seconds_ += std::chrono::duration<double>(gap).count(); }

  /// How far the sound lies from where it belongs: positive is late.
  [[nodiscard]] double skew_ms() const {
    const MediaTime belongs = kStart + MediaTime{static_cast<int64_t>(true_seconds_ * 1e9)};
    return std::chrono::duration<double, std::milli>(sample_time(end_) - belongs).count();
  }
  [[nodiscard]] const DriftCorrector& corrector() const { return *corrector_; }
  [[nodiscard]] int gaps() const { return gaps_; }
  [[nodiscard]] float largest_step() const { return largest_step_; }
  [[nodiscard]] float peak() const { return peak_; }
  void forget_steps() { largest_step_ = 0; }

  static constexpr double kToneHz = 440;
  static constexpr MediaTime kStart = 1000s;

 private:
  void follow(float sample) {
    largest_step_ = std::max(largest_step_, std::abs(sample - last_));
    peak_ = std::max(peak_, std::abs(sample));
    last_ = sample;
  }

  const int rate_hz_;
  const double deviation_;
  double true_seconds_ = 0;
  std::optional<DriftCorrector> corrector_;
  std::minstd_rand noise_;
  int64_t end_ = 0;
  int64_t written_ = 0;
  int gaps_ = 0;
  float last_ = 0;
  float largest_step_ = 0;
  float peak_ = 0;
};

class Drift : public testing::TestWithParam<double> {};

TEST_P(Drift, StaysInPlaceWithoutAResync) {
  Microphone microphone(48'000, GetParam());
  microphone.run(10s);
  for (int minute = 0; minute < 20; ++minute) {
    microphone.run(60s, 10ms);
    // The resampler holds half a millisecond; a jitter of 0 to 10 ms shifts the mean by 5.
    ASSERT_LT(std::abs(microphone.skew_ms() - 5), 8) << "minute " << minute;
  }
  EXPECT_EQ(microphone.corrector().resyncs(), 0);
  EXPECT_EQ(microphone.gaps(), 0);
  // More samples than claimed means each must be squeezed.
  EXPECT_NEAR(microphone.corrector().deviation(), -GetParam(), 0.0004);
}

INSTANTIATE_TEST_SUITE_P(Of, Drift, testing::Values(0.0005, -0.0005, 0.0), [](const auto& test) {
  return test.param == 0 ? "None" : (test.param > 0 ? "Plus500ppm" : "Minus500ppm");
});

TEST(DriftCorrector, MakesNoClicksWhileItCorrects) {
  Microphone microphone(48'000, 0.0005);
  microphone.run(1s, 10ms);
  microphone.forget_steps();
  microphone.run(60s, 10ms);
  // The steepest step of a 440 Hz sine of amplitude 0.5 at 48 kHz is 0.0288; 0.5 % of pitch do not show in
  // it.
  EXPECT_LT(microphone.largest_step(), 0.0300F);
}

TEST(DriftCorrector, TakesAnyRateAndKeepsTheLevelOfASingleMicrophone) {
  for (const int rate_hz : {8'000, 16'000, 44'100, 48'000, 96'000}) {
    Microphone microphone(rate_hz, 0);
    microphone.run(5s);
    EXPECT_LT(std::abs(microphone.skew_ms()), 8) << rate_hz;
    EXPECT_NEAR(microphone.peak(), 0.5F, 0.02F) << rate_hz;
  }
}

TEST(DriftCorrector, TakesAMarkedGapAtOnce) {
  Microphone microphone(48'000, 0);
  microphone.run(5s);
  microphone.skip(300ms);
  microphone.push_block({}, Continuity::kAfterGap);
  EXPECT_EQ(microphone.corrector().resyncs(), 1);
  EXPECT_LT(std::abs(microphone.skew_ms()), 5);
}

TEST(DriftCorrector, TakesAnUnmarkedGapWhenItLasts) {
  Microphone microphone(48'000, 0);
  microphone.run(5s);
  microphone.skip(300ms);
  microphone.run(1s);
  EXPECT_EQ(microphone.corrector().resyncs(), 1);
  EXPECT_LT(std::abs(microphone.skew_ms()), 5);
}

TEST(DriftCorrector, IgnoresASingleLateBlock) {
  Microphone microphone(48'000, 0);
  microphone.run(5s);
  for (int i = 0; i < 20; ++i) {
    microphone.run(1s);
    microphone.push_block(150ms);  // up to that late
  }
  EXPECT_EQ(microphone.corrector().resyncs(), 0);
  EXPECT_EQ(microphone.gaps(), 0);
  EXPECT_LT(std::abs(microphone.skew_ms()), 10);
}

TEST(DriftCorrector, RefusesAbsurdFormats) {
  DriftCorrector corrector([](int64_t, std::span<const float>) {});
  for (const auto& [rate_hz, channels] : {std::pair{1, 2}, std::pair{10'000'000, 2}, std::pair{48'000, 64}}) {
    const std::unique_ptr<AVFrame, AvDeleter<av_frame_free>> block(av_frame_alloc());
    std::vector<float> samples(static_cast<size_t>(channels) * 10);
    block->format = AV_SAMPLE_FMT_FLT;
    block->sample_rate = rate_hz;
    block->ch_layout.nb_channels = channels;
    block->nb_samples = 10;
    block->data[0] = reinterpret_cast<uint8_t*>(samples.data());
    block->extended_data = block->data;
    const auto pushed = corrector.push(*block, 1s, Continuity::kContinuous);
    ASSERT_FALSE(pushed);
    EXPECT_EQ(pushed.error().code, ErrorCode::kUnsupportedFormat);
  }
}

}  // namespace
}  // namespace vitrine::capture
