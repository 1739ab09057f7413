// SPDX-License-Identifier: Apache-2.0
#include "core/secret.h"

#include <ostream>
#include <stdlib.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/source_address.h"
#include "core/url.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine {
namespace {

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Streamable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_constructible_v<nlohmann::json, Secret>);
static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);

TEST(Secret, IsWipedWhenMovedFrom) {
  Secret first("correct horse");
  const Secret second = std::move(first);
  EXPECT_EQ(second.reveal(), "correct horse");
  EXPECT_TRUE(first.is_empty());  // NOLINT(bugprone-use-after-move): that is the test
}

TEST(LoadCredential, ReadsTheFileWithoutItsNewline) {
  const fakes::TempDir dir;
  dir.write("douyin-key", "stream-1?expire=99&sign=ab\n");
  const auto secret = load_credential(dir.path(), "douyin-key");
  ASSERT_TRUE(secret) << secret.error().message;
  EXPECT_EQ(secret->reveal(), "stream-1?expire=99&sign=ab");
}

TEST(LoadCredential, PrefersWhatTheServiceManagerHands) {
  const fakes::TempDir dir;
  const fakes::TempDir systemd;
  dir.write("key", "old");
  systemd.write("key", "new");
  ::setenv("CREDENTIALS_DIRECTORY", systemd.path().c_str(), 1);
  const auto secret = load_credential(dir.path(), "key");
  const auto other = load_credential(dir.path(), "absent");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(secret->reveal(), "new");
  EXPECT_EQ(other.error().code, ErrorCode::kNotFound);
}

TEST(LoadCredential, RefusesAFileThatOthersCanReadAndSaysHowToMendIt) {
  const fakes::TempDir dir;
  dir.write("key", "super-secret", std::filesystem::perms(0640));
  const auto secret = load_credential(dir.path(), "key");
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, ErrorCode::kPermission);
  EXPECT_THAT(secret.error().message, testing::HasSubstr("chmod 0600"));
  EXPECT_THAT(secret.error().message, testing::Not(testing::HasSubstr("super-secret")));
}

TEST(LoadCredential, RefusesEmptyHugeAndLinkedFiles) {
  const fakes::TempDir dir;
  dir.write("empty", "\n \n");
  dir.write("huge", std::string(5000, 'x'));
  dir.write("target", "x");
  std::filesystem::create_symlink(dir.path() / "target", dir.path() / "link");
  EXPECT_FALSE(load_credential(dir.path(), "empty"));
  EXPECT_FALSE(load_credential(dir.path(), "huge"));
  EXPECT_FALSE(load_credential(dir.path(), "link"));
}

TEST(RedactUrl, KeepsWhatATechnicianNeedsAndNoSecret) {
  EXPECT_EQ(redact_url("rtmp://push.example:1935/live/stream-1?sign=abc#f"), "rtmp://push.example:1935/live");
  EXPECT_EQ(redact_url("rtsp://admin:pass@10.0.0.7/h264/ch1"), "rtsp://10.0.0.7/h264");
  EXPECT_THAT(redact_url("rtmp://user:p@ss@host/app/key"), testing::Not(testing::HasSubstr("ss")));
  EXPECT_EQ(redact_url("my-secret-key"), "(not a URL)");
}

TEST(SourceAddress, TakesEveryDocumentedForm) {
  for (const char* text : {"v4l2:auto", "v4l2:/dev/video0", "v4l2:serial=ABC", "v4l2:port=1-2.3",
                           "rtsp://10.0.0.7/ch1", "file:/srv/clip.mp4", "test:bars"}) {
    const auto address = parse_camera_address(text);
    ASSERT_TRUE(address) << text << ": " << address.error().message;
    EXPECT_EQ(address->text(), text);
  }
  for (const char* text :
       {"alsa:default", "alsa:hw:CARD=Mic,DEV=0", "camera:counter", "file:/srv/a.wav", "test:tone"}) {
    const auto address = parse_microphone_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(SourceAddress, RefusesTheRestAndSaysWhatIsAllowed) {
  for (const char* text : {"", "http://x/y", "v4l2:", "v4l2:video0", "v4l2:serial=", "file:relative.mp4",
                           "file:", "test:bars2", "rtsp://", "RTSP://x/y", "alsa:default"}) {
    EXPECT_FALSE(parse_camera_address(text)) << text;
  }
  const auto with_password = parse_camera_address("rtsp://admin:pass@10.0.0.7/ch1");
  ASSERT_FALSE(with_password);
  EXPECT_THAT(with_password.error().message, testing::HasSubstr("credential"));
  EXPECT_THAT(with_password.error().message, testing::Not(testing::HasSubstr("pass@")));
}

}  // namespace
}  // namespace vitrine
