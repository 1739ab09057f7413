// SPDX-License-Identifier: Apache-2.0
//
// Files and test sources through the real worker; ffmpeg makes the clips, so that not our own parser judges.
#include <algorithm>
#include <cmath>
#include <fstream>

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
using State = SourceStatus::State;

StudioSide::Options picture_and_sound() {
  return {.wants_sound = true};
}

// Eight bars of 75 % amplitude: every combination of red, green and blue.
constexpr double kAmplitude = 191;
double red_of(int bar) {
  return (bar & 1) != 0 ? kAmplitude : 0;
}
double green_of(int bar) {
  return (bar & 2) != 0 ? kAmplitude : 0;
}
double blue_of(int bar) {
  return (bar & 4) != 0 ? kAmplitude : 0;
}

/// ITU-R BT.709-6, limited range, 8 bits.
Yuv expected_of(int bar) {
  const double r = red_of(bar) / 255, g = green_of(bar) / 255, b = blue_of(bar) / 255;
  const double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return {16 + 219 * y, 128 + 224 * (b - y) / 1.8556, 128 + 224 * (r - y) / 1.5748};
}

struct ColorCase {
  const char* name;
  const char* size;
  const char* file;
  std::vector<const char*> scale_and_codec;
  const char* shown;
  bool is_copied;
};

void PrintTo(const ColorCase& color, std::ostream* out) {
  *out << color.name;
}

class Colors : public testing::TestWithParam<ColorCase> {};

TEST_P(Colors, ArriveAsLimitedBt709) {
  const ColorCase& color = GetParam();
  const fakes::TempDir dir;
  const std::string file = dir.path() / color.file;
  const std::string bars =
      "geq=r='191*bitand(floor(X*8/W),1)':g='191*bitand(floor(X*8/W)/2,1)':b='191*bitand(floor(X*8/W)/4,1)'";
  std::vector<std::string> args = {
      "-f", "lavfi", "-i",
      fmt::format("nullsrc=size={}:rate=10:duration=1,format=gbrp,{}", color.size, bars)};
  args.insert(args.end(), color.scale_and_codec.begin(), color.scale_and_codec.end());
  args.push_back(file);
  ASSERT_NO_FATAL_FAILURE(run_ffmpeg(args));

  const StudioSide side("file:" + file);
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.report.fps > 1; }))
      << describe(side.status());
  EXPECT_THAT(side.status().report.format, HasSubstr(color.shown));
  const auto frame = side.frame();
  ASSERT_TRUE(frame);
  for (int bar = 0; bar < 8; ++bar) {
    const Yuv found = mean_of(frame->picture, (bar + 0.25) / 8, 0.1, (bar + 0.75) / 8, 0.9);
    const Yuv expected = expected_of(bar);
    EXPECT_NEAR(found.y, expected.y, 3) << "bar " << bar;
    EXPECT_NEAR(found.u, expected.u, 3) << "bar " << bar;
    EXPECT_NEAR(found.v, expected.v, 3) << "bar " << bar;
  }
  // What is in the canvas's colours already is decoded straight into the ring; the rest is converted once.
  EXPECT_EQ(side.status().report.copied > 0, color.is_copied);
  EXPECT_EQ(side.status().report.dropped, 0);
}

