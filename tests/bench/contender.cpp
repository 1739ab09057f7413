// SPDX-License-Identifier: Apache-2.0
#include "contender.h"

#include <fstream>
#include <optional>
#include <signal.h>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/show.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kVideoKbps = 4000;

json scene() {
  json scene = e2e::shop_scene(system_now() + 1h);
  std::erase_if(scene["layers"].get_ref<json::array_t&>(),
                [](const json& layer) { return layer["id"] == "certificate"; });
  return scene;
}

// ---- ours

class Vitrine : public Contender {
 public:
  Vitrine(const Job& job, Cameras cameras) : show_(config(job, cameras)) {
    if (!show_.wait_for_cameras()) throw std::runtime_error("the cameras do not come: " + show_.log());
    json shown = scene();
    if (cameras == Cameras::kTwo)
      shown["pictures"].push_back({{"camera", "door"}, {"area", {1376, 56, 480, 270}}, {"fit", "contain"}});
    if (const json answer = show_.apply(shown); !answer.value("ok", false))
      throw std::runtime_error(answer.dump());
  }

  void go_on_air() override { show_.start_broadcast(); }
  void go_off_air() override { show_.stop_broadcast(); }
  [[nodiscard]] pid_t pid() const override { return show_.pid_of_studio(); }
  [[nodiscard]] const fakes::NginxRtmp& server() const override { return show_.first(); }

  [[nodiscard]] std::string faults() const override {
    const json status = show_.status();
    const json& program = status["programs"][0];
    std::string faults;
    for (const char* at : {"/frames/late", "/frames/repeated", "/frames/skipped", "/encoder/dropped",
                           "/destinations/0/packets_skipped", "/destinations/1/packets_skipped"}) {
      const auto count = program.value(json::json_pointer(at), int64_t{0});
      if (count > 0) faults += fmt::format(" {}={}", at + 1, count);
    }
    return faults;
  }

 private:
  static e2e::ShowConfig config(const Job& job, Cameras cameras) {
    e2e::ShowConfig config;
    config.cameras = {{"counter", "", "tcp", job.camera_url}};
    if (cameras == Cameras::kTwo) config.cameras.push_back({"door", "", "tcp", job.camera_url});
    config.microphone = "camera:counter";
    config.size = kCanvas;
    config.video_kbps = kVideoKbps;
    return config;
  }

  e2e::Show show_;
};

// ---- the peers

struct Overlay {
  std::string png;
  Point at;
};

/// The same layers, drawn by the same renderer.
std::vector<Overlay> draw_overlays(const std::filesystem::path& directory) {
  std::vector<Overlay> overlays;
  const json shown = scene();
  for (const json& layer : shown["layers"]) {
    const auto base = (directory / layer["id"].get<std::string>()).string();
    std::ofstream(base + ".json") << layer["data"].dump();
    const auto drawn =
        fakes::run({VITRINE_BIN_DIR "/vitrinectl", "render", layer["template"].get<std::string>(),
                    base + ".json", base + ".png", "--theme-dir", VITRINE_SOURCE_DIR "/themes", "--media-dir",
                    VITRINE_SOURCE_DIR "/themes/classic/media", "--canvas",
                    fmt::format("{}x{}", kCanvas.width, kCanvas.height), "--json"});
    if (drawn.exit_code != 0) throw std::runtime_error("vitrinectl render: " + drawn.output + drawn.errors);
    const json rect = json::parse(drawn.output)["rect"];
    overlays.push_back({base + ".png", {rect[0].get<int>(), rect[1].get<int>()}});
  }
  return overlays;
}

constexpr const char* kX264 = "scenecut=0:rc-lookahead=3:sync-lookahead=0";

/// A command that does the whole job from its start to SIGINT.
class Command : public Contender {
 public:
  explicit Command(const Job& job) : job_(job) {}

  void go_on_air() override { process_.emplace(command(), log()); }
  void go_off_air() override {
    process_->signal(SIGINT);
    const bool has_ended = fakes::wait_for([&] { return !process_->is_running(); }, 10s);
    process_.reset();  // by force where it has not
    if (!has_ended) throw std::runtime_error("it does not end: " + fakes::read_file(log()));
  }
  [[nodiscard]] pid_t pid() const override { return process_->pid(); }
  [[nodiscard]] const fakes::NginxRtmp& server() const override { return first_; }

 protected:
  [[nodiscard]] virtual std::vector<std::string> command() const = 0;
  [[nodiscard]] std::string log() const { return job_.work_dir / "peer.log"; }
  [[nodiscard]] std::string recording() const { return job_.work_dir / "peer.mp4"; }

