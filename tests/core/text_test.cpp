// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json_text.h"
#include "core/media_time.h"
#include "core/money.h"
#include "core/rfc3339.h"
#include "core/text_rules.h"

namespace vitrine {
namespace {

using namespace std::chrono_literals;

TEST(FindUnsafeCharacter, PassesWhatShopsWrite) {
  EXPECT_EQ(find_unsafe_character("长白山天然矿泉水 500 ml × 24 瓶 ¥39.9\n第二行"), std::nullopt);
  EXPECT_EQ(find_unsafe_character("👨‍👩‍👧 café"), std::nullopt);
}

TEST(FindUnsafeCharacter, FindsWhatCanMakeAPriceReadDifferently) {
  for (const char* text :
       {"¥\u202E93", "\u2066x", "a\u200Bb", "\u200F", "\x1b[2J", "tab\there", "\u2028", "soft\u00ADhyphen"}) {
    EXPECT_NE(find_unsafe_character(text), std::nullopt) << text;
  }
  EXPECT_THAT(*find_unsafe_character("ab\u202E"), testing::HasSubstr("U+202E"));
  EXPECT_THAT(*find_unsafe_character("ab\u202E"), testing::HasSubstr("byte 2"));
}

TEST(FindUnsafeCharacter, FindsInvalidUtf8) {
  for (const std::string_view text :
       {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "abc\xe4\xb8"}) {
    EXPECT_THAT(find_unsafe_character(text).value_or(""), testing::HasSubstr("UTF-8"));
  }
}

TEST(IsId, KeepsOutPathsAndSpaces) {
  EXPECT_TRUE(is_id("counter-1_b.main"));
  for (const char* text : {"", "..", ".hidden", "a/b", "a b", "ä", "a\n"}) EXPECT_FALSE(is_id(text)) << text;
  EXPECT_FALSE(is_id(std::string(65, 'a')));
}

TEST(Rfc3339, ReadsUtcOffsetsAndFractions) {
  const auto noon = parse_rfc3339("2026-11-22T12:00:00Z");
  ASSERT_TRUE(noon);
  EXPECT_EQ(format_rfc3339(*noon), "2026-11-22T12:00:00.000Z");
  EXPECT_EQ(parse_rfc3339("2026-11-22T20:00:00+08:00"), noon);
  EXPECT_EQ(*parse_rfc3339("2026-11-22T12:00:00.250Z") - *noon, 250ms);
  EXPECT_EQ(*parse_rfc3339("2028-02-29T00:00:00Z") - *parse_rfc3339("2028-02-28T00:00:00Z"), 24h);
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (const char* text : {"", "tomorrow", "2026-11-22", "2026-11-22T12:00:00", "2026-11-22 12:00:00Z",
                           "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-22T25:00:00Z",
                           "2026-11-22T12:00:00Zx", "1763812800", "2026-11-11T-11-11T12:00:09.3Z",
                           "2026-11-22T12:00:00.Z", "2026-11-22T12:00:00+8:00", "+026-11-22T12:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Money, IsWrittenAsAShopWritesIt) {
  const std::array<char, 3> cny = {'C', 'N', 'Y'};
  EXPECT_EQ(format_amount({3990, cny}, Cents::kTrim), "39.9");
  EXPECT_EQ(format_amount({3990, cny}, Cents::kKeep), "39.90");
  EXPECT_EQ(format_amount({4000, cny}, Cents::kTrim), "40");
  EXPECT_EQ(format_amount({5, cny}, Cents::kTrim), "0.05");
  EXPECT_EQ(format_amount({-129'900, cny}, Cents::kTrim), "-1299");
  EXPECT_EQ(format_amount({INT64_MIN, cny}, Cents::kKeep), "-92233720368547758.08");
  EXPECT_EQ(format_amount({500, {'J', 'P', 'Y'}}, Cents::kTrim), "500");
  EXPECT_EQ(currency_symbol({1, cny}), "¥");
  EXPECT_EQ(currency_symbol({1, {'X', 'A', 'U'}}), "XAU");
  EXPECT_EQ(minor_digits("XXX"), std::nullopt);
}

TEST(Rescale, IsExactOverMonthsAndRoundsToNearest) {
  EXPECT_EQ(rescale(1, {1, 3}, {1, 1000}), 333);
  EXPECT_EQ(rescale(2, {1, 3}, {1, 1000}), 667);
  EXPECT_EQ(rescale(-2, {1, 3}, {1, 1000}), -667);
  EXPECT_EQ(rescale(INT64_MAX / 2, kNanoseconds, kMilliseconds), INT64_MAX / 2 / 1'000'000);
}

TEST(FrameTime, DoesNotDriftAtNtscRates) {
  // 30 days of 29.97: one frame later is one frame later, to the nanosecond that rounds.
  const int64_t frames = 30LL * 86'400 * 30'000 / 1001;
  EXPECT_EQ(frame_time(frames, {30'000, 1001}).count(), rescale(frames, {1001, 30'000}, kNanoseconds));
  EXPECT_EQ(frame_time(30'000, {30'000, 1001}), 1001s);
}

TEST(ShowClock, MovesWithTheSteadyClockOnly) {
  const ShowClock clock{1000s, Instant{} + 500s};
  EXPECT_EQ(clock.at(1001s), Instant{} + 501s);
  EXPECT_EQ(clock.when(Instant{} + 499s), 999s);
}

TEST(ParseJson, RefusesWhatIsTooDeepTooLongOrAmbiguous) {
  EXPECT_TRUE(parse_json("{\"a\":[1,2]}", 100));
  EXPECT_FALSE(parse_json(std::string(1000, '['), 10'000));
  EXPECT_FALSE(parse_json(std::string(100, '[') + std::string(100, ']'), 10'000));
  EXPECT_FALSE(parse_json("{\"a\":1}", 3));
  EXPECT_FALSE(parse_json("{\"price\":1,\"price\":2}", 100));
  EXPECT_TRUE(parse_json("[{\"a\":1},{\"a\":2}]", 100));
  EXPECT_FALSE(parse_json("{\"a\":\"\xff\"}", 100));
  EXPECT_FALSE(parse_json("{} {}", 100));
  EXPECT_FALSE(parse_json("", 100));
}

TEST(Describe, ShowsByNumberWhatMustNotReachAScreen) {
  EXPECT_EQ(describe("¥99\u202e"), R"("\u00a599\u202e")");
  EXPECT_EQ(describe("云朵"), "\"云朵\"");
}

TEST(Describe, CutsLongTextInsideItsQuotes) {
  const std::string shown = describe(nlohmann::json(std::string(40, 'a') + "价格价格价格价格价格价格价格"));
  EXPECT_EQ(find_unsafe_character(shown), std::nullopt) << shown;
  EXPECT_LT(shown.size(), 70U);
}

}  // namespace
}  // namespace vitrine
