// SPDX-License-Identifier: Apache-2.0
#include "encoder/program_encoder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "encoder/avc_config.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/synthetic_media.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using fakes::SyntheticVideo;
using fakes::tone;

constexpr MediaTime kStart = 123'456'789ns;  // of frame 0 on the steady clock: no round number
constexpr MediaTime kPriming{21'333'333};    // 1024 samples

EncoderConfig small_config() {
  EncoderConfig config;
  config.program = "main";
  config.size = {320, 180};
  config.frame_rate = {30, 1};
  config.video_kbps = 400;
  config.audio_kbps = 96;
  config.preset = "ultrafast";
  return config;
}

std::shared_ptr<PacketRing> large_ring() {
  return std::make_shared<PacketRing>(PacketRing::Config{.max_duration = 1h, .max_bytes = size_t{1} << 30});
}

struct Packets {
  std::vector<Packet> all, video, audio;
};

Packets drain(PacketRing& ring) {
  Packets packets;
  auto reader = ring.open_reader(PacketRing::StartAt::kOldest);
  while (auto item = reader.pop({})) {
    (item->packet.kind == PacketKind::kVideo ? packets.video : packets.audio).push_back(item->packet);
    packets.all.push_back(item->packet);
  }
  return packets;
}

/// Frames 0 to `frames` with their sound, in the order the programme pushes them.
Packets encode(const EncoderConfig& config, int frames, StreamInfo* info = nullptr) {
  const auto ring = large_ring();
  auto encoder = ProgramEncoder::create(config, ring);
  EXPECT_TRUE(encoder) << encoder.error().message;
  if (info != nullptr) *info = (*encoder)->info();
  SyntheticVideo video(config.size, config.frame_rate, kStart);
  int64_t sample = 0;
  for (int64_t i = 0; i < frames; ++i) {
    (*encoder)->push_video(video.frame(i));
    const int64_t until = sample_index(frame_time(i + 1, config.frame_rate));
    (*encoder)->push_audio(tone(kStart, sample, static_cast<int>(until - sample)));
    sample = until;
  }
  (*encoder)->close();
  EXPECT_EQ((*encoder)->stats().frames_dropped, 0U);
  return drain(*ring);
}

void append_start_code(Bytes& out, std::span<const uint8_t> unit) {
  out.insert(out.end(), {0, 0, 0, 1});
  out.insert(out.end(), unit.begin(), unit.end());
}

/// The packets as a file that any decoder takes: parameter sets once, start codes instead of lengths.
void write_annex_b(const std::filesystem::path& path, const StreamInfo& info,
                   std::span<const Packet> packets) {
  Bytes out;
  const Bytes& record = *info.video_config;
  size_t at = 6;
  for (int set = 0; set < 2; ++set) {
    const size_t length = size_t{record[at]} << 8 | record[at + 1];
    append_start_code(out, std::span(record).subspan(at + 2, length));
    at += 2 + length + (set == 0 ? 1 : 0);
  }
  for (const auto& packet : packets) {
    const auto units = split_length_prefixed(*packet.bytes);
    ASSERT_TRUE(units) << units.error().message;
    for (const auto& unit : *units) append_start_code(out, unit);
  }
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(out.size()));
}

