// SPDX-License-Identifier: Apache-2.0
#include "encoder/platforms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rfc3339.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<Platform>& shipped() {
  static const auto platforms = load_platforms(VITRINE_SOURCE_DIR "/encoder/platforms.toml").value();
  return platforms;
}

Instant at(const char* text) {
  return parse_rfc3339(text).value();
}

TEST(Platforms, TheShippedTableIsWhole) {
  const auto platforms = load_platforms(VITRINE_SOURCE_DIR "/encoder/platforms.toml");
  ASSERT_TRUE(platforms) << to_error(platforms.error()).message;
  for (const auto* id : {"generic", "douyin", "kuaishou", "taobao", "wechat-channels", "tiktok", "youtube"}) {
    EXPECT_NE(find_platform(*platforms, id), nullptr) << id;
  }
  for (const auto& platform : *platforms) {
    EXPECT_FALSE(platform.source.empty()) << platform.id;
    EXPECT_EQ(platform.b_frames, 0) << platform.id << ": raise it only with a reason";
  }
  EXPECT_EQ(find_platform(*platforms, "nowhere"), nullptr);
}

TEST(Platforms, NamesEveryProblemWithItsLine) {
  const auto platforms = parse_platforms(R"(
[[platform]]
id = "a"
name = "A"
keyframe_interval_s = 99
b_frames = 0
video_codecs = ["vp6"]
aspects = ["wide"]
confidence = "sure"
source = "x"
max_bitrate = 3
[[platform]]
id = "a"
name = "B"
keyframe_interval_s = 2
b_frames = 0
video_codecs = ["h264"]
confidence = "high"
source = "x"
)",
                                         "p.toml");
  ASSERT_FALSE(platforms);
  const std::string text = to_error(platforms.error()).message;
  EXPECT_THAT(text,
              AllOf(HasSubstr("p.toml:5"), HasSubstr("p.toml:7"), HasSubstr("vp6"), HasSubstr("p.toml:8"),
                    HasSubstr("p.toml:9"), HasSubstr("max_bitrate"), HasSubstr("a second time")));
}

struct ExpiryCase {
  const char* name;
  const char* platform;
  const char* key;
  const char* expected;  // "" for none
};
class KeyExpiry : public ::testing::TestWithParam<ExpiryCase> {};

