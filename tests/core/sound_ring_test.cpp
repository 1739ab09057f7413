// SPDX-License-Identifier: Apache-2.0
#include "core/sound_ring.h"

#include <cmath>
#include <fcntl.h>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace vitrine {
namespace {

class SoundRing : public testing::Test {
 protected:
  void SetUp() override {
    auto created = SoundRingWriter::create();
    ASSERT_TRUE(created) << created.error().message;
    writer = std::make_unique<SoundRingWriter>(std::move(*created));
    auto opened = SoundRingReader::open(UniqueFd(::fcntl(writer->fd(), F_DUPFD_CLOEXEC, 0)));
    ASSERT_TRUE(opened) << opened.error().message;
    reader = *opened;
  }

  /// Samples whose value tells their index, so that a shift by one shows.
  static std::vector<float> ramp(int64_t begin, int count) {
    std::vector<float> samples;
    for (int64_t i = begin; i < begin + count; ++i) {
      samples.push_back(static_cast<float>(i % 1000) / 1000);
      samples.push_back(-static_cast<float>(i % 1000) / 1000);
    }
    return samples;
  }

  std::vector<float> read(int64_t begin, int count, int* present = nullptr) {
    std::vector<float> out(static_cast<size_t>(count) * kAudioChannels, 0.0F);
    const int got = reader->mix_into(begin, 1.0F, out);
    if (present != nullptr) *present = got;
    return out;
  }

  std::unique_ptr<SoundRingWriter> writer;
  std::shared_ptr<SoundRingReader> reader;
  static constexpr int64_t kStart = 1'000'000'007;
};

TEST_F(SoundRing, GivesBackWhatSoundedAtATime) {
  writer->write(kStart, ramp(kStart, 4800));
  EXPECT_EQ(read(kStart + 100, 800), ramp(kStart + 100, 800));
}

TEST_F(SoundRing, WrapsAroundManyTimes) {
  for (int64_t at = kStart; at < kStart + 10 * kAudioRateHz; at += 480) writer->write(at, ramp(at, 480));
  const int64_t late = kStart + 10 * kAudioRateHz - 1600;
  EXPECT_EQ(read(late, 1600), ramp(late, 1600));
}

TEST_F(SoundRing, WhatIsNotThereYetIsSilence) {
  writer->write(kStart, ramp(kStart, 480));
  int present = 0;
  const auto samples = read(kStart + 400, 160, &present);
  EXPECT_EQ(present, 80);
  EXPECT_NE(samples[0], 0.0F);
  EXPECT_EQ(samples[2 * 80], 0.0F);
  EXPECT_EQ(samples.back(), 0.0F);
}

TEST_F(SoundRing, WhatWasBeforeTheFirstWriteIsSilence) {
  writer->write(kStart, ramp(kStart, 480));
  int present = -1;
  read(kStart - 480, 480, &present);
  EXPECT_EQ(present, 0);
}

TEST_F(SoundRing, AGapBecomesSilenceNotOldSound) {
  writer->write(kStart, ramp(kStart, 2 * kAudioRateHz));  // the ring is full of sound
  const int64_t after_gap = kStart + 2 * kAudioRateHz + 4800;
  writer->write(after_gap, ramp(after_gap, 480));
  const auto gap = read(after_gap - 4800, 4800);
  for (const float sample : gap) ASSERT_EQ(sample, 0.0F);
  EXPECT_EQ(read(after_gap, 480), ramp(after_gap, 480));
}

TEST_F(SoundRing, AGapLongerThanTheRingLeavesNothingOld) {
  writer->write(kStart, ramp(kStart, 2 * kAudioRateHz));
  const int64_t after_gap = kStart + 60LL * kAudioRateHz;
  writer->write(after_gap, ramp(after_gap, 480));
  const auto gap = read(after_gap - kAudioRateHz, kAudioRateHz);
  EXPECT_EQ(std::accumulate(gap.begin(), gap.end(), 0.0F, [](float a, float b) { return a + std::fabs(b); }),
            0.0F);
}

TEST_F(SoundRing, OverlappingSamplesKeepTheFirstWrite) {
  writer->write(kStart, ramp(kStart, 480));
  writer->write(kStart + 240, std::vector<float>(480 * 2, 0.9F));
  EXPECT_EQ(read(kStart + 240, 240), ramp(kStart + 240, 240));
  EXPECT_EQ(read(kStart + 480, 1)[0], 0.9F);
}

TEST_F(SoundRing, NotANumberIsSilenceAndLoudIsBounded) {
  std::vector<float> bad(8, 0.0F);
  bad[0] = std::numeric_limits<float>::quiet_NaN();
  bad[1] = std::numeric_limits<float>::infinity();
  bad[2] = 1e30F;
  writer->write(kStart, bad);
  const auto samples = read(kStart, 4);
  EXPECT_EQ(samples[0], 0.0F);
  EXPECT_EQ(samples[1], 0.0F);
  EXPECT_EQ(samples[2], 4.0F);
}

TEST_F(SoundRing, MixesWithGain) {
  writer->write(kStart, std::vector<float>(4, 0.5F));
  std::vector<float> out(4, 0.25F);
  reader->mix_into(kStart, 0.5F, out);
  EXPECT_EQ(out[0], 0.5F);
}

TEST(SoundRingReader, RefusesOtherMemory) {
  auto fd = create_sealed_memfd("small", 4096);
  ASSERT_TRUE(fd);
  EXPECT_FALSE(SoundRingReader::open(std::move(*fd)));
}

}  // namespace
}  // namespace vitrine
