// SPDX-License-Identifier: Apache-2.0
// What somebody who looks on gets: ffprobe and ffmpeg judge a file made of what came out of the socket.
#include "encoder/viewer.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/child_process.h"
#include "tests/fakes/live_program.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::encoder {
namespace {

class ViewerTest : public testing::Test {
 protected:
  void open(fakes::LiveProgram& program) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    mine_ = UniqueFd(ends[0]);
    auto viewer = Viewer::start("main", fakes::LiveProgram::info(), *program.ring(), UniqueFd(ends[1]));
    ASSERT_TRUE(viewer) << viewer.error().message;
    viewer_ = std::move(*viewer);
  }
  /// What comes until the end, or until `program` has put out so many frames.
  std::filesystem::path take(const fakes::LiveProgram& program, int64_t until) const {
    const auto file = dir_.path() / "view.mp4";
    std::ofstream out(file, std::ios::binary);
    std::array<char, 65536> part{};
    while (program.frames() < until) {
      const ssize_t got = ::recv(mine_.get(), part.data(), part.size(), 0);
      if (got <= 0) break;
      out.write(part.data(), got);
    }
    return file;
  }
  static std::string probe(const std::filesystem::path& file, const std::string& what) {
    const auto probed = fakes::run({"ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", what,
                                    "-of", "csv=p=0", file.string()});
    EXPECT_EQ(probed.errors, "");
    return probed.output;
  }

  fakes::TempDir dir_;
  UniqueFd mine_;
  std::unique_ptr<Viewer> viewer_;
};

TEST_F(ViewerTest, BeginsAtTheNewestKeyframeAndGivesEveryPictureAtOnce) {
  fakes::LiveProgram program;
  // In the middle of the second group of pictures: 60 frames each.
  ASSERT_TRUE(fakes::wait_for([&] { return program.frames() > 80; }));
  ASSERT_NO_FATAL_FAILURE(open(program));
  const auto file = take(program, 170);
  const auto decoded =
      fakes::run({"ffmpeg", "-v", "error", "-xerror", "-i", file.string(), "-f", "null", "-"});
  EXPECT_EQ(decoded.exit_code, 0) << decoded.errors;
  EXPECT_EQ(probe(file, "packet=flags").substr(0, 1), "K");
  EXPECT_EQ(probe(file, "stream=codec_name,width,height"), "h264,320,180\n");
  const std::string pts = probe(file, "packet=pts_time");
  const auto pictures = std::ranges::count(pts, '\n');
  EXPECT_NEAR(static_cast<double>(pictures), 170 - 60, 5) << "from frame 60 on, and none waits for its group";
  EXPECT_THAT(media_type_of(fakes::LiveProgram::info()),
              testing::MatchesRegex("video/mp4; codecs=\"avc1\\.[0-9a-f]{6}, mp4a\\.40\\.2\""));
}

TEST_F(ViewerTest, WhoDoesNotReadIsHungUpOnAndNobodyElseNotices) {
  fakes::LiveProgram program({.speed = 8});
  ASSERT_NO_FATAL_FAILURE(open(program));
  EXPECT_TRUE(fakes::wait_for([&] { return viewer_->is_over(); }));
  const int64_t frames = program.frames();
  EXPECT_TRUE(fakes::wait_for([&] { return program.frames() > frames + 30; }));
}

TEST_F(ViewerTest, EndsWithTheBroadcast) {
  fakes::LiveProgram program({.max_frames = 45});
  ASSERT_NO_FATAL_FAILURE(open(program));
  const auto file = take(program, INT64_MAX);
  EXPECT_TRUE(viewer_->is_over());
  const std::string pts = probe(file, "packet=pts_time");
  EXPECT_EQ(std::ranges::count(pts, '\n'), 45);
}

TEST_F(ViewerTest, LetsGoAtOnceWhenItIsNotWantedAnyMore) {
  fakes::LiveProgram program;
  ASSERT_NO_FATAL_FAILURE(open(program));
  ASSERT_TRUE(fakes::wait_for([&] { return program.frames() > 10; }));
  viewer_.reset();
  std::array<char, 65536> part{};
  EXPECT_TRUE(fakes::wait_for([&] { return ::recv(mine_.get(), part.data(), part.size(), 0) <= 0; }));
}

}  // namespace
}  // namespace vitrine::encoder
