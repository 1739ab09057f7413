// SPDX-License-Identifier: Apache-2.0
// CPU time of one 1080p programme frame: a camera's picture onto the canvas, then card, countdown and
// licence. Beside it, in the same run, ffmpeg's overlay filters and GStreamer's compositor at the same work.
//
// How the peers are measured: as processes, by their own user + system time (wait4), over `frames` raw frames
// in memory (memfd, reached through /proc/<pid>/fd). Each runs twice: once with the overlays, once only
// handing the same frames through the same input and output. The difference, by frame, is compositing; what
// reading, start-up and the sink cost falls out. The overlays are the same pictures, as premultiplied
// (the peers take them straight) RGBA frames of raw video decoded once and repeated by the filter. Medians of
// five rounds, all three in turn, so that a busy machine is busy for all.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <time.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "core/shared_memory.h"
#include "overlay/mixer.h"
#include "overlay/render/tile_maker.h"

namespace vitrine::overlay {
namespace {

namespace fs = std::filesystem;
constexpr Size kCanvas{1920, 1080};
constexpr int kFrames = 150;
constexpr int kRounds = 5;
constexpr double kGoalMs = 0.6;

const fs::path kThemes = fs::path(VITRINE_SOURCE_DIR) / "themes";

struct Overlay {
  std::shared_ptr<const Tile> tile;
  TileMaker::Drawn drawn;
};

Overlay make(TileMaker& maker, const std::string& name, const std::string& sample) {
  std::ifstream file(kThemes / "classic/samples" / (name + "." + sample + ".json"));
  std::ostringstream text;
  text << file.rdbuf();
  auto drawn = maker.draw({"classic", name, kCanvas, LayerForm::kNormal, *parse_json(text.str(), 1 << 20)},
                          *parse_rfc3339("2026-11-11T12:00:00Z"));
  const auto pixels = to_tile_pixels(drawn->pixmap);
  const Rect rect{pixels.part.x + drawn->origin.x, pixels.part.y + drawn->origin.y, pixels.part.width,
                  pixels.part.height};
  return {*Tile::open(std::move(*create_immutable_memfd("tile", pixels.planes)), rect), std::move(*drawn)};
}

double cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Eight camera pictures of noise in turn, as a decoder's ring has them, so that none sits in the cache.
struct Camera {
  explicit Camera(Size size) : layout(size) {
    std::mt19937 random(1);
    for (auto& picture : pictures) {
      picture.resize(layout.bytes);
      for (size_t i = 0; i < picture.size(); i += 64) picture[i] = static_cast<uint8_t>(random());
    }
  }
  CameraFrame frame(uint64_t sequence) {
    return {as_const(layout.view(pictures[sequence % pictures.size()].data())),
            MediaTime(static_cast<int64_t>(sequence)), sequence, nullptr};
  }
  I420Layout layout;
  std::array<std::vector<uint8_t>, 8> pictures;
};

struct Ours {
  double place = 0;
  double blend = 0;
};

Ours measure_ours(const std::vector<Overlay>& overlays, Size camera_size, uint64_t shown_times) {
  Camera camera(camera_size);
  FramePool pool(kCanvas, 5);
  Mixer mixer(kCanvas);
  std::vector<VideoFrame> in_flight;
  std::vector<double> place;
  std::vector<double> blend;
  for (uint64_t i = 0; i < 600; ++i) {
    if (in_flight.size() == 4) in_flight.erase(in_flight.begin());  // as the encoder holds a few
    auto frame = pool.acquire();
    const I420& canvas = frame->picture();
    const double begin = cpu_ms();
    mixer.place(canvas, 0, camera.frame(i / shown_times), {0, 0, kCanvas.width, kCanvas.height},
                Picture::Fit::kCover);
    const double placed = cpu_ms();
    for (const auto& overlay : overlays)
      mixer.blend(canvas, *overlay.tile, {overlay.tile->rect().x, overlay.tile->rect().y});
    const double done = cpu_ms();
    place.push_back(placed - begin);
    blend.push_back(done - placed);
    in_flight.push_back(std::move(*frame));
  }
  double place_sum = 0;
  for (const double one : place) place_sum += one;
  // A kept picture makes frames unequal; then the mean is what the CPU pays.
  return {shown_times == 1 ? median(place) : place_sum / static_cast<double>(place.size()), median(blend)};
}

// ---- peers

struct Memory {
  explicit Memory(const char* name) : fd(::memfd_create(name, 0)) {}
  void append(const void* data, size_t bytes) const {
    const auto* at = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t count = ::write(fd.get(), at, bytes);
      if (count <= 0) std::exit(2);
      at += count;
      bytes -= static_cast<size_t>(count);
    }
  }
  [[nodiscard]] std::string path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd.get()); }
  UniqueFd fd;
};

