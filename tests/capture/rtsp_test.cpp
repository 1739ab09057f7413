// SPDX-License-Identifier: Apache-2.0
//
// The real worker under the real Source against a real RTSP server.
#include <signal.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "studio_side.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::capture {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using State = SourceStatus::State;

constexpr auto kUdp = CameraConfig::Transport::kUdp;
const std::string kSmall = ",size=320x240,seconds=2";

StudioSide::Options with_sound(CameraConfig::Transport transport = CameraConfig::Transport::kTcp) {
  return {.wants_sound = true, .transport = transport};
}

struct Pair {
  const char* video;
  const char* sound;
  const char* shown;
};

/// Several pictures and blocks of sound, not only the first.
void expect_flow(const StudioSide& side, const Pair& pair) {
  const auto is_flowing = [&](const SourceStatus& status) {
    return status.report.fps > 10 && status.report.level_db > -60 && status.sound_age &&
           *status.sound_age < 1s;
  };
  ASSERT_TRUE(side.is_live()) << pair.shown;
  EXPECT_TRUE(side.wait_until(is_flowing)) << pair.shown << " " << describe(side.status());
  EXPECT_THAT(side.status().report.format, HasSubstr(pair.shown));
}

TEST(Rtsp, EveryCodecPairPlaysOverTcp) {
  constexpr std::array kVideos = {"h264", "h265", "mjpeg"};
  constexpr std::array kSounds = {"aac", "pcma", "pcmu", "opus"};
  std::vector<std::string> mounts;
  for (const auto* video : kVideos) {
    for (const auto* sound : kSounds)
      mounts.push_back(fmt::format("/{0}-{1},video={0},audio={1}{2}", video, sound, kSmall));
  }
  const RtspServer server(mounts);
  for (const auto* video : kVideos) {
    for (const auto* sound : kSounds) {
      SCOPED_TRACE(fmt::format("{} with {}", video, sound));
      const StudioSide side(server.url(fmt::format("/{}-{}", video, sound)), with_sound());
      expect_flow(
          side, {video, sound, video == std::string("mjpeg") ? "MJPEG 320×240" : "320×240 BT.709 limited, "});
      EXPECT_EQ(side.status().restarts, 0) << describe(side.status());
    }
  }
}

TEST(Rtsp, TheCommonCodecsPlayOverUdp) {
  const RtspServer server({"/a,video=h264,audio=aac" + kSmall, "/b,video=h265,audio=pcma" + kSmall});
  for (const Pair& pair : {Pair{"h264", "aac", "H.264 320×240"}, Pair{"h265", "pcma", "H.265 320×240"}}) {
    const StudioSide side(server.url(pair.video == std::string("h264") ? "/a" : "/b"), with_sound(kUdp));
    expect_flow(side, pair);
    EXPECT_EQ(side.status().restarts, 0) << describe(side.status());
  }
}

TEST(Rtsp, TwoCamerasPlayAtOnceAndOnesDeathIsNotTheOthers) {
  const RtspServer server(
      {"/a,video=h264,audio=aac" + kSmall, "/b,video=h265,audio=opus,size=640x360,seconds=2"});
  const StudioSide first(server.url("/a"), with_sound());
  const StudioSide second(server.url("/b"), with_sound());
  ASSERT_TRUE(first.is_live());
  ASSERT_TRUE(second.is_live());
  EXPECT_EQ(first.frame()->picture.size, (Size{320, 240}));
  EXPECT_EQ(second.frame()->picture.size, (Size{640, 360}));
  ::kill(first.status().pid, SIGKILL);
  ASSERT_TRUE(first.wait_until([](const auto& status) { return status.restarts == 1; }));
  EXPECT_EQ(second.status().restarts, 0);
  EXPECT_EQ(second.status().state, State::kLive);
}

TEST(Rtsp, WantsOnlyTheSoundWhenAskedSo) {
  const RtspServer server({"/a" + kSmall});
  const StudioSide side(server.url("/a"), {.wants_picture = false, .wants_sound = true});
  ASSERT_TRUE(side.is_live());
  EXPECT_TRUE(side.wait_until([](const auto& status) { return status.report.level_db > -60; }));
  EXPECT_FALSE(side.frame());
}

