// SPDX-License-Identifier: Apache-2.0
// CPU of one programme's encode, 1080p30 at 4000 kbit/s, veryfast, with sound, beside ffmpeg doing the same:
// both take the same raw frames and give H.264 and AAC to nobody. In turns, medians of user and system time
// per frame.
//   bench_encode [rounds] [raw 1920x1080 I420 file]
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "encoder/program_encoder.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/synthetic_media.h"
#include "tests/fakes/temp_dir.h"

namespace {

using namespace vitrine;
using namespace std::chrono_literals;

constexpr Size kSize{1920, 1080};
constexpr Rational kRate{30, 1};
constexpr int kFrames = 300;
constexpr size_t kFrameBytes = size_t{1920} * 1080 * 3 / 2;
constexpr double kFrameBudgetMs = 1000.0 / 30;

double cpu_ms(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1000 + static_cast<double>(time.tv_usec) / 1000;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

/// Packed planes into a canvas, as the mixer would leave them.
void fill(const I420& canvas, const char* raw) {
  const auto copy = [&raw](const PlaneView<uint8_t>& plane, int width, int height) {
    for (int y = 0; y < height; ++y, raw += width) {
      std::memcpy(plane.data + static_cast<ptrdiff_t>(y) * plane.stride_bytes, raw,
                  static_cast<size_t>(width));
    }
  };
  copy(canvas.y, kSize.width, kSize.height);
  copy(canvas.u, kSize.width / 2, kSize.height / 2);
  copy(canvas.v, kSize.width / 2, kSize.height / 2);
}

struct Figures {
  double cpu_ms = 0;
  double p95_ms = 0;
  double delay_frames = 0;
};

/// In a child, so that its CPU is counted alone. As fast as it goes, or paced like a programme.
enum class Pace { kFree, kRealTime };
Figures run_ours(const std::filesystem::path& raw, Pace pace) {
  int pipe_fds[2];
  if (::pipe(pipe_fds) != 0) std::exit(1);
  const pid_t child = ::fork();
  if (child == 0) {
    std::ifstream file(raw, std::ios::binary);
    auto ring =
        std::make_shared<PacketRing>(PacketRing::Config{.max_duration = 12s, .max_bytes = size_t{48} << 20});
    encoder::EncoderConfig config{
        .program = "bench", .size = kSize, .frame_rate = kRate, .video_kbps = 4000, .audio_kbps = 128};
    auto encoder = encoder::ProgramEncoder::create(config, ring);
    if (!encoder) _exit(1);
    FramePool pool(kSize, pace == Pace::kFree ? 3 : 8);
    std::vector<char> buffer(kFrameBytes);
    const MediaTime start = steady_now();
    MediaTime first_out{};
    auto reader = ring->open_reader(PacketRing::StartAt::kOldest);
    for (int64_t i = 0; i < kFrames; ++i) {
      if (pace == Pace::kRealTime) std::this_thread::sleep_for(start + frame_time(i, kRate) - steady_now());
      file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      auto canvas = pool.acquire();
      for (; !canvas; canvas = pool.acquire()) std::this_thread::sleep_for(1ms);
      fill(canvas->picture(), buffer.data());
      (*encoder)->push_video(
          ConstVideoFrame(std::move(*canvas), start + frame_time(i, kRate), static_cast<uint64_t>(i)));
      (*encoder)->push_audio(fakes::tone(start, i * 1600, 1600));
    }
    const auto stats = (*encoder)->stats();
    (*encoder)->close();
    const double frame_ns = static_cast<double>(frame_time(1, kRate).count());
    const Figures figures{cpu_ms(RUSAGE_SELF) / kFrames, static_cast<double>(stats.encode_p95.count()) / 1e6,
                          static_cast<double>(stats.delay_p95.count()) / frame_ns};
    const bool is_written = ::write(pipe_fds[1], &figures, sizeof figures) == sizeof figures;
    _exit(is_written ? 0 : 1);
  }
  Figures figures;
  if (::read(pipe_fds[0], &figures, sizeof figures) != sizeof figures) std::exit(1);
  ::waitpid(child, nullptr, 0);
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
  return figures;
}

Figures run_ffmpeg(const std::filesystem::path& raw) {
  const double before = cpu_ms(RUSAGE_CHILDREN);
  const auto result = fakes::run({"ffmpeg",
                                  "-v",
                                  "error",
                                  "-f",
                                  "rawvideo",
                                  "-pix_fmt",
                                  "yuv420p",
                                  "-s",
                                  "1920x1080",
                                  "-r",
                                  "30",
                                  "-i",
                                  raw,
                                  "-f",
                                  "lavfi",
                                  "-i",
                                  "sine=frequency=440:sample_rate=48000",
                                  "-ac",
                                  "2",
                                  "-shortest",
                                  "-c:v",
                                  "libx264",
                                  "-preset",
                                  "veryfast",
                                  "-b:v",
                                  "4000k",
                                  "-maxrate",
                                  "4000k",
                                  "-bufsize",
                                  "4000k",
                                  "-g",
                                  "60",
                                  "-keyint_min",
                                  "60",
                                  "-sc_threshold",
                                  "0",
                                  "-bf",
                                  "0",
                                  "-c:a",
                                  "aac",
                                  "-b:a",
                                  "128k",
                                  "-t",
                                  "10",
                                  "-f",
                                  "null",
                                  "-"});
  if (result.exit_code != 0) {
    std::fprintf(stderr, "ffmpeg: %s\n", result.errors.c_str());
    std::exit(1);
  }
  return {(cpu_ms(RUSAGE_CHILDREN) - before) / kFrames, 0, 0};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// People walk, things pass: gradients that slide and grain, for those who have no footage at hand.
void write_synthetic(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  std::vector<char> frame(kFrameBytes);
  uint32_t noise = 1;
  for (int i = 0; i < kFrames; ++i) {
    for (size_t at = 0; at < frame.size(); ++at) {
      noise = noise * 1664525 + 1013904223;
      const auto x = static_cast<int>(at % 1920);
      const auto y = static_cast<int>(at / 1920);
      frame[at] = static_cast<char>(40 + (x + y + i * 4) / 8 % 160 + static_cast<int>(noise >> 30));
    }
    file.write(frame.data(), static_cast<std::streamsize>(frame.size()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const fakes::TempDir dir;
  std::filesystem::path raw = dir.path() / "raw.yuv";
  if (argc > 2) {
    raw = argv[2];
  } else {
    write_synthetic(raw);
  }
  std::vector<double> ours;
  std::vector<double> ffmpeg;
  for (int i = 0; i < rounds; ++i) {
    ours.push_back(run_ours(raw, Pace::kFree).cpu_ms);
    ffmpeg.push_back(run_ffmpeg(raw).cpu_ms);
  }
  const auto live = run_ours(raw, Pace::kRealTime);
  std::printf(
      "encode 1080p30 4000 kbit/s veryfast + AAC, CPU a frame: vitrine %.2f ms, ffmpeg %.2f ms (median of "
      "%d, in turns)\n",
      median(ours), median(ffmpeg), rounds);
  std::printf(
      "in real time: CPU %.2f ms, x264 p95 %.2f ms (budget %.1f ms), frame to packet ring p95 %.1f frames\n",
      live.cpu_ms, live.p95_ms, kFrameBudgetMs, live.delay_frames);
  return 0;
}