INSTANTIATE_TEST_SUITE_P(
    From, Colors,
    testing::Values(
        ColorCase{"H264Bt709",
                  "1280x720",
                  "a.mp4",
                  {"-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-colorspace", "bt709",
                   "-color_range", "tv", "-c:v", "libx264", "-qp", "8"},
                  "H.264 1280×720 BT.709 limited",
                  false},
        ColorCase{"H264Bt601",
                  "640x480",
                  "a.mkv",
                  {"-vf", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p", "-colorspace",
                   "smpte170m", "-color_range", "tv", "-c:v", "libx264", "-qp", "8"},
                  "BT.601 limited",
                  true},
        ColorCase{"H264FullRange",
                  "1280x720",
                  "a.mp4",
                  {"-vf", "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p", "-colorspace", "bt709",
                   "-color_range", "pc", "-c:v", "libx264", "-qp", "8"},
                  "BT.709 full",
                  true},
        ColorCase{"H264OfSmallSizeThatDoesNotSay",
                  "640x360",
                  "a.mp4",
                  {"-vf", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p", "-c:v", "libx264",
                   "-qp", "8"},
                  "BT.601 limited",
                  true},
        ColorCase{"H264OfLargeSizeThatDoesNotSay",
                  "1280x720",
                  "a.ts",
                  {"-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-c:v", "libx264",
                   "-qp", "8"},
                  "BT.709 limited",
                  false},
        ColorCase{"H265Bt709",
                  "640x360",
                  "a.mkv",
                  {"-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-colorspace", "bt709",
                   "-color_range", "tv", "-c:v", "libx265", "-x265-params", "log-level=none:qp=8"},
                  "H.265 640×360 BT.709 limited",
                  false},
        ColorCase{"Mjpeg",
                  "1280x720",
                  "a.avi",
                  {"-vf", "scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p", "-c:v", "mjpeg",
                   "-q:v", "2"},
                  "MJPEG 1280×720 BT.601 full",
                  true},
        ColorCase{"MjpegWithHalfTheChroma",
                  "640x480",
                  "a.avi",
                  {"-vf", "scale=out_color_matrix=bt601:out_range=pc,format=yuvj422p", "-c:v", "mjpeg",
                   "-q:v", "2"},
                  "MJPEG 640×480 BT.601 full",
                  true}),
    [](const auto& test) { return std::string(test.param.name); });

/// What came out of a source over some seconds.
struct Recording {
  struct Picture {
    MediaTime captured_at;
    uint64_t sequence;
    double luma;
  };
  std::vector<Picture> pictures;
  int64_t sound_begin = 0;
  std::vector<float> sound;  // left channel
};

Recording record(const StudioSide& side, std::chrono::seconds length) {
  Recording recording;
  const auto reader = side.sound();
  // A little behind, as the studio reads: what is written later than this is lost.
  const auto readable = [] { return sample_index(steady_now() - 300ms); };
  recording.sound_begin = readable();
  const auto deadline = std::chrono::steady_clock::now() + length;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto frame = side.frame();
        frame && (recording.pictures.empty() || recording.pictures.back().sequence != frame->sequence)) {
      recording.pictures.push_back(
          {frame->captured_at, frame->sequence, mean_of(frame->picture, 0, 0, 1, 1).y});
    }
    const int64_t begin = recording.sound_begin + static_cast<int64_t>(recording.sound.size());
    std::vector<float> block(static_cast<size_t>(std::max<int64_t>(0, readable() - begin)) * 2, 0.0F);
    if (reader) (void)reader->mix_into(begin, 1.0F, block);
    for (size_t i = 0; i < block.size(); i += 2) recording.sound.push_back(block[i]);
    std::this_thread::sleep_for(3ms);
  }
  return recording;
}

/// Where the picture turns from dark to bright.
std::vector<MediaTime> flashes(const Recording& recording) {
  std::vector<MediaTime> found;
  for (size_t i = 1; i < recording.pictures.size(); ++i) {
    const auto& before = recording.pictures[i - 1];
    const auto& now = recording.pictures[i];
    if (before.luma < 100 && now.luma > 150 && now.sequence == before.sequence + 1)
      found.push_back(now.captured_at);
  }
  return found;
}

/// Where sound begins after silence.
std::vector<MediaTime> beeps(const Recording& recording) {
  std::vector<MediaTime> found;
  size_t quiet = 0;
  for (size_t i = 0; i < recording.sound.size(); ++i) {
    const bool is_loud = std::abs(recording.sound[i]) > 0.1F;
    if (is_loud && quiet > 4800)
      found.push_back(sample_time(recording.sound_begin + static_cast<int64_t>(i)));
    quiet = is_loud ? 0 : quiet + 1;
  }
  return found;
}