  const Job job_;
  const std::vector<Overlay> overlays_ = draw_overlays(job_.work_dir);
  fakes::NginxRtmp first_;
  fakes::NginxRtmp second_;

 private:
  std::optional<fakes::ChildProcess> process_;
};

class Ffmpeg : public Command {
 public:
  using Command::Command;

 private:
  [[nodiscard]] std::vector<std::string> command() const override {
    std::vector<std::string> words = {"ffmpeg",  "-v",       "error",        "-nostdin",  "-y",
                                      "-fflags", "nobuffer", "-flags",       "low_delay", "-rtsp_transport",
                                      "tcp",     "-i",       job_.camera_url};
    std::string graph;
    std::string last = "0:v";
    for (size_t i = 0; i < overlays_.size(); ++i) {
      words.insert(words.end(), {"-i", overlays_[i].png});
      graph += fmt::format("[{0}][{1}:v]overlay={2}:{3}[v{1}];", last, i + 1, overlays_[i].at.x,
                           overlays_[i].at.y);
      last = fmt::format("v{}", i + 1);
    }
    graph.pop_back();
    const std::string kbps = fmt::format("{}k", kVideoKbps);
    const auto rtmp = [](const fakes::NginxRtmp& server) {
      return fmt::format("[f=flv:onfail=ignore]{}/show|", server.url());
    };
    words.insert(words.end(),
                 {"-filter_complex",
                  graph,
                  "-map",
                  fmt::format("[{}]", last),
                  "-map",
                  "0:a",
                  "-r",
                  "30",
                  "-c:v",
                  "libx264",
                  "-preset",
                  "veryfast",
                  "-pix_fmt",
                  "yuv420p",
                  "-b:v",
                  kbps,
                  "-maxrate",
                  kbps,
                  "-bufsize",
                  kbps,
                  "-g",
                  "60",
                  "-keyint_min",
                  "60",
                  "-bf",
                  "0",
                  "-x264-params",
                  kX264,
                  "-threads",
                  "2",
                  "-c:a",
                  "aac",
                  "-b:a",
                  "128k",
                  "-ar",
                  "48000",
                  "-ac",
                  "2",
                  "-flags",
                  "+global_header",
                  "-f",
                  "tee",
                  rtmp(first_) + rtmp(second_) + "[f=mp4:movflags=frag_keyframe+empty_moov]" + recording()});
    return words;
  }
};

class GStreamer : public Command {
 public:
  using Command::Command;

 private:
  [[nodiscard]] std::vector<std::string> command() const override {
    std::string line = fmt::format(
        "gst-launch-1.0 -q -e rtspsrc location={} protocols=tcp latency=100 name=camera "
        "camera. ! application/x-rtp,media=video ! rtph264depay ! h264parse ! avdec_h264 max-threads=1 ",
        job_.camera_url);
    for (const auto& overlay : overlays_) {
      line += fmt::format("! gdkpixbufoverlay location={} offset-x={} offset-y={} ", overlay.png,
                          overlay.at.x, overlay.at.y);
    }
    line += fmt::format(
        "! queue ! x264enc speed-preset=veryfast bitrate={} vbv-buf-capacity=1000 key-int-max=60 bframes=0 "
        "threads=2 option-string={} ! video/x-h264,profile=high ! h264parse ! tee name=video "
        "camera. ! application/x-rtp,media=audio ! rtpmp4gdepay ! aacparse ! avdec_aac ! audioconvert ! "
        "audioresample ! audio/x-raw,rate=48000,channels=2 ! avenc_aac bitrate=128000 ! aacparse ! tee "
        "name=sound "
        "video. ! queue ! flvmux streamable=true name=flv sound. ! queue ! flv. "
        "flv. ! tee name=rtmp ! queue ! rtmp2sink sync=false location={}/show "
        "rtmp. ! queue ! rtmp2sink sync=false location={}/show "
        "video. ! queue ! mp4mux fragment-duration=1000 name=mp4 sound. ! queue ! mp4. "
        "mp4. ! filesink sync=false location={}",
        kVideoKbps, kX264, first_.url(), second_.url(), recording());
    std::vector<std::string> words;
    std::istringstream stream(line);
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
  }
};

}  // namespace

std::unique_ptr<Contender> make_vitrine(const Job& job, Cameras cameras) {
  return std::make_unique<Vitrine>(job, cameras);
}

std::unique_ptr<Contender> make_ffmpeg(const Job& job) {
  return std::make_unique<Ffmpeg>(job);
}

std::unique_ptr<Contender> make_gstreamer(const Job& job) {
  return std::make_unique<GStreamer>(job);
}

}  // namespace vitrine::bench
