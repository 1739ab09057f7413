// SPDX-License-Identifier: Apache-2.0
#include "encoder/stall_detector.h"

#include <gtest/gtest.h>

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kWindow = 16 * 1024;

/// Runs a peer described by `next` in virtual time; the moment the detector calls it dead, nullopt within
/// `limit`.
template <typename Next>
std::optional<MediaTime> dies_at(MediaTime limit, Next next) {
  StallDetector detector(kWindow);
  StallDetector::Sample sample;
  for (sample.now = 0s; sample.now < limit; sample.now += 250ms) {
    next(sample);
    if (const auto error = detector.check(sample)) {
      EXPECT_EQ(error->code, ErrorCode::kTimeout);
      return sample.now;
    }
  }
  return std::nullopt;
}

/// 500 kB/s, confirmed and acknowledged.
void healthy(StallDetector::Sample& sample) {
  sample.sent_bytes += 125'000;
  sample.confirmed_bytes = sample.sent_bytes - 5'000;
  sample.waiting_bytes = 5'000;
  sample.acknowledgements += 7;
}

TEST(StallDetector, LeavesAHealthyConnectionAlone) {
  EXPECT_EQ(dies_at(24h, healthy), std::nullopt);
}

TEST(StallDetector, SeesWithinFourSecondsThatNothingComesBack) {
  const auto dead = dies_at(60s, [](auto& sample) {
    if (sample.now < 10s) return healthy(sample);
    sample.waiting_bytes = 150'000;
    sample.heard_ago = sample.now - 10s;
  });
  ASSERT_TRUE(dead);
  EXPECT_LE(*dead, 14s);
  EXPECT_GE(*dead, 13s);
}

TEST(StallDetector, SeesWithinSixSecondsThatNothingIsTaken) {
  const auto dead = dies_at(60s, [](auto& sample) {
    if (sample.now < 10s) return healthy(sample);
    sample.waiting_bytes = 150'000;
    sample.heard_ago = (sample.now - 10s) % 3s;  // answers to probes
  });
  ASSERT_TRUE(dead);
  EXPECT_LE(*dead, 16s);
  EXPECT_GE(*dead, 15s);
}

TEST(StallDetector, SeesWithinSixSecondsThatTheServerStoppedAcknowledging) {
  const auto dead = dies_at(60s, [](auto& sample) {
    const uint64_t acknowledged = sample.acknowledgements;
    healthy(sample);
    if (sample.now >= 10s) sample.acknowledgements = acknowledged;
  });
  ASSERT_TRUE(dead);
  EXPECT_LE(*dead, 16s);
  EXPECT_GE(*dead, 14s);
}

TEST(StallDetector, DoesNotExpectAcknowledgementsFromAServerThatNeverSentOne) {
  EXPECT_EQ(dies_at(1h,
                    [](auto& sample) {
                      healthy(sample);
                      sample.acknowledgements = 0;
                    }),
            std::nullopt);
}

TEST(StallDetector, LeavesAServerItsOwnWindow) {
  // 2.5 MB at 250 kB/s: an acknowledgement every ten seconds.
  EXPECT_EQ(dies_at(1h,
                    [](auto& sample) {
                      const uint64_t acknowledged = sample.acknowledgements;
                      healthy(sample);
                      sample.sent_bytes -= 62'500;
                      sample.acknowledgements = acknowledged + (sample.now % 10s == 9s ? 1 : 0);
                      if (sample.acknowledgements > 0) sample.acknowledgement_step = 2'500'000;
                    }),
            std::nullopt);
}

TEST(StallDetector, TakesNoPromiseFromASingleAcknowledgement) {
  EXPECT_EQ(dies_at(1h,
                    [](auto& sample) {
                      healthy(sample);
                      sample.acknowledgements = 1;
                      sample.acknowledgement_step = 3'300;
                    }),
            std::nullopt);
}

TEST(StallDetector, NeverTakesFourKilobytesASecondForDeath) {
  EXPECT_EQ(dies_at(1h,
                    [](auto& sample) {
                      if (sample.now < 5s) return healthy(sample);
                      const bool is_open = sample.now % 5s == 0s;  // one window update every five seconds
                      if (is_open) sample.confirmed_bytes += 20'000;
                      if (is_open) sample.sent_bytes += 20'000;
                      sample.waiting_bytes = 150'000;
                      sample.heard_ago = sample.now % 3s;
                      if (sample.now % 4s == 0s) ++sample.acknowledgements;
                    }),
            std::nullopt);
}

TEST(StallDetector, DoesNotHoldAQuietSenderAgainstTheServer) {
  // Nothing to send for a minute, then a burst whose acknowledgement takes a round trip of half a second.
  EXPECT_EQ(dies_at(120s,
                    [](auto& sample) {
                      if (sample.now < 5s) return healthy(sample);
                      sample.waiting_bytes = 0;
                      sample.confirmed_bytes = sample.sent_bytes;
                      if (sample.now == 65s) sample.sent_bytes += 300'000;
                      if (sample.now == 65'500ms) ++sample.acknowledgements;
                    }),
            std::nullopt);
}

}  // namespace
}  // namespace vitrine::encoder