TEST(Rtsp, TellsAWrongPasswordFromAMissingOneAndWaitsLong) {
  const RtspServer server({"/a,user=shop,password=geheim,audio=none" + kSmall});
  const auto is_rejected = [](const SourceStatus& status) {
    return status.last_error.code == ErrorCode::kAuthRejected;
  };
  {
    const StudioSide side(server.url("/a"), {.login = "shop:geheim"});
    EXPECT_TRUE(side.is_live());
  }
  const StudioSide wrong(server.url("/a"), {.login = "shop:guessed"});
  ASSERT_TRUE(wrong.wait_until(is_rejected)) << describe(wrong.status());
  EXPECT_THAT(wrong.status().last_error.message, HasSubstr("refused the user or password"));
  EXPECT_THAT(wrong.status().last_error.message, Not(HasSubstr("guessed")));
  const StudioSide none(server.url("/a"));
  ASSERT_TRUE(none.wait_until(is_rejected)) << describe(none.status());
  EXPECT_THAT(none.status().last_error.message, HasSubstr("wants a user and password"));
  // Waiting, not hammering: the camera would lock the account.
  EXPECT_EQ(none.status().state, State::kWaiting);
  EXPECT_EQ(none.status().restarts, 1);
}

TEST(Rtsp, SaysWhenThePathIsWrong) {
  const RtspServer server({"/a,audio=none" + kSmall});
  const StudioSide side(server.url("/nothing"));
  ASSERT_TRUE(side.wait_until([](const auto& status) {
    return status.last_error.code == ErrorCode::kNotFound;
  })) << describe(side.status());
}

TEST(Rtsp, SaysWhenTheNameIsUnknown) {
  const StudioSide side("rtsp://camera.invalid/stream");
  ASSERT_TRUE(side.wait_until([](const auto& status) {
    return status.last_error.code == ErrorCode::kResolveFailed;
  })) << describe(side.status());
}

TEST(Rtsp, PlaysOnceTheServerAppears) {
  int port = 0;
  {
    const RtspServer found({"/a,audio=none" + kSmall});
    port = found.port();
  }
  const StudioSide side(fmt::format("rtsp://127.0.0.1:{}/a", port));
  ASSERT_TRUE(side.wait_until([](const auto& status) {
    return status.restarts >= 2 && status.last_error.code == ErrorCode::kConnectRefused;
  })) << describe(side.status());
  const RtspServer server({"/a,audio=none" + kSmall}, port);
  EXPECT_TRUE(side.is_live());
}

TEST(Rtsp, LosesAKilledServerAtOnceAndFindsItAgain) {
  RtspServer server({"/a" + kSmall});
  const StudioSide side(server.url("/a"), with_sound());
  ASSERT_TRUE(side.is_live());
  server.kill();
  const auto killed = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_for([&] { return !side.frame() && !side.sound(); }));
  RecordProperty("lost_after_ms", static_cast<int>((std::chrono::steady_clock::now() - killed) / 1ms));
  ASSERT_TRUE(
      side.wait_until([](const auto& status) { return status.restarts >= 4; }));  // the backoff has grown
  server.start();
  const auto back = std::chrono::steady_clock::now();
  ASSERT_TRUE(side.is_live());
  const auto took = (std::chrono::steady_clock::now() - back) / 1ms;
  RecordProperty("back_after_ms", static_cast<int>(took));
  fmt::print("frames again {} ms after the server's return\n", took);
}

TEST(Rtsp, SaysThatNothingComesFromAStoppedServerAndGoesOnWithIt) {
  const RtspServer server({"/a" + kSmall});
  const StudioSide side(server.url("/a"), with_sound());
  ASSERT_TRUE(side.is_live());
  server.signal(SIGSTOP);
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.state == State::kNoSignal; }));
  EXPECT_TRUE(side.wait_until([](const auto& status) {
    return status.last_error.code == ErrorCode::kNoSignal;
  })) << describe(side.status());
  server.signal(SIGCONT);
  EXPECT_TRUE(side.is_live());
}

