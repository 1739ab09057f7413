// SPDX-License-Identifier: Apache-2.0
// The whole job at 1080p30, ours beside ffmpeg and GStreamer: an RTSP camera, three overlays, one encode, two
// RTMP servers and a recording. CPU by output frame, time from start to the first coded picture at the
// server, camera to player, memory. In turns, medians; what each figure is stands in docs/benchmarks.md.
//   bench_show --footage clip.mp4 [--rounds 3] [--seconds 20] [--only vitrine]
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "contender.h"
#include "process_tree.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"
#include "watch.h"

namespace vitrine::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kClipSeconds = 20;
constexpr int kBlinkEverySeconds = 4;  // more than any latency here; divides the clip
constexpr Rect kBox{720, 80, 480, 240};
constexpr int kStarts = 3;
constexpr int kBlinks = 5;
constexpr MediaTime kBetweenStarts = 1s;  // nginx names its recordings by the second
/// The first seconds of an encode are not like the rest: buffers fill, rate control finds its level.
constexpr MediaTime kSettle = 4s;
/// No contender needs longer to its first picture, nor a player; then something is broken.
constexpr MediaTime kPatience = 30s;

struct Options {
  std::string footage;
  int rounds = 3;
  int seconds = 20;
  std::string only;
};

struct Figures {
  std::vector<double> cpu_ms;
  std::vector<double> fps;
  std::vector<double> start_ms;
  std::vector<double> latency_ms;
  std::vector<double> pss_mib;
  std::map<std::string, std::vector<double>> threads_ms;
};

