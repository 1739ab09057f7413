// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"

namespace vitrine::peers {

/// What a mount of the RTSP server serves.
struct ClipRequest {
  std::vector<std::string> files;  // one after the other, sizes may differ; empty: test bars
  std::string video = "h264";      // h264 h265 mjpeg none
  std::string sound = "aac";       // aac pcma pcmu opus none
  std::string sound_from;          // file, "tone", or empty: the file's own, a tone where it has none
  std::string size;                // "640x360"; empty: the file's, 1280x720 for bars
  int fps = 0;                     // 0: the file's, 30 for bars
  int keyframe_every = 0;          // pictures; 0: one second
  double seconds = 10;             // of each file
};

struct EncodedPacket {
  std::vector<uint8_t> bytes;
  int64_t pts_ns = 0;
  int64_t dts_ns = 0;
  int64_t duration_ns = 0;
  bool is_keyframe = false;
};

struct EncodedTrack {
  std::vector<EncodedPacket> packets;
  std::vector<uint8_t> codec_data;
  int width = 0;
  int height = 0;
  int rate_hz = 0;
  int channels = 0;
};

/// A clip in memory, ready to be sent again and again: ffmpeg encodes it once, or only copies where the codec
/// is right.
struct EncodedClip {
  EncodedTrack video;
  EncodedTrack sound;
  int64_t duration_ns = 0;

  static Result<EncodedClip> make(const ClipRequest& request, const std::filesystem::path& work_dir);
};

}  // namespace vitrine::peers