TEST(Rtsp, ForgetsAKilledWorkersPicturesAtOnceAndStartsAnother) {
  const RtspServer server({"/a" + kSmall});
  const StudioSide side(server.url("/a"), with_sound());
  ASSERT_TRUE(side.is_live());
  const auto pinned = side.frame();
  ASSERT_TRUE(pinned);
  const Yuv before = mean_of(pinned->picture, 0, 0, 1, 1);
  const int first = side.status().pid;
  ::kill(first, SIGKILL);
  const auto killed = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_for([&] { return !side.frame() && !side.sound(); }));
  fmt::print("empty {} µs after the kill\n", (std::chrono::steady_clock::now() - killed) / 1us);
  ASSERT_TRUE(side.is_live());
  fmt::print("frames again {} ms after the kill\n", (std::chrono::steady_clock::now() - killed) / 1ms);
  EXPECT_NE(side.status().pid, first);
  // A picture that somebody still looks at outlives the worker that made it.
  EXPECT_EQ(mean_of(pinned->picture, 0, 0, 1, 1).y, before.y);
}

TEST(Rtsp, KillsAWorkerThatNoLongerBeats) {
  const RtspServer server({"/a,audio=none" + kSmall});
  const StudioSide side(server.url("/a"));
  ASSERT_TRUE(side.is_live());
  const int first = side.status().pid;
  ::kill(first, SIGSTOP);
  ASSERT_TRUE(
      side.wait_until([](const auto& status) { return status.last_error.code == ErrorCode::kTimeout; }));
  EXPECT_THAT(side.status().last_error.message, HasSubstr("no sign of life"));
  EXPECT_TRUE(side.is_live());
  EXPECT_NE(side.status().pid, first);
}

TEST(Rtsp, FollowsAChangeOfSizeWithoutARestart) {
  const fakes::TempDir dir;
  std::string files;
  for (const char* size : {"320x240", "640x360", "160x120"}) {
    const std::string file = dir.path() / fmt::format("{}.mp4", size);
    run_ffmpeg({"-f", "lavfi", "-i", fmt::format("smptehdbars=size={}:rate=30", size), "-t", "1", "-pix_fmt",
                "yuv420p", "-bf", "0", "-g", "15", file});
    files += (files.empty() ? "" : "+") + file;
  }
  const RtspServer server({"/a,seconds=1,audio=none,file=" + files});
  const StudioSide side(server.url("/a"));
  // Twice round: up, down and up again.
  for (int round = 0; round < 2; ++round) {
    for (const Size size : {Size{320, 240}, Size{640, 360}, Size{160, 120}}) {
      ASSERT_TRUE(wait_for([&] {
        const auto frame = side.frame();
        return frame && frame->picture.size == size;
      })) << size.width
          << " " << describe(side.status());
    }
  }
  EXPECT_EQ(side.status().restarts, 0) << describe(side.status());
}

TEST(Rtsp, EndsWithAReasonWhenTheStreamIsNoiseOrTooLarge) {
  const RtspServer server({"/noise,garbage=1,audio=none" + kSmall,
                           "/huge,size=8192x4320,fps=2,seconds=1,audio=none", "/good,audio=none" + kSmall});
  const StudioSide good(server.url("/good"));
  const StudioSide noise(server.url("/noise"));
  const StudioSide huge(server.url("/huge"));
  EXPECT_TRUE(noise.wait_until([](const auto& status) { return status.restarts > 0; }));
  // On a busy machine its worker may be found dead first.
  EXPECT_THAT(to_string(noise.status().last_error.code),
              testing::AnyOf("no_signal", "unsupported_format", "timeout"));
  EXPECT_FALSE(noise.frame());
  EXPECT_TRUE(huge.wait_until([](const auto& status) { return status.restarts > 0; }));
  EXPECT_EQ(huge.status().last_error.code, ErrorCode::kUnsupportedFormat) << describe(huge.status());
  EXPECT_FALSE(huge.frame());
  EXPECT_EQ(good.status().restarts, 0) << describe(good.status());
}

TEST(Rtsp, SurvivesADamagedStream) {
  const RtspServer server({"/a,damage=25,gop=10" + kSmall,
                           "/b,video=h265,audio=opus,damage=25,gop=10" + kSmall,
                           "/c,video=mjpeg,audio=pcma,damage=25" + kSmall});
  for (const char* path : {"/a", "/b", "/c"}) {
    const StudioSide side(server.url(path), with_sound());
    ASSERT_TRUE(side.is_live()) << path;
    // It may lose pictures, and may even die of one; it must not hang, and must come back.
    ASSERT_TRUE(side.wait_until([](const auto& status) {
      return status.report.dropped > 5 || status.restarts > 0;
    })) << path;
    EXPECT_TRUE(side.is_live()) << path;
  }
}

}  // namespace
}  // namespace vitrine::capture