nlohmann::json probe(const std::filesystem::path& path, const std::string& what) {
  const auto result = fakes::run({"ffprobe", "-v", "error", "-print_format", "json", what, path.string()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  return nlohmann::json::parse(result.output);
}

TEST(ProgramEncoder, GivesEachFrameItsExactTime) {
  for (const Rational rate : {Rational{30, 1}, Rational{30000, 1001}, Rational{25, 1}}) {
    auto config = small_config();
    config.frame_rate = rate;
    MediaTime put_out = steady_now();
    StreamInfo info;
    const auto packets = encode(config, 100, &info);
    ASSERT_EQ(packets.video.size(), 100U);
    EXPECT_EQ(info.video_start, packets.video.front().pts);
    for (int64_t n = 0; n < 100; ++n) {
      const auto& packet = packets.video[static_cast<size_t>(n)];
      ASSERT_EQ(packet.pts, frame_time(n, rate) + kPriming) << n;
      ASSERT_EQ(packet.dts, packet.pts);
      ASSERT_GE(packet.captured_at, put_out) << "on the machine's clock, whatever the session's is";
      put_out = packet.captured_at;
    }
    EXPECT_LE(put_out, steady_now());
  }
}

TEST(ProgramEncoder, StartsSoundAtZeroAndLeavesNoHole) {
  const auto packets = encode(small_config(), 90);
  ASSERT_GT(packets.audio.size(), 130U);
  for (size_t i = 0; i < packets.audio.size(); ++i) {
    ASSERT_EQ(packets.audio[i].pts, sample_time(static_cast<int64_t>(i) * 1024));
  }
  const auto first = std::chrono::abs(packets.audio[1].captured_at - packets.video[0].captured_at);
  EXPECT_LT(first, 20ms) << "sample 0 is in the packet after the priming";
}

TEST(ProgramEncoder, InterleavesByDts) {
  const auto packets = encode(small_config(), 90);
  EXPECT_TRUE(std::ranges::is_sorted(packets.all, {}, &Packet::dts));
}

TEST(ProgramEncoder, PutsAClosedKeyframeExactlyEveryTwoSeconds) {
  StreamInfo info;
  const auto packets = encode(small_config(), 200, &info);
  std::vector<size_t> keyframes;
  for (size_t i = 0; i < packets.video.size(); ++i) {
    if (packets.video[i].is_keyframe) keyframes.push_back(i);
  }
  EXPECT_THAT(keyframes, ::testing::ElementsAre(0, 60, 120, 180));
  // What begins at a later keyframe decodes alone and whole.
  const fakes::TempDir dir;
  write_annex_b(dir.path() / "tail.h264", info, std::span(packets.video).subspan(60));
  const auto decoded = fakes::run({"ffmpeg", "-v", "error", "-xerror", "-i", dir.path() / "tail.h264",
                                   "-fps_mode", "passthrough", "-f", "rawvideo", "-"});
  EXPECT_EQ(decoded.exit_code, 0);
  EXPECT_EQ(decoded.errors, "");
  EXPECT_EQ(decoded.output.size(), size_t{140} * 320 * 180 * 3 / 2);
}

TEST(ProgramEncoder, KeepsTheKeyframeGridWhenFramesAreMissing) {
  const auto ring = large_ring();
  auto encoder = ProgramEncoder::create(small_config(), ring);
  ASSERT_TRUE(encoder);
  SyntheticVideo video({320, 180}, {30, 1}, kStart);
  for (int64_t i = 0; i < 190; ++i) {
    if (i == 20 || (i >= 58 && i < 63)) continue;  // the second gap swallows the keyframe itself
    (*encoder)->push_video(video.frame(i));
  }
  (*encoder)->close();
  std::vector<MediaTime> keyframes;
  for (const auto& packet : drain(*ring).video) {
    if (packet.is_keyframe) keyframes.push_back(packet.pts - kPriming);
  }
  EXPECT_THAT(keyframes, ::testing::ElementsAre(0s, frame_time(63, {30, 1}), 4s, 6s));
}

TEST(ProgramEncoder, TagsSizeColourAndProfileAsPlatformsWantThem) {
  StreamInfo info;
  const auto packets = encode(small_config(), 70, &info);
  const fakes::TempDir dir;
  write_annex_b(dir.path() / "all.h264", info, packets.video);
  const auto stream = probe(dir.path() / "all.h264", "-show_streams")["streams"][0];
  EXPECT_EQ(stream["width"], 320);
  EXPECT_EQ(stream["height"], 180);
  EXPECT_EQ(stream["pix_fmt"], "yuv420p");
  EXPECT_EQ(stream["color_range"], "tv");
  EXPECT_EQ(stream["color_space"], "bt709");
  EXPECT_EQ(stream["color_transfer"], "bt709");
  EXPECT_EQ(stream["color_primaries"], "bt709");
  EXPECT_EQ(stream["has_b_frames"], 0);
  const auto frames = probe(dir.path() / "all.h264", "-show_frames")["frames"];
  ASSERT_EQ(frames.size(), 70U);
  for (const auto& frame : frames) EXPECT_NE(frame["pict_type"], "B");
}

TEST(ProgramEncoder, SendsNoParameterSetsInsideTheStream) {
  const auto packets = encode(small_config(), 130);
  for (const auto& packet : packets.video) {
    const auto units = split_length_prefixed(*packet.bytes);
    ASSERT_TRUE(units) << units.error().message;
    for (const auto& unit : *units) {
      EXPECT_NE(type_of(unit), NalType::kSps);
      EXPECT_NE(type_of(unit), NalType::kPps);
    }
  }
}

TEST(ProgramEncoder, KeepsToItsBitrate) {
  auto config = small_config();
  config.video_kbps = 300;
  const auto packets = encode(config, 300);
  size_t bytes = 0;
  for (const auto& packet : packets.video) bytes += packet.bytes->size();
  EXPECT_NEAR(static_cast<double>(bytes) * 8 / 10 / 1000, 300, 60);
}

TEST(ProgramEncoder, MovesAllTimesUpWhenThereAreBFrames) {
  auto config = small_config();
  config.preset = "veryfast";
  config.b_frames = 2;
  const auto packets = encode(config, 90);
  ASSERT_EQ(packets.video.size(), 90U);
  bool has_reordered = false;
  MediaTime last = -1ns;
  for (const auto& packet : packets.video) {
    EXPECT_GT(packet.dts, last);
    EXPECT_GE(packet.pts, packet.dts);
    EXPECT_GE(packet.dts, 0ns);
    has_reordered |= packet.pts != packet.dts;
    last = packet.dts;
  }
  EXPECT_TRUE(has_reordered);
  EXPECT_EQ(packets.video[0].pts - packets.audio[0].pts, kPriming) << "picture and sound move together";
}

TEST(ProgramEncoder, FillsAHoleInTheSoundWithSilenceAndCutsAnOverlap) {
  const auto ring = large_ring();
  auto encoder = ProgramEncoder::create(small_config(), ring);
  ASSERT_TRUE(encoder);
  SyntheticVideo video({320, 180}, {30, 1}, kStart);
  (*encoder)->push_audio(tone(kStart, -4800, 4800));  // before frame 0: cut
  (*encoder)->push_video(video.frame(0));
  (*encoder)->push_audio(tone(kStart, -1000, 2600));  // 1000 of them before frame 0
  (*encoder)->push_audio(tone(kStart, 1600, 1600));
  (*encoder)->push_audio(tone(kStart, 3000, 1800));  // 200 come twice
  (*encoder)->push_audio(tone(kStart, 24'000, 24'000));
  (*encoder)->close();
  const auto packets = drain(*ring);
  // 48000 samples are 47 packets, and one for the priming.
  ASSERT_EQ(packets.audio.size(), 48U);
  const auto smallest =
      std::ranges::min_element(packets.audio, {}, [](const Packet& p) { return p.bytes->size(); });
  EXPECT_GT(smallest->pts, 100ms);
  EXPECT_LT(smallest->pts, 520ms) << "the silent half second compresses best";
}

TEST(ProgramEncoder, NeverBlocksTheProgrammeAndDropsTheOldest) {
  auto config = small_config();
  config.size = {1280, 720};
  config.preset = "medium";
  const auto ring = large_ring();
  auto encoder = ProgramEncoder::create(config, ring);
  ASSERT_TRUE(encoder);
  SyntheticVideo video(config.size, config.frame_rate, kStart, 10);
  const auto frame = video.frame(0);
  constexpr uint64_t kFrames = 300;
  for (uint64_t i = 0; i < kFrames; ++i) {
    (*encoder)->push_video(
        frame.repeated(kStart + frame_time(static_cast<int64_t>(i), config.frame_rate), i));
  }
  (*encoder)->close();
  const auto stats = (*encoder)->stats();
  EXPECT_EQ(stats.frames_in, kFrames);
  EXPECT_GT(stats.frames_dropped, 0U);
  EXPECT_EQ(stats.frames_out + stats.frames_dropped, kFrames);
  const auto packets = drain(*ring);
  EXPECT_EQ(packets.video.back().pts, frame_time(kFrames - 1, config.frame_rate) + kPriming)
      << "the newest is kept";
  EXPECT_GT(stats.encode_p95, 0ns);
  EXPECT_GE(stats.encode_p95, stats.encode_p50);
}

TEST(ProgramEncoder, GivesEveryCanvasBack) {
  FramePool pool({320, 180}, 4);
  const auto ring = large_ring();
  auto encoder = ProgramEncoder::create(small_config(), ring);
  ASSERT_TRUE(encoder);
  for (uint64_t i = 0; i < 4; ++i) {
    auto canvas = pool.acquire();
    ASSERT_TRUE(canvas);
    (*encoder)->push_video(
        ConstVideoFrame(std::move(*canvas), frame_time(static_cast<int64_t>(i), {30, 1}), i));
  }
  (*encoder)->close();
  std::vector<VideoFrame> all;
  while (auto canvas = pool.acquire()) all.push_back(std::move(*canvas));
  EXPECT_EQ(all.size(), 4U);
}

TEST(ProgramEncoder, RefusesWhatX264CanNot) {
  auto config = small_config();
  config.preset = "warp";
  const auto encoder = ProgramEncoder::create(config, large_ring());
  ASSERT_FALSE(encoder);
  EXPECT_EQ(encoder.error().code, ErrorCode::kEncodeFailed);
  EXPECT_THAT(encoder.error().message, ::testing::HasSubstr("warp"));
}

TEST(ProgramEncoder, StartsAndStopsAHundredTimesWithoutLeavingAThread) {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads();
  for (int i = 0; i < 100; ++i) {
    const auto ring = large_ring();
    auto encoder = ProgramEncoder::create(small_config(), ring);
    ASSERT_TRUE(encoder);
    SyntheticVideo video({320, 180}, {30, 1}, kStart);
    for (int frame = 0; frame < i % 4; ++frame) (*encoder)->push_video(video.frame(frame));
    if (i % 2 == 0) (*encoder)->close();
    encoder->reset();
    ASSERT_EQ(drain(*ring).video.size(), static_cast<size_t>(i % 4)) << "all that was pushed comes out";
  }
  EXPECT_EQ(threads(), before);
}

}  // namespace
}  // namespace vitrine::encoder