/// User + system time of a command, in ms; nullopt when it failed or is not installed.
std::optional<double> run_ms(std::vector<std::string> command) {
  std::vector<char*> argv;
  for (auto& part : command) argv.push_back(part.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return std::nullopt;
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) * 1e-3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

/// The same overlay as RGBA for the peers, straight alpha, one frame.
void write_rgba(const Overlay& overlay, const Memory& memory) {
  const Pixmap& pixmap = overlay.drawn.pixmap;
  const Size size = pixmap.size();
  std::vector<uint8_t> row(static_cast<size_t>(size.width) * 4);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const uint8_t* from =
          pixmap.data() + static_cast<ptrdiff_t>(y) * pixmap.stride_bytes() + static_cast<ptrdiff_t>(x) * 4;
      const int alpha = from[3];
      for (int c = 0; c < 3; ++c) {
        row[static_cast<size_t>(4 * x + c)] =
            static_cast<uint8_t>(alpha == 0 ? 0 : std::min(255, from[2 - c] * 255 / alpha));
      }
      row[static_cast<size_t>(4 * x + 3)] = static_cast<uint8_t>(alpha);
    }
    memory.append(row.data(), row.size());
  }
}

class Peers {
 public:
  explicit Peers(const std::vector<Overlay>& overlays) : overlays_(overlays) {
    std::mt19937 random(1);
    std::vector<uint8_t> picture(
        static_cast<size_t>(kCanvas.width) * static_cast<size_t>(kCanvas.height) * 3 / 2, 100);
    for (int i = 0; i < kFrames; ++i) {
      for (size_t at = 0; at < picture.size(); at += 64) picture[at] = static_cast<uint8_t>(random());
      video_.append(picture.data(), picture.size());
    }
    for (const auto& overlay : overlays) {
      pictures_.emplace_back("overlay");
      write_rgba(overlay, pictures_.back());
    }
  }

  /// ms a frame; nullopt when ffmpeg is not there.
  std::optional<double> ffmpeg() const {
    std::vector<std::string> input{
        "ffmpeg", "-v", "error",    "-nostdin",   "-threads", "1",  "-filter_complex_threads",
        "1",      "-f", "rawvideo", "-pix_fmt",   "yuv420p",  "-s", size_text(kCanvas),
        "-r",     "30", "-i",       video_.path()};
    std::vector<std::string> output{"-fps_mode", "passthrough", "-f", "null", "-"};
    std::vector<std::string> plain = input;
    plain.insert(plain.end(), {"-filter_complex", "[0]null[out]", "-map", "[out]"});
    plain.insert(plain.end(), output.begin(), output.end());
    std::vector<std::string> with = input;
    std::string graph;
    std::string last = "0";
    for (size_t i = 0; i < overlays_.size(); ++i) {
      with.insert(with.end(),
                  {"-f", "rawvideo", "-pix_fmt", "rgba", "-s", size_text(overlays_[i].drawn.pixmap.size()),
                   "-r", "30", "-i", pictures_[i].path()});
      const Point at = overlays_[i].drawn.origin;
      graph += fmt::format(
          "[{0}]format=yuva420p[o{0}];[{1}][o{0}]overlay={2}:{3}:eof_action=repeat:format=yuv420[v{0}];",
          i + 1, last, at.x, at.y);
      last = fmt::format("v{}", i + 1);
    }
    graph.pop_back();
    with.insert(with.end(), {"-filter_complex", graph, "-map", fmt::format("[{}]", last)});
    with.insert(with.end(), output.begin(), output.end());
    return difference(plain, with);
  }

