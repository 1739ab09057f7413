// SPDX-License-Identifier: Apache-2.0
//
// The worker's sandbox as the kernel reports it, and a microphone without a sound card: ALSA's own file
// device.
#include <sys/stat.h>

#include <cmath>
#include <fcntl.h>
#include <fstream>
#include <numbers>
#include <stdlib.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/audio_block.h"
#include "studio_side.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::capture {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// "Seccomp:\t2" of every thread of a process.
std::vector<std::string> thread_fields(int pid, const std::string& field) {
  std::vector<std::string> found;
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::ifstream status(thread.path() / "status");
    std::string name;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Name:")) name = line.substr(6);
      if (line.starts_with(field + ":")) found.push_back(name + ": " + line.substr(field.size() + 2));
    }
  }
  return found;
}

class Sandbox : public testing::TestWithParam<const char*> {};

/// Not only the main thread: a thread that GLib started before the filter was loaded would be outside, and so
/// would everything it starts.
TEST_P(Sandbox, HoldsEveryThread) {
  const fakes::TempDir dir;
  std::string address = GetParam();
  std::optional<RtspServer> server;
  if (address == "rtsp") {
    server.emplace(std::vector<std::string>{"/a,size=320x240,seconds=2"});
    address = server->url("/a");
  } else if (address == "file") {
    address = "file:" + (dir.path() / "clip.mp4").string();
    ASSERT_NO_FATAL_FAILURE(run_ffmpeg(
        {"-f", "lavfi", "-i", "testsrc=size=320x240:duration=1", "-pix_fmt", "yuv420p", address.substr(5)}));
  }
  const StudioSide side(address);
  ASSERT_TRUE(side.is_live());
  const int pid = side.status().pid;
  const auto filters = thread_fields(pid, "Seccomp");
  EXPECT_GE(filters.size(), 3U);  // main, play, at least one streaming thread
  EXPECT_THAT(filters, testing::Each(testing::EndsWith(": 2")));
  EXPECT_THAT(thread_fields(pid, "NoNewPrivs"), testing::Each(testing::EndsWith(": 1")));
  EXPECT_THAT(side.status().report.sandbox, HasSubstr("seccomp"));
  EXPECT_THAT(side.status().report.sandbox,
              HasSubstr(std::string(GetParam()) == "rtsp" ? "IP sockets only" : "no network"));
}

INSTANTIATE_TEST_SUITE_P(Of, Sandbox, testing::Values("rtsp", "file", "test:bars"), [](const auto& test) {
  std::string name = test.param;
  std::erase(name, ':');
  return name;
});

/// An ALSA configuration with one device, "mic", that reads what comes through a named pipe: paced by its
/// writer, as a sound card is by its clock.
class AlsaFileDevice : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(config.path() / "alsa");
    write_config(pipe());
    ASSERT_EQ(::mkfifo(pipe().c_str(), 0600), 0);
    ::setenv("ALSA_CONFIG_PATH", (config.path() / "alsa" / "asound.conf").c_str(), 1);
  }
  void TearDown() override { ::unsetenv("ALSA_CONFIG_PATH"); }

  void write_config(const std::filesystem::path& input) const {
    (void)config.write(
        "alsa/asound.conf",
        fmt::format("pcm.null {{ type null }}\n"
                    "pcm.fed {{ type file slave.pcm null file /dev/null infile {} format raw }}\n"
                    "pcm.mic {{ type plug slave {{ pcm fed format S16_LE rate 44100 channels 2 }} }}\n",
                    input.string()));
  }
  [[nodiscard]] std::filesystem::path pipe() const { return config.path() / "alsa" / "microphone"; }

  fakes::TempDir config;
};

TEST_F(AlsaFileDevice, IsHeardAtItsLevelAndPlace) {
  // Read-write, so that neither end waits for the other to open it.
  const UniqueFd feed(::open(pipe().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(feed.is_open());
  std::jthread player([&](const std::stop_token& stop) {
    std::vector<int16_t> block(480 * 2);
    int64_t index = 0;
    auto next = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
      for (size_t i = 0; i < block.size(); i += 2, ++index) {
        block[i] = block[i + 1] = static_cast<int16_t>(
            3277 * std::sin(2 * std::numbers::pi * 1000 * static_cast<double>(index) / 44'100));
      }
      // While nobody reads the pipe is full, and what does not fit is lost, as from a microphone nobody
      // listens to.
      if (::write(feed.get(), block.data(), block.size() * sizeof(int16_t)) < 0 && errno != EAGAIN) return;
      next += std::chrono::nanoseconds(480LL * 1'000'000'000 / 44'100);
      std::this_thread::sleep_until(next);
    }
  });
  const StudioSide side("alsa:mic", {.wants_picture = false, .wants_sound = true});
  ASSERT_TRUE(side.is_live());
  // A tenth of full scale: -20 dB peak, -23 dB by its mean square.
  EXPECT_TRUE(side.wait_until([](const auto& status) { return std::abs(status.report.level_db + 23) < 1.5; }))
      << side.status().report.level_db << " " << describe(side.status());
  EXPECT_LT(*side.status().sound_age, 1s);
  EXPECT_EQ(side.status().restarts, 0) << describe(side.status());
}

TEST_F(AlsaFileDevice, ThatReadsFromElsewhereIsRefusedByTheSandbox) {
  const fakes::TempDir elsewhere;
  const auto secret = elsewhere.write("secret.raw", std::string(1'000'000, 'x'));
  write_config(secret);
  const StudioSide side("alsa:mic", {.wants_picture = false, .wants_sound = true});
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.restarts > 0; }))
      << describe(side.status());
  EXPECT_EQ(side.sound(), nullptr);
  // The same file beside the configuration is read: it was the place, not the file.
  write_config(config.write("alsa/own.raw", std::string(1'000'000, 'x')));
  side.retry_now();
  EXPECT_TRUE(wait_for([&] { return side.sound() != nullptr; })) << describe(side.status());
}

TEST_F(AlsaFileDevice, ThatDoesNotExistIsNamed) {
  const StudioSide side("alsa:nothing", {.wants_picture = false, .wants_sound = true});
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.restarts > 0; }));
  EXPECT_EQ(side.status().last_error.code, ErrorCode::kNoDevice) << describe(side.status());
  EXPECT_THAT(side.status().last_error.message, HasSubstr("nothing"));
}

}  // namespace
}  // namespace vitrine::capture
