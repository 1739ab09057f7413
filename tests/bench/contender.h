// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/geometry.h"
#include "tests/fakes/nginx_rtmp.h"

namespace vitrine::bench {

constexpr Size kCanvas{1920, 1080};

/// What every contender is given to do, 1080p30: take the camera `url` (H.264 and AAC over RTSP), lay card,
/// countdown and licence over it, encode with x264 veryfast at 4000 kbit/s and AAC at 128, push to two RTMP
/// servers, record fragmented MP4.
struct Job {
  std::string camera_url;
  std::filesystem::path work_dir;
};

/// One that does the job.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void go_on_air() = 0;
  virtual void go_off_air() = 0;
  /// The root of its processes.
  [[nodiscard]] virtual pid_t pid() const = 0;
  /// One of the two servers; the stream's name is "show".
  [[nodiscard]] virtual const fakes::NginxRtmp& server() const = 0;
  /// What went wrong since it went on air (frames left out, made late); empty when nothing did.
  [[nodiscard]] virtual std::string faults() const { return ""; }
};

/// The studio, its camera live and its tiles drawn before it goes on air. With two cameras the second is a
/// picture in the picture.
enum class Cameras { kOne, kTwo };
std::unique_ptr<Contender> make_vitrine(const Job& job, Cameras cameras);

/// As one would write them with care: the same x264 settings as ours, nothing decoded or scaled twice, no
/// needless buffer. Their countdown stands still: they are spared what ours costs each second.
std::unique_ptr<Contender> make_ffmpeg(const Job& job);
std::unique_ptr<Contender> make_gstreamer(const Job& job);

}  // namespace vitrine::bench