  std::optional<double> gstreamer() const {
    const std::string source = fmt::format(
        // The compositor takes alpha in only when it puts alpha out. Converting the camera to that is not its
        // work, so both runs do it.
        "filesrc location={} blocksize={} ! rawvideoparse format=i420 width={} height={} framerate=30/1 ! "
        "videoconvert n-threads=1 ! video/x-raw,format=BGRA",
        video_.path(), kCanvas.width * kCanvas.height * 3 / 2, kCanvas.width, kCanvas.height);
    std::string with = "compositor name=c background=black ! video/x-raw,format=BGRA ! fakesink sync=false " +
                       source + " ! c.sink_0 ";
    for (size_t i = 0; i < overlays_.size(); ++i) {
      const Size size = overlays_[i].drawn.pixmap.size();
      const Point at = overlays_[i].drawn.origin;
      with += fmt::format(
          "filesrc location={} blocksize={} ! rawvideoparse format=rgba width={} height={} framerate=30/1 ! "
          "videoconvert ! video/x-raw,format=BGRA ! "
          "imagefreeze num-buffers={} ! c.sink_{} ",
          pictures_[i].path(), size.width * size.height * 4, size.width, size.height, kFrames, i + 1);
      with.insert(with.find("name=c") + 6,
                  fmt::format(" sink_{}::xpos={} sink_{}::ypos={}", i + 1, at.x, i + 1, at.y));
    }
    return difference(shell("gst-launch-1.0 -q " + source + " ! fakesink sync=false"),
                      shell("gst-launch-1.0 -q " + with));
  }

 private:
  static std::string size_text(Size size) { return fmt::format("{}x{}", size.width, size.height); }
  static std::vector<std::string> shell(const std::string& command) {
    std::vector<std::string> words;
    std::istringstream stream(command);
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
  }
  static std::optional<double> difference(const std::vector<std::string>& plain,
                                          const std::vector<std::string>& with) {
    const auto without_overlays = run_ms(plain);
    const auto with_overlays = run_ms(with);
    if (!without_overlays || !with_overlays) return std::nullopt;
    return (*with_overlays - *without_overlays) / kFrames;
  }

  const std::vector<Overlay>& overlays_;
  Memory video_{"video"};
  std::vector<Memory> pictures_;
};

void print(const char* what, std::optional<double> ms, const char* note) {
  if (ms) {
    fmt::print("{:<46} {:7.3f} ms/frame  {}\n", what, *ms, note);
  } else {
    fmt::print("{:<46}       – not measured: not installed, or it failed\n", what);
  }
}

int run() {
  TileMaker maker({kThemes, kThemes / "classic/media"});
  std::vector<Overlay> overlays;
  overlays.push_back(make(maker, "product_card", "water"));
  overlays.push_back(make(maker, "countdown", "minutes"));
  overlays.push_back(make(maker, "licence", "shop"));
  const Peers peers(overlays);

  std::vector<double> place, blend, total, scaled, slow, ffmpeg, gstreamer;
  for (int round = 0; round < kRounds; ++round) {
    const Ours same = measure_ours(overlays, kCanvas, 1);
    place.push_back(same.place);
    blend.push_back(same.blend);
    total.push_back(same.place + same.blend);
    scaled.push_back(measure_ours(overlays, {1280, 720}, 1).place);
    slow.push_back(measure_ours(overlays, {1280, 720}, 3).place);
    if (const auto ms = peers.ffmpeg()) ffmpeg.push_back(*ms);
    if (const auto ms = peers.gstreamer()) gstreamer.push_back(*ms);
  }
  const auto of = [](const std::vector<double>& values) {
    return values.empty() ? std::nullopt : std::optional(median(values));
  };
  fmt::print("1080p, card + countdown + licence; CPU time of one frame, median of {} rounds\n", kRounds);
  print("vitrine: camera picture 1080p, copied", of(place), "");
  print("vitrine: three tiles blended", of(blend), "");
  print("vitrine: both", of(total), fmt::format("goal {}", kGoalMs).c_str());
  print("vitrine: camera picture 720p, scaled", of(scaled), "instead of the copy");
  print("vitrine: camera picture 720p at a third the rate", of(slow), "scaled once, kept");
  print("ffmpeg overlay x 3", of(ffmpeg), "over handing the frames through; it draws in place, so no copy");
  print("GStreamer compositor, 4 inputs, BGRA", of(gstreamer), "over handing the frames through");
  return 0;
}

}  // namespace
}  // namespace vitrine::overlay

int main() {
  return vitrine::overlay::run();
}
