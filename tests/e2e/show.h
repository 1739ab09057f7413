// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/control_socket.h"
#include "core/media_time.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/nginx_rtmp.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::e2e {

/// A camera as the RTSP server serves it and the studio reads it.
struct Camera {
  std::string id;
  std::string
      mount;  // of the RTSP server: "file=clip.mp4,video=h264,audio=aac"; empty when `source` is given
  std::string transport;  // "tcp" or "udp"
  std::string source;     // instead of RTSP: "test:bars", "file:…"
};

/// The control plane beside the studio.
struct DeskConfig {
  std::string commerce;                            // lines of [commerce]
  std::string more;                                // sections behind it
  std::map<std::string, std::string> credentials;  // by name
};

struct ShowConfig {
  std::vector<Camera> cameras;
  std::string microphone;  // source of the one microphone: "camera:counter"; empty: none
  Size size{1280, 720};
  std::string preset = "veryfast";
  int video_kbps = 2500;
  bool is_recorded = true;
  std::optional<DeskConfig> desk;
};

/// A whole studio on this machine: the real daemon with its workers, a real RTSP server in the place of
/// cameras, two real RTMP servers in the place of platforms ("first" and "second"), and where one is wanted a
/// real desk, all of it in a directory of its own.
class Show {
 public:
  explicit Show(ShowConfig config);
  ~Show();
  Show(const Show&) = delete;
  Show& operator=(const Show&) = delete;

  /// One question at the control socket; throws std::runtime_error (a failed test) when nobody answers.
  ControlServer::Answer call(const nlohmann::json& request) const;
  [[nodiscard]] nlohmann::json status() const { return call({{"op", "status"}}).body; }
  /// Applies one scene of the program "main" as the next revision; the answer.
  nlohmann::json apply(const nlohmann::json& scene);
  void start_broadcast() const;
  void stop_broadcast() const;
  bool wait_until(const std::function<bool(const nlohmann::json& status)>& condition) const;

  /// Every camera delivers, or the deadline passed.
  bool wait_for_cameras() const;
  /// Until the encoder has put out `frames` more.
  bool wait_for_frames(int frames) const;

  /// The desk's API, as `vitrinectl` speaks it. Throws std::runtime_error (a failed test) where it refuses.
  nlohmann::json api(const std::string& method, const std::string& path,
                     const nlohmann::json& body = nullptr) const;
  /// The studio's newest record of what is on screen; null before there is one.
  [[nodiscard]] nlohmann::json on_screen() const;
  void start_desk();
  void kill_desk();

  void kill_studio();
  void start_studio();
  void stop_studio();
  void restart_cameras();
  void kill_cameras();

  fakes::NginxRtmp& first() { return *first_; }
  fakes::NginxRtmp& second() { return *second_; }
  [[nodiscard]] const fakes::NginxRtmp& first() const { return *first_; }
  [[nodiscard]] pid_t pid_of_studio() const { return studio_->pid(); }
  [[nodiscard]] pid_t pid_of_desk() const { return desk_->pid(); }
  [[nodiscard]] int pid_of_camera(const std::string& id) const;
  [[nodiscard]] int pid_of_renderer() const;

  [[nodiscard]] const std::filesystem::path& directory() const { return dir_.path(); }
  /// Photos as the render worker finds them.
  [[nodiscard]] std::filesystem::path media_directory() const;
  [[nodiscard]] std::string log() const;
  /// Files of the last session, in order.
  [[nodiscard]] std::vector<std::filesystem::path> recordings() const;
  [[nodiscard]] std::vector<nlohmann::json> records() const;
  [[nodiscard]] Size size() const { return config_.size; }

 private:
  void write_config() const;
  [[nodiscard]] std::filesystem::path session_directory() const;

  const ShowConfig config_;
  fakes::TempDir dir_;
  std::unique_ptr<fakes::NginxRtmp> first_;
  std::unique_ptr<fakes::NginxRtmp> second_;
  int rtsp_port_ = 0;
  std::optional<fakes::ChildProcess> rtsp_server_;
  std::optional<fakes::ChildProcess> studio_;
  std::optional<fakes::ChildProcess> desk_;
  uint64_t revision_ = 100;
};

/// A layer whose lease runs from now on for `seconds`.
nlohmann::json layer(const std::string& id, const std::string& template_name, const nlohmann::json& data,
                     double seconds, const std::string& after);
/// The scene most tests show: camera "counter", card, certificate, licence, and a countdown that ends at
/// `ends_at`.
nlohmann::json shop_scene(Instant ends_at);
nlohmann::json card_data();

/// The layer of that name in a record of what was on screen; null where there is none.
nlohmann::json layer_in(const nlohmann::json& record, const std::string& id);

/// Clips for the cameras: people filmed by a fixed camera, from Debian's opencv-doc, and another where
/// VITRINE_FOOTAGE names a directory that has it (bottles.mp4).
std::filesystem::path people_clip();
std::optional<std::filesystem::path> extra_clip(const std::string& name);
/// Speech of espeak-ng, for clips without sound; made once in `directory`.
std::filesystem::path speech(const std::filesystem::path& directory);

}  // namespace vitrine::e2e