double median(std::vector<double> values) {
  if (values.empty()) return -1;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double ms_between(MediaTime begin, MediaTime end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

volatile std::sig_atomic_t is_interrupted = 0;

/// All waiting is done here, so that Ctrl-C ends what was started.
void pause_for(MediaTime duration) {
  const MediaTime end = steady_now() + duration;
  for (MediaTime now = steady_now(); now < end; now = steady_now()) {
    std::this_thread::sleep_for(std::min<MediaTime>(end - now, 100ms));
    if (is_interrupted != 0) throw std::runtime_error("interrupted");
  }
}

/// Looks again and again until `is_done`; throws after kPatience.
template <typename Look>
void look_until(Look is_done, const std::string& what) {
  const MediaTime end = steady_now() + kPatience;
  while (!is_done()) {
    if (steady_now() > end) throw std::runtime_error("waited in vain for " + what);
    pause_for(kLookEvery);
  }
}

// ---- the camera

std::string make_blinking_clip(const std::string& footage, const fakes::TempDir& dir) {
  const auto clip = (dir.path() / "clip.mp4").string();
  const auto made = fakes::run(
      {"ffmpeg",
       "-v",
       "error",
       "-y",
       "-stream_loop",
       "-1",
       "-i",
       footage,
       "-t",
       std::to_string(kClipSeconds),
       "-vf",
       fmt::format("scale={}:{},drawbox=x={}:y={}:w={}:h={}:color=black:t=fill:enable='lt(mod(t,{}),0.5)'",
                   kCanvas.width, kCanvas.height, kBox.x, kBox.y, kBox.width, kBox.height,
                   kBlinkEverySeconds),
       "-r",
       "30",
       "-pix_fmt",
       "yuv420p",
       "-c:v",
       "libx264",
       "-preset",
       "superfast",
       "-b:v",
       "6M",
       "-maxrate",
       "6M",
       "-bufsize",
       "6M",
       "-g",
       "30",
       "-bf",
       "0",
       "-colorspace",
       "bt709",
       "-color_primaries",
       "bt709",
       "-color_trc",
       "bt709",
       "-color_range",
       "tv",
       "-c:a",
       "aac",
       "-ar",
       "48000",
       "-ac",
       "2",
       clip});
  if (made.exit_code != 0) throw std::runtime_error("the clip: " + made.errors);
  return clip;
}

class RtspCamera {
 public:
  explicit RtspCamera(const fakes::TempDir& dir, const std::string& clip)
      : log_(dir.path() / "rtsp.log"),
        server_({VITRINE_BIN_DIR "/rtsp-server", "--mount",
                 fmt::format("/counter,file={},video=h264,audio=aac,seconds={}", clip, kClipSeconds)},
                log_) {
    look_until([&] { return port() != 0 || !server_.is_running(); }, "the RTSP server");
    if (port() == 0) throw std::runtime_error("the RTSP server: " + fakes::read_file(log_));
  }
  [[nodiscard]] std::string url() const { return fmt::format("rtsp://127.0.0.1:{}/counter", port()); }

 private:
  [[nodiscard]] int port() const {
    const std::string text = fakes::read_file(log_);
    const size_t at = text.find("listening on ");
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 13);
  }

  const std::filesystem::path log_;
  fakes::ChildProcess server_;
};

// ---- start to first picture

/// Puts it on air; how long until the server had a coded picture. `pictures` follows that session.
double start_ms(Contender& contender, std::optional<CodedPictures>& pictures) {
  const size_t earlier = contender.server().recordings("show").size();
  const MediaTime begin = steady_now();
  contender.go_on_air();
  look_until(
      [&] {
        if (!pictures) {
          const auto files = contender.server().recordings("show");
          if (files.size() > earlier) pictures.emplace(files.back());
        }
        return pictures && pictures->count() > 0;
      },
      "the first picture at the server");
  return ms_between(begin, steady_now());
}

// ---- camera to player

/// Shows each picture of `source` as soon as it is decoded: the box of it, small and grey, into a file. The
/// same for the camera and for the program, so that what decoding costs falls out of the difference.
fakes::ChildProcess watch(const std::string& source, const std::string& raw) {
  constexpr int kInside = 40;  // of the box: its edges are blurred
  std::istringstream line(fmt::format(
      "gst-launch-1.0 -q {} ! h264parse ! avdec_h264 max-threads=1 ! videocrop left={} top={} right={} "
      "bottom={} ! videoscale ! video/x-raw,width={size},height={size} ! videoconvert ! "
      "video/x-raw,format=GRAY8 ! filesink sync=false async=false buffer-mode=unbuffered location={raw}",
      source, kBox.x + kInside, kBox.y + kInside, kCanvas.width - kBox.x - kBox.width + kInside,
      kCanvas.height - kBox.y - kBox.height + kInside, fmt::arg("size", Blinks::kSize),
      fmt::arg("raw", raw)));
  std::vector<std::string> words;
  for (std::string word; line >> word;) words.push_back(word);
  return {words, raw + ".log"};
}

/// For every blink that both saw, how much later the player did.
std::vector<double> latencies_ms(const Contender& contender, const std::string& camera_url,
                                 MediaTime duration) {
  const fakes::TempDir dir;
  Blinks at_camera(dir.path() / "camera");
  Blinks at_player(dir.path() / "player");
  const auto camera =
      watch(fmt::format("rtspsrc location={} protocols=tcp latency=0 ! rtph264depay", camera_url),
            dir.path() / "camera");
  const auto player = watch(fmt::format("rtmp2src location={}/show ! flvdemux name=flv flv.audio ! fakesink "
                                        "sync=false async=false flv.video",
                                        contender.server().url()),
                            dir.path() / "player");
  for (const MediaTime end = steady_now() + duration; steady_now() < end;) {
    at_camera.look();
    at_player.look();
    pause_for(kLookEvery);
  }
  std::vector<double> found;
  for (const MediaTime blink : at_camera.seen()) {
    const auto& seen = at_player.seen();
    const auto later = std::ranges::lower_bound(seen, blink);
    if (later != seen.end() && *later - blink < std::chrono::seconds(kBlinkEverySeconds))
      found.push_back(ms_between(blink, *later));
  }
  return found;
}

// ---- a round

void count_cpu(const Contender& contender, CodedPictures& pictures, const Options& options,
               Figures& figures) {
  const TreeUsage before = cpu_of_tree(contender.pid());
  const int64_t pictures_before = pictures.count();
  const MediaTime begin = steady_now();
  pause_for(std::chrono::seconds(options.seconds));
  const TreeUsage after = cpu_of_tree(contender.pid());
  const auto made = static_cast<double>(std::max<int64_t>(1, pictures.count() - pictures_before));
  figures.fps.push_back(made * 1000 / ms_between(begin, steady_now()));
  figures.cpu_ms.push_back((after.cpu_ms - before.cpu_ms) / made);
  for (const auto& [name, ms] : after.threads_ms) {
    const auto was = before.threads_ms.find(name);
    figures.threads_ms[name].push_back((ms - (was == before.threads_ms.end() ? 0 : was->second)) / made);
  }
}

/// One contender's turn. nullopt when it was starved: what it did then is not the job.
std::optional<Figures> measure(Contender& contender, const std::string& camera_url, const Options& options) {
  constexpr double kStarvedFps = 29.5;
  Figures figures;
  std::optional<CodedPictures> pictures;
  for (int i = 0; i < kStarts; ++i) {
    if (i > 0) {
      contender.go_off_air();
      pause_for(kBetweenStarts);
    }
    pictures.reset();
    figures.start_ms.push_back(start_ms(contender, pictures));
  }
  pause_for(kSettle);
  count_cpu(contender, *pictures, options, figures);
  const std::string faults = contender.faults();
  if (const auto pss = pss_of_tree(contender.pid())) figures.pss_mib.push_back(*pss);
  figures.latency_ms =
      latencies_ms(contender, camera_url, kBlinks * std::chrono::seconds(kBlinkEverySeconds));
  contender.go_off_air();
  const bool is_starved = figures.fps.back() < kStarvedFps || !faults.empty();
  fmt::print(
      stderr,
      "  CPU {:.1f} ms a frame at {:.2f} fps, start {:.0f} ms, to the player {:.0f} ms ({} of {}){}{}\n",
      figures.cpu_ms.back(), figures.fps.back(), median(figures.start_ms), median(figures.latency_ms),
      figures.latency_ms.size(), kBlinks, faults, is_starved ? "; left out: the machine was too busy" : "");
  return is_starved ? std::nullopt : std::optional(figures);
}

void add(const Figures& turn, Figures& all) {
  for (const auto values :
       {&Figures::cpu_ms, &Figures::fps, &Figures::start_ms, &Figures::latency_ms, &Figures::pss_mib})
    (all.*values).insert((all.*values).end(), (turn.*values).begin(), (turn.*values).end());
  for (const auto& [name, ms] : turn.threads_ms) all.threads_ms[name].push_back(ms.front());
}

std::optional<double> pss_with_two_cameras(const Job& job, MediaTime duration) {
  const auto contender = make_vitrine(job, Cameras::kTwo);
  contender->go_on_air();
  pause_for(duration);
  const auto pss = pss_of_tree(contender->pid());
  contender->go_off_air();
  return pss;
}

void print_table(const std::map<std::string, Figures>& all, std::optional<double> two_cameras) {
  const auto row = [&](const char* what, const char* goal, std::vector<double> Figures::*values) {
    fmt::print("{:<50}", what);
    for (const char* name : {"vitrine", "ffmpeg", "gstreamer"}) {
      const auto found = all.find(name);
      const bool is_measured = found != all.end() && !(found->second.*values).empty();
      fmt::print(" {:>10}", is_measured ? fmt::format("{:.1f}", median(found->second.*values)) : "–");
    }
    fmt::print("  {}\n", goal);
  };
  fmt::print("\n{:<50} {:>10} {:>10} {:>10}  goal of ours\n", "1080p30, medians", "vitrine", "ffmpeg",
             "GStreamer");
  row("whole job, CPU ms a frame", "not above ffmpeg's", &Figures::cpu_ms);
  row("frames a second", "30", &Figures::fps);
  row("start to first coded picture at the server, ms", "900", &Figures::start_ms);
  row("camera to RTMP player, ms", "700", &Figures::latency_ms);
  row("memory (PSS) with one camera, MiB", "", &Figures::pss_mib);
  if (two_cameras)
    fmt::print("{:<50} {:>10.1f} {:>10} {:>10}  450\n", "memory (PSS) with two cameras, MiB", *two_cameras,
               "–", "–");
  if (!all.contains("vitrine")) return;
  fmt::print("\nwhere ours goes, CPU ms a frame:\n");
  std::vector<std::pair<double, std::string>> threads;
  for (const auto& [name, values] : all.at("vitrine").threads_ms) threads.emplace_back(median(values), name);
  std::ranges::sort(threads, std::greater<>());
  for (const auto& [ms, name] : threads) {
    if (ms >= 0.05) fmt::print("  {:<40} {:6.2f}\n", name, ms);
  }
}

int run(const Options& options) {
  const fakes::TempDir dir;
  const RtspCamera camera(dir, make_blinking_clip(options.footage, dir));
  const Job job{camera.url(), dir.path()};
  std::map<std::string, Figures> all;
  for (int round = 0; round < options.rounds; ++round) {
    for (const std::string name : {"vitrine", "ffmpeg", "gstreamer"}) {
      if (!options.only.empty() && options.only != name) continue;
      fmt::print(stderr, "round {} of {}: {}\n", round + 1, options.rounds, name);
      const auto contender = name == "vitrine"  ? make_vitrine(job, Cameras::kOne)
                             : name == "ffmpeg" ? make_ffmpeg(job)
                                                : make_gstreamer(job);
      if (const auto turn = measure(*contender, job.camera_url, options)) add(*turn, all[name]);
    }
  }
  const bool is_ours = options.only.empty() || options.only == "vitrine";
  print_table(all, is_ours ? pss_with_two_cameras(job, std::chrono::seconds(options.seconds)) : std::nullopt);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) {
  vitrine::bench::Options options;
  CLI::App app("The whole job, beside ffmpeg and GStreamer");
  app.add_option("--footage", options.footage, "A clip with sound; it stands in for the camera")->required();
  app.add_option("--rounds", options.rounds, "Each contender's turns");
  app.add_option("--seconds", options.seconds, "How long CPU is counted in each turn");
  app.add_option("--only", options.only, "vitrine, ffmpeg or gstreamer");
  CLI11_PARSE(app, argc, argv);
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int) { vitrine::bench::is_interrupted = 1; });
  }
  try {
    return vitrine::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_show: {}\n", error.what());
    return 1;
  }
}