class LoopedFile : public testing::TestWithParam<const char*> {};

TEST_P(LoopedFile, GoesOnWithoutAGapAndKeepsPictureAndSoundTogether) {
  const fakes::TempDir dir;
  const std::string file = dir.path() / (std::string("clip.") + GetParam());
  // A flash and a beep at the same moment, 0.5 s into each two seconds.
  std::vector<std::string> args = {
      "-f",
      "lavfi",
      "-i",
      "color=black:size=320x240:rate=30:duration=2,drawbox=color=white:t=fill:enable='between(t,0.5,0.69)'",
      "-f",
      "lavfi",
      "-i",
      "aevalsrc='if(between(t,0.5,0.7),0.5*sin(2*PI*1000*t),0)':s=48000:d=2",
      "-pix_fmt",
      "yuv420p"};
  const std::vector<std::string> codecs =
      std::string(GetParam()) == "avi"
          ? std::vector<std::string>{"-c:v", "mjpeg", "-c:a", "pcm_s16le"}
          : std::vector<std::string>{"-c:v", "libx264", "-bf", "2", "-c:a", "aac"};
  args.insert(args.end(), codecs.begin(), codecs.end());
  args.push_back(file);
  ASSERT_NO_FATAL_FAILURE(run_ffmpeg(args));

  const StudioSide side("file:" + file, picture_and_sound());
  ASSERT_TRUE(side.is_live());
  const Recording recording = record(side, 7s);
  EXPECT_EQ(side.status().restarts, 0) << describe(side.status());

  ASSERT_GT(recording.pictures.size(), 60U);
  for (size_t i = 1; i < recording.pictures.size(); ++i) {
    const auto& before = recording.pictures[i - 1];
    const auto& now = recording.pictures[i];
    const auto step =
        (now.captured_at - before.captured_at) / static_cast<int64_t>(now.sequence - before.sequence);
    // 33 ms each; where the sound is longer than the picture, the last picture stands by that much, and
    // matroskademux counts the first two pictures of a round from the first sound.
    EXPECT_GT(step, 10ms) << i;
    EXPECT_LT(step, 66ms) << i;
  }

  const auto seen = flashes(recording);
  const auto heard = beeps(recording);
  ASSERT_GE(seen.size(), 2U);
  ASSERT_GE(heard.size(), 2U);
  int matched = 0;
  for (const MediaTime flash : seen) {
    const auto nearest =
        std::ranges::min_element(heard, {}, [&](MediaTime beep) { return std::chrono::abs(beep - flash); });
    if (std::chrono::abs(*nearest - flash) > 500ms) continue;  // at the edge of the recording
    ++matched;
    // One picture is 33 ms, an AAC block 21 ms.
    EXPECT_LE(std::chrono::abs(*nearest - flash), 40ms);
  }
  EXPECT_GE(matched, 2);
}

INSTANTIATE_TEST_SUITE_P(In, LoopedFile, testing::Values("mp4", "mkv", "avi"),
                         [](const auto& test) { return std::string(test.param); });

TEST(File, PlaysTheSoundOfAWavFile) {
  const fakes::TempDir dir;
  const std::string file = dir.path() / "tone.wav";
  ASSERT_NO_FATAL_FAILURE(run_ffmpeg(
      {"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=2", "-c:a", "pcm_s24le", file}));
  const StudioSide side("file:" + file, {.wants_picture = false, .wants_sound = true});
  ASSERT_TRUE(side.is_live());
  // ffmpeg's sine has an eighth of full scale: -21 dB.
  EXPECT_TRUE(side.wait_until([](const auto& status) { return std::abs(status.report.level_db + 21) < 1; }))
      << side.status().report.level_db;
  EXPECT_THAT(side.status().report.format, HasSubstr("44100 Hz 1 ch"));
}

