// SPDX-License-Identifier: Apache-2.0
#include "encoder/timing_window.h"

#include <gtest/gtest.h>

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;

TEST(TimingWindow, GivesQuantilesOfWhatIsNotTooOld) {
  TimingWindow window(10s);
  EXPECT_EQ(window.quantile(0s, 0.5), 0ms);
  window.note(0s, 500ms);
  for (int i = 1; i <= 100; ++i) window.note(5s, i * 1ms);
  EXPECT_EQ(window.quantile(5s, 1.0), 500ms);
  EXPECT_EQ(window.quantile(11s, 0.5), 50ms);
  EXPECT_EQ(window.quantile(11s, 0.95), 95ms);
  EXPECT_EQ(window.quantile(11s, 1.0), 100ms);
  EXPECT_EQ(window.quantile(16s, 0.5), 0ms);
}

TEST(RateWindow, DividesByItsAgeUntilItIsFull) {
  RateWindow rate(4s);
  EXPECT_EQ(rate.bits_per_second(0s), 0);
  for (int i = 0; i <= 10; ++i) rate.note(i * 100ms, 12'500);
  EXPECT_EQ(rate.bits_per_second(1s), 11 * 12'500 * 8);
  for (int i = 11; i < 200; ++i) rate.note(i * 100ms, 12'500);
  EXPECT_EQ(rate.bits_per_second(19'900ms), 1'000'000);
  EXPECT_EQ(rate.bits_per_second(60s), 0);
}

}  // namespace
}  // namespace vitrine::encoder
