// SPDX-License-Identifier: Apache-2.0
#include "studio/sound_mixer.h"

#include <cmath>
#include <fcntl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

/// A microphone whose whole past is one value.
class Room {
 public:
  explicit Room(float level, int64_t begin = kBegin) : writer_(std::move(*SoundRingWriter::create())) {
    writer_.write(begin, std::vector<float>(static_cast<size_t>(kAudioRateHz) * kAudioChannels, level));
    reader_ = *SoundRingReader::open(UniqueFd(::fcntl(writer_.fd(), F_DUPFD_CLOEXEC, 0)));
  }

  [[nodiscard]] Plan::Microphone microphone(float gain = 1.0F, MediaTime delay = {}) const {
    return {"m", [reader = reader_] { return reader; }, gain, delay};
  }

  static constexpr int64_t kBegin = 5'000'000;

 private:
  SoundRingWriter writer_;
  std::shared_ptr<const SoundRingReader> reader_;
};

constexpr int64_t kNow = Room::kBegin + kAudioRateHz / 2;

TEST(SoundMixer, SumsItsMicrophonesWithTheirGains) {
  const Room left(0.2F);
  const Room right(0.4F);
  const std::vector microphones = {left.microphone(), right.microphone(0.5F)};
  SoundMixer mixer;
  const auto block = mixer.mix(microphones, kNow, 1600, 40ms);
  ASSERT_EQ(block.samples_per_channel(), 1600);
  EXPECT_EQ(block.pts, 40ms);
  EXPECT_THAT(block.samples, testing::Each(testing::FloatNear(0.4F, 1e-5F)));
  EXPECT_EQ(mixer.missing_samples(), 0);
}

TEST(SoundMixer, IsSilentWhereNobodySpeaksAndSaysSoWhereSoundIsMissing) {
  SoundMixer mixer;
  EXPECT_THAT(mixer.mix({}, kNow, 480, {}).samples, testing::Each(0.0F));
  EXPECT_EQ(mixer.missing_samples(), 0) << "a scene without a microphone misses nothing";
  const Plan::Microphone dead{"m", [] { return nullptr; }, 1.0F, {}};
  EXPECT_THAT(mixer.mix({&dead, 1}, kNow, 480, {}).samples, testing::Each(0.0F));
  EXPECT_EQ(mixer.missing_samples(), 480);
  EXPECT_EQ(mixer.peak_db(), -100);
}

TEST(SoundMixer, ReadsADelayedMicrophoneEarlier) {
  const Room room(0.5F);
  const std::vector microphones = {room.microphone(1.0F, 100ms)};
  SoundMixer mixer;
  // 100 ms before the first sample there is nothing; the first sample sounds 100 ms late.
  const auto block = mixer.mix(microphones, Room::kBegin + 4800 - 10, 20, {});
  EXPECT_EQ(block.samples[9 * 2], 0.0F);
  EXPECT_FLOAT_EQ(block.samples[10 * 2], 0.5F);
}

TEST(SoundMixer, NeverExceedsItsCeilingAndDoesNotStep) {
  const Room loud(3.0F);
  const std::vector microphones = {loud.microphone()};
  SoundMixer mixer;
  float last = 0;
  for (int i = 0; i < 10; ++i) {
    for (const float sample : mixer.mix(microphones, kNow + i * 480, 480, {}).samples) {
      ASSERT_LE(std::fabs(sample), 0.8901F);
      last = sample;
    }
  }
  EXPECT_NEAR(last, 0.89F, 0.001F);
  // Quiet again: the gain comes back without a jump from sample to sample.
  const Room quiet(0.1F);
  const std::vector calm = {quiet.microphone()};
  float before = -1;
  for (int i = 0; i < 100; ++i) {
    for (const float sample : mixer.mix(calm, kNow + i * 160, 160, {}).samples) {
      if (before >= 0) {
        ASSERT_LT(std::fabs(sample - before), 0.001F);
      }
      before = sample;
    }
  }
  EXPECT_GT(before, 0.04F);
}

TEST(SoundMixer, TellsThePeak) {
  const Room room(0.5F);
  const std::vector microphones = {room.microphone()};
  SoundMixer mixer;
  mixer.mix(microphones, kNow, 480, {});
  EXPECT_NEAR(mixer.peak_db(), -6.02F, 0.05F);
}

}  // namespace
}  // namespace vitrine::studio