TEST(File, PlaysOldAviOfOpenCv) {
  const std::string file = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs opencv-doc";
  const StudioSide side("file:" + file);
  ASSERT_TRUE(side.is_live());
  EXPECT_EQ(side.frame()->picture.size, (Size{768, 576}));
}

struct Refusal {
  const char* name;
  const char* file;
  ErrorCode code;
  const char* says;
};
void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class RefusedFile : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedFile, IsNamedWithTheReason) {
  const fakes::TempDir dir;
  dir.write("noise.mp4", std::string(100'000, '\x5a'));
  dir.write("text.txt", "x");
  ASSERT_NO_FATAL_FAILURE(run_ffmpeg({"-f", "lavfi", "-i", "sine=duration=1", dir.path() / "sound.mp4"}));
  ASSERT_NO_FATAL_FAILURE(run_ffmpeg({"-f", "lavfi", "-i", "testsrc=size=320x240:duration=1", "-c:v",
                                      "libvpx-vp9", dir.path() / "vp9.mkv"}));
  const StudioSide side("file:" + (dir.path() / GetParam().file).string());
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.restarts > 0; }))
      << describe(side.status());
  EXPECT_EQ(side.status().last_error.code, GetParam().code) << describe(side.status());
  EXPECT_THAT(side.status().last_error.message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    That, RefusedFile,
    testing::Values(Refusal{"IsMissing", "missing.mp4", ErrorCode::kNotFound, "missing.mp4"},
                    Refusal{"IsNoMedia", "noise.mp4", ErrorCode::kUnsupportedFormat, ""},
                    Refusal{"HasAnUnknownExtension", "text.txt", ErrorCode::kUnsupportedFormat, "only .mp4"},
                    Refusal{"HasNoPicture", "sound.mp4", ErrorCode::kUnsupportedFormat, "no picture"},
                    Refusal{"IsOfAForeignCodec", "vp9.mkv", ErrorCode::kUnsupportedFormat, "no picture"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(TestSources, BarsMoveAndAreBt709) {
  const StudioSide side("test:bars");
  ASSERT_TRUE(side.is_live());
  const auto first = side.frame();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->picture.size, (Size{1920, 1080}));
  // The second bar of SMPTE's is 75 % yellow... of 100 % here: GStreamer's bars are at full amplitude.
  const Yuv yellow = mean_of(first->picture, 1.3 / 7, 0.1, 1.7 / 7, 0.5);
  EXPECT_NEAR(yellow.y, 219, 3);
  EXPECT_NEAR(yellow.u, 16, 3);
  EXPECT_NEAR(yellow.v, 138, 3);
  const double noise = mean_of(first->picture, 0.8, 0.8, 1, 1).y;
  EXPECT_TRUE(wait_for([&] { return mean_of(side.frame()->picture, 0.8, 0.8, 1, 1).y != noise; }));
}

TEST(TestSources, ToneIsContinuousAt48Khz) {
  const StudioSide side("test:tone", {.wants_picture = false, .wants_sound = true});
  ASSERT_TRUE(side.is_live());
  const Recording recording = record(side, 3s);
  ASSERT_GT(recording.sound.size(), 100'000U);
  // The latter half: the first is before the worker lived. A 440 Hz sine at 0.1 crosses zero 880 times a
  // second and never jumps; a lost or doubled block would.
  const size_t half = recording.sound.size() / 2;
  int crossings = 0;
  float largest_step = 0;
  for (size_t i = half + 1; i < recording.sound.size(); ++i) {
    const float before = recording.sound[i - 1];
    const float now = recording.sound[i];
    crossings += (before < 0) != (now < 0) ? 1 : 0;
    largest_step = std::max(largest_step, std::abs(now - before));
  }
  EXPECT_NEAR(crossings / (static_cast<double>(half) / kAudioRateHz), 880, 9);
  EXPECT_LT(largest_step, 0.02F);
}

}  // namespace
}  // namespace vitrine::capture
