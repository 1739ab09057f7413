// SPDX-License-Identifier: Apache-2.0
#include "encoder/recorder.h"

#include <sys/mount.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <sched.h>
#include <signal.h>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "encoder/program_encoder.h"
#include "tests/encoder/flv_judge.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/live_program.h"
#include "tests/fakes/synthetic_media.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::encoder {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using fakes::LiveProgram;
using fakes::TempDir;
using fakes::wait_for;
using Kind = RecorderEvent::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

/// A recorder of `program` into `dir`, and what it reported.
class Recording {
 public:
  Recording(const LiveProgram& program, const fs::path& directory, std::chrono::seconds segment,
            OpenRecordingFile open_file = &create_recording_file)
      : recorder_({.directory = directory,
                   .program = "main",
                   .session = "2026-show",
                   .segment = segment,
                   .open_file = std::move(open_file)},
                  LiveProgram::info(), program.ring(), [this](const RecorderEvent& event) {
                    const std::lock_guard lock(mutex_);
                    events_.push_back(event);
                  }) {}
  Recorder* operator->() { return &recorder_; }

  [[nodiscard]] std::vector<RecorderEvent> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  [[nodiscard]] std::vector<RecorderEvent> events(Kind kind) const {
    auto all = events();
    std::erase_if(all, [kind](const auto& event) { return event.kind != kind; });
    return all;
  }
  bool wait_for_event(Kind kind, size_t count = 1) {
    return wait_for([&] { return events(kind).size() >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<RecorderEvent> events_;  // guarded by mutex_
  Recorder recorder_;
};

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

/// Top-level boxes, by name.
std::vector<std::string> boxes_of(const fs::path& file) {
  const std::string bytes = fakes::read_file(file);
  const auto number = [&](size_t at, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
    return value;
  };
  std::vector<std::string> boxes;
  for (size_t at = 0; at + 8 <= bytes.size();) {
    boxes.push_back(bytes.substr(at + 4, 4));
    const uint64_t size = number(at, 4);
    at += size == 1 ? number(at + 8, 8) : size;
  }
  return boxes;
}

/// The end of a file that nothing more is written to: it must play without a complaint.
size_t expect_plays(const fs::path& file) {
  const auto judged = judge(file, Decode::kYes);
  EXPECT_EQ(judged.errors, "") << file;
  EXPECT_EQ(missing_frames(judged.video), 0) << file;
  EXPECT_FALSE(judged.video.empty()) << file;
  if (!judged.video.empty()) {
    EXPECT_TRUE(judged.video[0].is_keyframe) << file;
    EXPECT_EQ(judged.video[0].pts_ms, 0) << file;
  }
  return judged.video.size();
}

TEST(Recorder, CutsSegmentsAtKeyframesAndLosesNothingBetweenThem) {
  const TempDir dir;
  LiveProgram program({.speed = 8, .first_pts = {}, .max_frames = 300});
  Recording recording(program, dir.path(), 4s);
  ASSERT_TRUE(wait_for([&] { return recording->status().state == RecorderStatus::State::kStopped; }));
  const auto files = files_in(dir.path());
  ASSERT_THAT(files, SizeIs(3));
  EXPECT_EQ(files[0].parent_path(), dir.path() / "main" / "2026-show");
  EXPECT_EQ(expect_plays(files[0]), 120U);
  EXPECT_EQ(expect_plays(files[1]), 120U);
  EXPECT_EQ(expect_plays(files[2]), 60U);
  int number = 1;
  for (const auto& file : files) {
    EXPECT_THAT(file.filename().string(),
                MatchesRegex(fmt::format("main-[0-9]{{8}}T[0-9]{{6}}Z-{:03}.mp4", number++)));
  }
  const auto events = recording.events();
  ASSERT_THAT(events, SizeIs(6));
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(events[i].kind, i % 2 == 0 ? Kind::kOpened : Kind::kClosed);
  EXPECT_GE(events[1].last_pts, events[2].first_pts) << "where one ends the next begins";
  EXPECT_EQ(events[2].first_pts - events[0].first_pts, 4s);
  EXPECT_EQ(events[5].bytes, fs::file_size(files[2]));
}

TEST(Recorder, MakesAnOrdinaryMp4OfAFinishedSegment) {
  const TempDir dir;
  LiveProgram program({.speed = 8, .first_pts = {}, .max_frames = 200});
  Recording recording(program, dir.path(), 600s);
  ASSERT_TRUE(recording.wait_for_event(Kind::kClosed));
  const auto file = files_in(dir.path()).at(0);
  EXPECT_THAT(boxes_of(file), ElementsAre("ftyp", "mdat", "moov"));
  const auto probe =
      fakes::run({"ffprobe", "-v", "error", "-print_format", "json", "-show_format", "-show_streams", file});
  EXPECT_EQ(probe.errors, "");
  const auto document = nlohmann::json::parse(probe.output);
  EXPECT_NEAR(std::stod(document["format"]["duration"].get<std::string>()), 200 / 30.0, 0.03);
  const auto& video = document["streams"][0];
  const auto& audio = document["streams"][1];
  EXPECT_EQ(video["nb_frames"], "200") << "the index knows, without reading the file";
  EXPECT_EQ(video["avg_frame_rate"], "30/1");
  EXPECT_EQ(video["color_space"], "bt709");
  EXPECT_EQ(audio["codec_name"], "aac");
  EXPECT_LT(std::abs(std::stod(audio["start_time"].get<std::string>())), 0.022);
  EXPECT_NEAR(std::stod(audio["duration"].get<std::string>()), 200 / 30.0, 0.05) << "sound to the end";
  // A player jumps: only what follows the nearest keyframe is read.
  const auto jumped = fakes::run(
      {"ffmpeg", "-v", "error", "-ss", "5", "-i", file, "-an", "-f", "rawvideo", "-pix_fmt", "gray", "-"});
  EXPECT_EQ(jumped.errors, "");
  EXPECT_EQ(jumped.output.size(), size_t{50} * 320 * 180);
}

TEST(Recorder, AFileThatIsStillWrittenPlaysAtAnyMoment) {
  const TempDir dir;
  LiveProgram program({.speed = 2, .first_pts = {}, .max_frames = -1});
  Recording recording(program, dir.path(), 600s);
  MediaTime seen = 0s;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(wait_for([&] { return recording->status().safe_until >= seen + 1s; }));
    seen = recording->status().safe_until;
    const auto copy = dir.path() / "copy.mp4";
    fs::copy_file(recording->status().file, copy, fs::copy_options::overwrite_existing);
    const auto judged = judge(copy, Decode::kYes);
    EXPECT_EQ(judged.errors, "");
    EXPECT_GE(judged.video.back().pts_ms, (seen - 100ms) / 1ms);
    const auto boxes = boxes_of(copy);
    EXPECT_GE(std::ranges::count(boxes, "moof"), static_cast<ptrdiff_t>(seen / 1s))
        << "no fragment is longer than a second";
    fs::remove(copy);
  }
}

TEST(Recorder, LeavesAPlayableFileWhenItIsKilled) {
  const char* const wanted = std::getenv("VITRINE_KILLS");
  const int kills = wanted == nullptr ? 20 : std::atoi(wanted);
  const auto seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::minstd_rand random(seed);
  for (int i = 0; i < kills; ++i) {
    const TempDir dir;
    const auto log = dir.path() / "promises";
    fakes::ChildProcess probe({VITRINE_BIN_DIR "/record_probe", dir.path() / "recordings"}, log);
    // Somewhere in the first segments, their ends included.
    const auto at = std::chrono::milliseconds(1000 + random() % 4000);
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(wait_for([&] { return fs::exists(log) && fs::file_size(log) > 0; }));
    ASSERT_TRUE(wait_for([&] { return std::chrono::steady_clock::now() - begin > at; }));
    probe.signal(SIGKILL);
    ASSERT_EQ(probe.wait(), 128 + SIGKILL);
    int64_t promised_ms = 0;
    std::istringstream promises(fakes::read_file(log));
    for (int64_t line = 0; promises >> line;) promised_ms = line;
    if (promised_ms == 0) continue;
    size_t frames = 0;
    for (const auto& file : files_in(dir.path() / "recordings")) {
      frames += expect_plays(file);
    }
    EXPECT_GE(frames, static_cast<size_t>((promised_ms - 50) * 30 / 1000))
        << "what was said to be safe is there";
  }
}

/// A file on a disk that does what the test says.
struct Disk {
  std::atomic<int> appends_left{1 << 30};  // then it is full
  std::atomic<int> syncs_left = 1 << 30;   // then they fail
  std::atomic<bool> is_sync_broken = false;
  std::atomic<bool> is_stuck = false;
  std::atomic<bool> is_overwrite_broken = false;
  std::atomic<bool> is_overwrite_done_though_broken = false;
  std::atomic<bool> is_truncate_broken = false;  // as when the power goes
  std::atomic<int> syncs_after_error = 0;
  std::atomic<int> opened = 0;

  class File : public RecordingFile {
   public:
    File(std::unique_ptr<RecordingFile> real, Disk& disk) : real_(std::move(real)), disk_(disk) {}
    Status append(std::span<const uint8_t> bytes) override {
      if (--disk_.appends_left < 0) {
        // As the kernel does it: part of the bytes still fit.
        static_cast<void>(real_->append(bytes.first(bytes.size() / 2)));
        return fail(ErrorCode::kDiskFull, "writing: No space left on device", ENOSPC);
      }
      return real_->append(bytes);
    }
    Status overwrite(uint64_t offset, std::span<const uint8_t> bytes) override {
      if (disk_.is_overwrite_done_though_broken) static_cast<void>(real_->overwrite(offset, bytes));
      if (disk_.is_overwrite_broken) return fail(ErrorCode::kIo, "writing: Input/output error", EIO);
      return real_->overwrite(offset, bytes);
    }
    Status sync() override {
      while (disk_.is_stuck) std::this_thread::sleep_for(5ms);
      if (has_failed_) ++disk_.syncs_after_error;
      if (--disk_.syncs_left < 0 || disk_.is_sync_broken) {
        has_failed_ = true;
        return fail(ErrorCode::kIo, "syncing: Input/output error", EIO);
      }
      return real_->sync();
    }
    Status truncate(uint64_t bytes) override {
      if (disk_.is_truncate_broken) return fail(ErrorCode::kIo, "cutting: Input/output error", EIO);
      return real_->truncate(bytes);
    }

   private:
    std::unique_ptr<RecordingFile> real_;
    Disk& disk_;
    bool has_failed_ = false;
  };

  OpenRecordingFile opener() {
    return [this](const fs::path& path) -> Result<std::unique_ptr<RecordingFile>> {
      ++opened;
      return create_recording_file(path).map([this](auto real) {
        return std::unique_ptr<RecordingFile>(std::make_unique<File>(std::move(real), *this));
      });
    };
  }
};

TEST(Recorder, GoesOnInANewFileWhenAFullDiskHasRoomAgain) {
  const TempDir dir;
  Disk disk;
  disk.appends_left = 3;  // fragments
  LiveProgram program;
  Recording recording(program, dir.path(), 600s, disk.opener());
  ASSERT_TRUE(recording.wait_for_event(Kind::kFailed));
  EXPECT_EQ(recording->status().state, RecorderStatus::State::kFailing);
  EXPECT_EQ(recording->status().last_error->code, ErrorCode::kDiskFull);
  disk.appends_left = 1 << 30;
  ASSERT_TRUE(recording.wait_for_event(Kind::kOpened, 2));
  ASSERT_TRUE(recording.wait_for_event(Kind::kGap));
  ASSERT_TRUE(wait_for(
      [&] { return recording->status().safe_until > recording.events(Kind::kGap)[0].last_pts + 2s; }));
  program.stop();
  recording->stop();
  const auto files = files_in(dir.path());
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_EQ(expect_plays(files[0]), 90U) << "three fragments were good";
  expect_plays(files[1]);
  const auto gap = recording.events(Kind::kGap).at(0);
  EXPECT_EQ(gap.first_pts, recording.events(Kind::kFailed).at(0).last_pts);
  EXPECT_LE(gap.last_pts - gap.first_pts, 4100ms) << "the ring kept what came while the disk was full";
  EXPECT_EQ(recording->status().gaps, 1U);
}

TEST(Recorder, CountsWhatIsMissingAtTheEnd) {
  const TempDir dir;
  Disk disk;
  disk.appends_left = 3;  // and full until the end
  LiveProgram program({.speed = 4, .first_pts = {}, .max_frames = 240});
  Recording recording(program, dir.path(), 600s, disk.opener());
  ASSERT_TRUE(wait_for([&] { return recording->status().state == RecorderStatus::State::kStopped; }));
  ASSERT_THAT(recording.events(Kind::kGap), SizeIs(1));
  const auto gap = recording.events(Kind::kGap)[0];
  EXPECT_EQ(gap.first_pts, recording.events(Kind::kFailed).at(0).last_pts);
  EXPECT_GE(gap.last_pts, 8s);
  EXPECT_EQ(recording->status().gaps, 1U);
  EXPECT_EQ(recording->status().lost, gap.last_pts - gap.first_pts);
}

struct Interruption {
  const char* name;
  void (*break_disk)(Disk&);
};
class RecorderFinish : public ::testing::TestWithParam<std::tuple<Interruption, bool>> {};

// 100 frames are four fragments, each an append and a sync; then come the index and its sync, the switch and
// its sync. What can't be taken back any more when the file is abandoned is true when the power goes, too.
TEST_P(RecorderFinish, LeavesAPlayableFileWhereverItIsInterrupted) {
  const auto& [interruption, is_truncate_broken] = GetParam();
  const TempDir dir;
  Disk disk;
  disk.is_truncate_broken = is_truncate_broken;
  interruption.break_disk(disk);
  LiveProgram program({.speed = 8, .first_pts = {}, .max_frames = 100});
  Recording recording(program, dir.path(), 600s, disk.opener());
  ASSERT_TRUE(recording.wait_for_event(Kind::kFailed));
  const auto files = files_in(dir.path());
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(expect_plays(files[0]), 100U);
  EXPECT_EQ(recording.events(Kind::kFailed).at(0).file, files[0]);
}

INSTANTIATE_TEST_SUITE_P(
    All, RecorderFinish,
    ::testing::Combine(
        ::testing::Values(Interruption{"InsideTheIndex", [](Disk& disk) { disk.appends_left = 4; }},
                          Interruption{"AtTheIndexsSync", [](Disk& disk) { disk.syncs_left = 4; }},
                          Interruption{"BeforeTheSwitch",
                                       [](Disk& disk) { disk.is_overwrite_broken = true; }},
                          Interruption{"AtTheSwitch",
                                       [](Disk& disk) {
                                         disk.is_overwrite_broken = true;
                                         disk.is_overwrite_done_though_broken = true;
                                       }},
                          Interruption{"AtTheSwitchsSync", [](Disk& disk) { disk.syncs_left = 5; }}),
        ::testing::Bool()),
    [](const auto& suite) {
      return std::string(std::get<0>(suite.param).name) + (std::get<1>(suite.param) ? "AndNothingIsCut" : "");
    });

TEST(Recorder, NeverSyncsAFileAgainAfterAnError) {
  const TempDir dir;
  Disk disk;
  LiveProgram program({.speed = 2, .first_pts = {}, .max_frames = -1});
  Recording recording(program, dir.path(), 600s, disk.opener());
  ASSERT_TRUE(wait_for([&] { return recording->status().safe_until > 3s; }));
  const auto good = recording->status().safe_until;
  disk.is_sync_broken = true;
  ASSERT_TRUE(recording.wait_for_event(Kind::kFailed));
  EXPECT_EQ(recording->status().last_error->code, ErrorCode::kIo);
  disk.is_sync_broken = false;
  ASSERT_TRUE(recording.wait_for_event(Kind::kOpened, 2));
  EXPECT_EQ(disk.syncs_after_error, 0);
  EXPECT_GE(recording.events(Kind::kFailed)[0].last_pts, good);
  expect_plays(files_in(dir.path())[0]);
}

TEST(Recorder, SaysOnceThatItCanNotOpenAFile) {
  const TempDir dir;
  const auto blocked = dir.write("not-a-directory", "");
  LiveProgram program;
  Recording recording(program, blocked, 600s);
  ASSERT_TRUE(recording.wait_for_event(Kind::kFailed));
  ASSERT_TRUE(wait_for([&, frames = program.frames()] { return program.frames() > frames + 150; }));
  EXPECT_THAT(recording.events(), SizeIs(1));
  fs::remove(blocked);
  ASSERT_TRUE(recording.wait_for_event(Kind::kOpened));
  EXPECT_THAT(recording.events(Kind::kGap), SizeIs(1));
}

TEST(Recorder, ASlowDiskLosesWholeGopsFromTheRecordingOnly) {
  const TempDir dir;
  Disk disk;
  LiveProgram program({.speed = 8, .first_pts = {}, .max_frames = -1});
  auto other = program.ring()->open_reader(PacketRing::StartAt::kOldest);
  int64_t skipped = 0;
  std::jthread other_sink([&] {
    while (auto item = other.pop({})) skipped += item->skipped;
  });
  Recording recording(program, dir.path(), 600s, disk.opener());
  ASSERT_TRUE(wait_for([&] { return recording->status().safe_until > 2s; }));
  disk.is_stuck = true;
  // The ring holds 12 s; what is older is lost to a sink that doesn't take it.
  ASSERT_TRUE(wait_for([&, frames = program.frames()] { return program.frames() > frames + 16 * 30; }));
  disk.is_stuck = false;
  ASSERT_TRUE(recording.wait_for_event(Kind::kGap));
  ASSERT_TRUE(wait_for(
      [&] { return recording->status().safe_until > recording.events(Kind::kGap)[0].last_pts + 1s; }));
  program.stop();
  recording->stop();
  other_sink.join();
  EXPECT_EQ(skipped, 0);
  const auto files = files_in(dir.path());
  ASSERT_THAT(files, SizeIs(recording.events(Kind::kGap).size() + 1))
      << "a file has no hole: a gap lies between two";
  for (const auto& file : files) expect_plays(file);
  EXPECT_GT(recording->status().lost, 1s);
  EXPECT_THAT(recording.events(Kind::kFailed), IsEmpty());
}

TEST(Recorder, StopDoesNotWaitForADiskThatHangs) {
  const TempDir dir;
  Disk disk;
  LiveProgram program;
  {
    Recording recording(program, dir.path(), 600s, disk.opener());
    ASSERT_TRUE(wait_for([&] { return disk.opened == 1; }));
    disk.is_stuck = true;
    ASSERT_TRUE(wait_for([&, frames = program.frames()] { return program.frames() > frames + 60; }));
    const auto begin = std::chrono::steady_clock::now();
    recording->stop();
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 4s) << "it does give the disk its time";
  }
  disk.is_stuck = false;  // the abandoned thread comes out, and may touch nothing that is gone
  std::this_thread::sleep_for(200ms);
}

TEST(Recorder, NumbersGoOnAfterARestartInTheSameSession) {
  const TempDir dir;
  for (int i = 0; i < 2; ++i) {
    LiveProgram program({.speed = 8, .first_pts = {}, .max_frames = 70});
    Recording recording(program, dir.path(), 600s);
    ASSERT_TRUE(recording.wait_for_event(Kind::kClosed));
  }
  const auto files = files_in(dir.path());
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_TRUE(files[0].stem().string().ends_with("-001"));
  EXPECT_TRUE(files[1].stem().string().ends_with("-002"));
}

TEST(Recorder, SurvivesARealFullDisk) {
  const TempDir dir;
  bool is_possible = true;
  std::thread([&] {
    is_possible = ::unshare(CLONE_NEWNS) == 0 &&
                  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                  ::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=600k") == 0;
    if (!is_possible) return;
    LiveProgram program({.speed = 4, .first_pts = {}, .max_frames = -1});
    Recording recording(program, dir.path(), 600s);
    ASSERT_TRUE(recording.wait_for_event(Kind::kFailed));
    EXPECT_EQ(recording->status().last_error->code, ErrorCode::kDiskFull);
    const auto first = files_in(dir.path()).at(0);
    EXPECT_GT(expect_plays(first), 60U);
    fs::remove(first);
    ASSERT_TRUE(recording.wait_for_event(Kind::kOpened, 2));
    recording->stop();
    for (const auto& file : files_in(dir.path())) expect_plays(file);
  }).join();
  if (!is_possible) GTEST_SKIP() << "needs root and a mount namespace";
}

/// Raw video and sound of a file, both from time 0 of the file on.
std::string decoded(const fs::path& file, const std::vector<std::string>& what) {
  std::vector<std::string> command{"ffmpeg", "-v", "error", "-i", file};
  command.insert(command.end(), what.begin(), what.end());
  command.push_back("-");
  return fakes::run(command).output;
}

TEST(Recorder, KeepsPictureAndSoundTogetherFromTickToFile) {
  // A white frame and a click, both at 3.5 s: in the second segment, and on no boundary of a packet.
  const TempDir dir;
  constexpr Rational kRate{30, 1};
  constexpr int64_t kFlash = 105;
  auto ring =
      std::make_shared<PacketRing>(PacketRing::Config{.max_duration = 1h, .max_bytes = size_t{1} << 28});
  EncoderConfig config{.program = "main",
                       .size = {160, 96},
                       .frame_rate = kRate,
                       .video_kbps = 400,
                       .audio_kbps = 128,
                       .preset = "ultrafast"};
  auto encoder = ProgramEncoder::create(config, ring);
  ASSERT_TRUE(encoder);
  FramePool pool({160, 96}, 3);
  for (int64_t i = 0; i < 150; ++i) {
    auto canvas = pool.acquire();
    for (; !canvas; canvas = pool.acquire()) std::this_thread::yield();
    const auto& y = canvas->picture().y;
    std::fill_n(y.data, static_cast<ptrdiff_t>(y.stride_bytes) * 96,
                i == kFlash ? uint8_t{235} : uint8_t{16});
    (*encoder)->push_video(
        ConstVideoFrame(std::move(*canvas), 7s + frame_time(i, kRate), static_cast<uint64_t>(i)));
    AudioBlock block;
    block.pts = 7s + frame_time(i, kRate);
    block.samples.assign(1600 * 2, 0.0F);
    if (i == kFlash) std::fill_n(block.samples.begin(), 480 * 2, 0.9F);
    (*encoder)->push_audio(std::move(block));
  }
  (*encoder)->close();
  {
    Recorder recorder({.directory = dir.path(), .program = "main", .session = "s", .segment = 2s},
                      (*encoder)->info(), ring, nullptr);
  }
  const auto file = files_in(dir.path()).at(1);  // from 2 s on
  const std::string luma = decoded(file, {"-an", "-f", "rawvideo", "-pix_fmt", "gray"});
  const std::string sound =
      decoded(file, {"-vn", "-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-ac", "1"});
  double flash_s = -1;
  for (size_t frame = 0; frame * 160 * 96 < luma.size() && flash_s < 0; ++frame) {
    if (static_cast<unsigned char>(luma[frame * 160 * 96 + 5000]) > 200)
      flash_s = static_cast<double>(frame) / 30;
  }
  double click_s = -1;
  for (size_t i = 0; i * 4 < sound.size() && click_s < 0; ++i) {
    float value = 0;
    std::memcpy(&value, sound.data() + i * 4, 4);
    if (std::abs(value) > 0.3F) click_s = static_cast<double>(i) / 48'000;
  }
  EXPECT_NEAR(flash_s, 1.5, 0.001);
  EXPECT_NEAR(click_s, flash_s, 0.005);
}

}  // namespace
}  // namespace vitrine::encoder
