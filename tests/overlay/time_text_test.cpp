// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/time_text.h"

#include <stdlib.h>
#include <time.h>

#include <gtest/gtest.h>

#include "tests/overlay/template_bench.h"

namespace vitrine::overlay {
namespace {

using namespace std::chrono_literals;

const Instant kDeadline = test::at("2026-11-11T12:00:00Z");

std::string left(std::chrono::microseconds before, CountdownFormat format = CountdownFormat::kAuto) {
  return countdown_text(kDeadline, kDeadline - before, format, 10s).text;
}

TEST(CountdownText, RoundsUpSoThatZeroIsTheDeadlineItself) {
  EXPECT_EQ(left(276s), "04:36");
  EXPECT_EQ(left(276s - 1us), "04:36");
  EXPECT_EQ(left(275s), "04:35");
  EXPECT_EQ(left(275s + 1us), "04:36");
  EXPECT_EQ(left(11s), "00:11");
  EXPECT_EQ(left(10s + 1us), "00:11");
}

TEST(CountdownText, HasTenthsInTheLastTenSeconds) {
  EXPECT_EQ(left(10s), "10.0");
  EXPECT_EQ(left(9s + 999'999us), "10.0");
  EXPECT_EQ(left(9s + 900ms), "09.9");
  EXPECT_EQ(left(9300ms), "09.3");
  EXPECT_EQ(left(100ms), "00.1");
  EXPECT_EQ(left(1us), "00.1");
  EXPECT_EQ(left(0s), "00.0");
  EXPECT_EQ(left(-5s), "00.0");
}

TEST(CountdownText, WithoutTenthsCountsSecondsToTheEnd) {
  EXPECT_EQ(countdown_text(kDeadline, kDeadline - 1us, CountdownFormat::kAuto, 0s).text, "00:01");
  EXPECT_EQ(countdown_text(kDeadline, kDeadline, CountdownFormat::kAuto, 0s).text, "00:00");
}

TEST(CountdownText, Formats) {
  EXPECT_EQ(left(3599s), "59:59");
  EXPECT_EQ(left(3600s), "01:00:00");
  EXPECT_EQ(left(100h), "100:00:00");
  EXPECT_EQ(left(3661s, CountdownFormat::kMinutes), "61:01");
  EXPECT_EQ(left(61s, CountdownFormat::kHours), "00:01:01");
  EXPECT_EQ(left(3661s, CountdownFormat::kSeconds), "3661");
  EXPECT_EQ(parse_countdown_format("hh:mm:ss"), CountdownFormat::kHours);
  EXPECT_EQ(parse_countdown_format("HH"), std::nullopt);
}

TEST(CountdownText, FollowsItselfWithoutGapOrOverlapToTheDeadline) {
  Instant now = kDeadline - 14s - 123ms;
  int texts = 0;
  std::string before;
  while (now < kDeadline) {
    const auto timed = countdown_text(kDeadline, now, CountdownFormat::kAuto, 10s);
    ASSERT_LE(timed.from, now);
    ASSERT_GT(timed.until, now);
    ASSERT_NE(timed.text, before);
    ASSERT_NE(timed.text, "00.0") << "zero before the deadline";
    // One text all through its time.
    ASSERT_EQ(countdown_text(kDeadline, timed.from, CountdownFormat::kAuto, 10s).text, timed.text);
    ASSERT_EQ(countdown_text(kDeadline, timed.until - 1us, CountdownFormat::kAuto, 10s).text, timed.text);
    before = timed.text;
    now = timed.until;
    ++texts;
  }
  EXPECT_EQ(now, kDeadline);
  EXPECT_EQ(texts, 5 + 100);  // 15 to 11 in seconds, then tenths
}

class LocalTimeTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "Asia/Shanghai", 1);
    ::tzset();
  }
  void TearDown() override {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST_F(LocalTimeTest, IsTheBoxsOwn) {
  EXPECT_EQ(local_time_text(test::at("2026-11-30T16:30:00Z"), "%-m月%-d日 %H:%M"), "12月1日 00:30");
  EXPECT_EQ(local_time_text(test::at("2026-01-02T00:00:00Z"), "%Y-%m-%d %H:%M:%S"), "2026-01-02 08:00:00");
}

TEST_F(LocalTimeTest, ClockIsValidForItsMinuteOrSecond) {
  const auto minute = clock_text(test::at("2026-11-11T12:34:56.789Z"), "%H:%M");
  EXPECT_EQ(minute.text, "20:34");
  EXPECT_EQ(minute.from, test::at("2026-11-11T12:34:00Z"));
  EXPECT_EQ(minute.until, test::at("2026-11-11T12:35:00Z"));
  const auto second = clock_text(test::at("2026-11-11T12:34:56.789Z"), "%H:%M:%S");
  EXPECT_EQ(second.text, "20:34:56");
  EXPECT_EQ(second.from, test::at("2026-11-11T12:34:56Z"));
  EXPECT_EQ(second.until, test::at("2026-11-11T12:34:57Z"));
}

TEST(TimeFormat, TakesOnlyWhatHasNoSurprises) {
  EXPECT_EQ(find_bad_time_format("%-m月%-d日 %H:%M"), std::nullopt);
  EXPECT_EQ(find_bad_time_format("%s"), "%s");
  EXPECT_EQ(find_bad_time_format("100%"), "%");
  EXPECT_EQ(find_bad_time_format("%-"), "%-");
  EXPECT_EQ(find_bad_time_format("%n"), "%n");
  EXPECT_EQ(find_bad_time_format("%%"), "%%");
}

}  // namespace
}  // namespace vitrine::overlay
