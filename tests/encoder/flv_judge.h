// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace vitrine::encoder {

/// What ffprobe reads in a file.
struct JudgedPacket {
  int64_t pts_ms = 0;
  int64_t dts_ms = 0;
  int64_t size = 0;
  bool is_keyframe = false;
};
struct Judged {
  std::vector<JudgedPacket> video, audio;
  std::string errors;  // ffprobe's and, decoding all of it, ffmpeg's complaints
};

enum class Decode { kNo, kYes };
Judged judge(const std::filesystem::path& file, Decode decode);

/// Pictures that are missing between the first and the last: steps larger than a frame at 30 fps.
int64_t missing_frames(const std::vector<JudgedPacket>& video);

}  // namespace vitrine::encoder
