// SPDX-License-Identifier: Apache-2.0
#include "encoder/reconnect_policy.h"

#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

std::vector<milliseconds> delays(ReconnectPolicy& policy, ErrorCode cause, int count) {
  std::vector<milliseconds> all;
  for (int i = 0; i < count; ++i) all.push_back(policy.next_delay(cause));
  return all;
}

TEST(ReconnectPolicy, TriesABrokenPathAtOnceAndThenEverMoreSlowly) {
  ReconnectPolicy policy([] { return 0.0; });
  EXPECT_THAT(delays(policy, ErrorCode::kIngestDisconnected, 8),
              ElementsAre(0ms, 500ms, 1s, 2s, 4s, 8s, 12'500ms, 12'500ms));
}

TEST(ReconnectPolicy, GivesABusyKeyFiveSecondsEachTime) {
  ReconnectPolicy policy([] { return 0.0; });
  EXPECT_THAT(delays(policy, ErrorCode::kIngestBusy, 3), ElementsAre(5s, 5s, 5s));
}

TEST(ReconnectPolicy, AsksARefusedKeyOnceAMinuteInTheEnd) {
  ReconnectPolicy policy([] { return 0.0; });
  EXPECT_THAT(delays(policy, ErrorCode::kAuthRejected, 6), ElementsAre(5s, 10s, 20s, 40s, 60s, 60s));
}

TEST(ReconnectPolicy, BeginsAnewAfterAGoodConnection) {
  ReconnectPolicy policy([] { return 0.0; });
  delays(policy, ErrorCode::kTimeout, 5);
  policy.reset();
  EXPECT_EQ(policy.next_delay(ErrorCode::kTimeout), 0ms);
}

TEST(ReconnectPolicy, NeverGivesUpInThirtyDaysAndNeverWaitsLongerThanFifteenSeconds) {
  std::minstd_rand engine(7);
  std::uniform_real_distribution<double> share(0, 1);
  ReconnectPolicy policy([&] { return share(engine); });
  milliseconds now{0};
  int64_t tries = 0;
  while (now < 24h * 30) {
    const auto delay = policy.next_delay(ErrorCode::kConnectRefused);
    ASSERT_LE(delay, 15s);
    now += delay;
    ++tries;
  }
  EXPECT_GT(tries, 24 * 30 * 240);
  EXPECT_EQ((policy.reset(), policy.next_delay(ErrorCode::kConnectRefused)), 0ms);
}

TEST(ReconnectPolicy, SpreadsDestinationsThatFellTogether) {
  ReconnectPolicy early([] { return 0.0; });
  ReconnectPolicy late([] { return 1.0; });
  for (int i = 0; i < 7; ++i) {
    const auto a = early.next_delay(ErrorCode::kTimeout);
    const auto b = late.next_delay(ErrorCode::kTimeout);
    EXPECT_EQ(b, a + a / 5);
  }
}

}  // namespace
}  // namespace vitrine::encoder