TEST_P(KeyExpiry, IsReadFromTheKey) {
  const auto& [name, platform, key, expected] = GetParam();
  const auto end = key_expiry(Secret(key), *find_platform(shipped(), platform));
  EXPECT_EQ(end ? format_rfc3339(*end) : "", expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, KeyExpiry,
    ::testing::Values(ExpiryCase{"DouyinDecimal", "douyin", "stream-1?k=v&expire=1795352400&sign=ab",
                                 "2026-11-22T13:00:00.000Z"},
                      ExpiryCase{"DouyinHex", "douyin", "stream-1?expire=6b02e750&sign=ab",
                                 "2026-11-22T13:00:00.000Z"},
                      ExpiryCase{"WechatHex", "wechat-channels", "name?txSecret=00ff&txTime=6B02E750",
                                 "2026-11-22T13:00:00.000Z"},
                      ExpiryCase{"TaobaoWithTail", "taobao", "s?auth_key=1795352400-0-0-9f8e7d",
                                 "2026-11-22T13:00:00.000Z"},
                      ExpiryCase{"GenericKnowsTheUsualFields", "generic", "s?wsSecret=1&wsTime=1795352400",
                                 "2026-11-22T13:00:00.000Z"},
                      ExpiryCase{"NoQuery", "douyin", "stream-1-expire=1795352400", ""},
                      ExpiryCase{"OtherField", "douyin", "s?noexpire=1795352400&expires=1795352400", ""},
                      ExpiryCase{"NoNumber", "douyin", "s?expire=soon", ""},
                      ExpiryCase{"NoTime", "douyin", "s?expire=12", ""},
                      ExpiryCase{"Overflow", "douyin", "s?expire=99999999999999999999999", ""},
                      ExpiryCase{"Empty", "douyin", "s?expire=", ""},
                      ExpiryCase{"EmptyKey", "douyin", "", ""}),
    [](const auto& suite) { return suite.param.name; });

DestinationCheck check(const std::string& platform, const std::string& url, const ProgramConfig& program,
                       const Secret* key = nullptr, Instant now = at("2026-11-22T10:00:00Z")) {
  DestinationConfig destination;
  destination.id = "d";
  destination.platform = platform;
  destination.url = url;
  return check_destination(destination, program, shipped(), key, now);
}

ProgramConfig portrait(int video_kbps) {
  ProgramConfig program;
  program.size = {1080, 1920};
  program.video_kbps = video_kbps;
  return program;
}

TEST(CheckDestination, FindsNothingWhereAllIsWell) {
  const Secret key("s?expire=1796000000");
  const auto result = check("douyin", "rtmp://push.example/third", portrait(4000), &key);
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(result.warnings, IsEmpty());
}

TEST(CheckDestination, RefusesPlainRtmpWhereOnlyTlsIsLetIn) {
  const auto result = check("facebook", "rtmp://live.example:80/rtmp", ProgramConfig{});
  ASSERT_THAT(result.errors, SizeIs(1));
  EXPECT_THAT(result.errors[0].text(), AllOf(HasSubstr("rtmps://"), HasSubstr("\"d\": url")));
  EXPECT_THAT(check("facebook", "rtmps://live.example/rtmp", ProgramConfig{}).errors, IsEmpty());
}

TEST(CheckDestination, TellsACeilingThatIsCertainFromOneThatIsSaid) {
  EXPECT_THAT(check("twitch", "rtmp://h/app",
                    [] {
                      ProgramConfig program;
                      program.video_kbps = 6001;
                      return program;
                    }())
                  .errors,
              SizeIs(1));
  const auto said = check("douyin", "rtmp://h/third", portrait(6000));
  EXPECT_THAT(said.errors, IsEmpty());
  ASSERT_THAT(said.warnings, SizeIs(1));
  EXPECT_THAT(said.warnings[0].text(), HasSubstr("at most 4000 kbit/s for 抖音"));
}

TEST(CheckDestination, WarnsOfAShapeThePlatformDoesNotShow) {
  const auto result = check("tiktok", "rtmp://h/live", ProgramConfig{});
  ASSERT_THAT(result.warnings, SizeIs(1));
  EXPECT_THAT(result.warnings[0].text(), AllOf(HasSubstr("1920x1080"), HasSubstr("9:16")));
}

TEST(CheckDestination, KnowsKeysThatEndedAndKeysThatEndSoon) {
  const Secret key("s?expire=1795352400&sign=topsecret");  // 13:00
  const auto ended = check("douyin", "rtmp://h/third", portrait(4000), &key, at("2026-11-22T13:00:00Z"));
  ASSERT_THAT(ended.errors, SizeIs(1));
  EXPECT_THAT(ended.errors[0].text(),
              AllOf(HasSubstr("2026-11-22T13:00:00"), ::testing::Not(HasSubstr("topsecret"))));
  const auto soon = check("douyin", "rtmp://h/third", portrait(4000), &key, at("2026-11-22T10:30:00Z"));
  EXPECT_THAT(soon.errors, IsEmpty());
  ASSERT_THAT(soon.warnings, SizeIs(1));
  EXPECT_THAT(soon.warnings[0].text(), HasSubstr("02:30 h"));
  EXPECT_THAT(check("douyin", "rtmp://h/third", portrait(4000), &key, at("2026-11-21T10:00:00Z")).warnings,
              IsEmpty());
}

TEST(Platforms, TheStrictestDestinationRulesTheEncoder) {
  Config config;
  for (const auto* platform : {"douyin", "chzzk", "nowhere"}) {
    DestinationConfig destination;
    destination.program = "main";
    destination.platform = platform;
    config.destinations.push_back(destination);
  }
  auto platforms = shipped();
  for (auto& platform : platforms) platform.b_frames = platform.id == "douyin" ? 1 : 2;
  EXPECT_EQ(stream_rules(config, "main", platforms).keyframe_interval_s, 1);
  EXPECT_EQ(stream_rules(config, "main", platforms).b_frames, 1);
  EXPECT_EQ(stream_rules(config, "other", platforms).keyframe_interval_s, 2);
  EXPECT_EQ(stream_rules(config, "other", platforms).b_frames, 0);
}

TEST(CheckDestination, NamesThePlatformsThereAre) {
  const auto result = check("doyin", "rtmp://h/live", ProgramConfig{});
  ASSERT_THAT(result.errors, SizeIs(1));
  EXPECT_THAT(result.errors[0].text(), AllOf(HasSubstr("\"doyin\""), HasSubstr("douyin")));
}

}  // namespace
}  // namespace vitrine::encoder
