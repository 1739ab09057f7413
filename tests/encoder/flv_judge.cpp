// SPDX-License-Identifier: Apache-2.0
#include "tests/encoder/flv_judge.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "tests/fakes/child_process.h"

namespace vitrine::encoder {
namespace {

int64_t milliseconds(const nlohmann::json& packet, const char* key) {
  return packet.contains(key) ? std::llround(std::stod(packet[key].get<std::string>()) * 1000) : -1;
}

}  // namespace

Judged judge(const std::filesystem::path& file, Decode decode) {
  const auto probe =
      fakes::run({"ffprobe", "-v", "error", "-print_format", "json", "-show_packets", "-show_entries",
                  "packet=codec_type,pts_time,dts_time,size,flags", file.string()});
  Judged judged;
  judged.errors = probe.errors;
  const auto document = nlohmann::json::parse(probe.output, nullptr, false);
  if (document.is_discarded() || !document.contains("packets")) return judged;
  for (const auto& packet : document["packets"]) {
    auto& stream = packet["codec_type"] == "video" ? judged.video : judged.audio;
    stream.push_back({milliseconds(packet, "pts_time"), milliseconds(packet, "dts_time"),
                      std::stoll(packet["size"].get<std::string>()),
                      packet["flags"].get<std::string>().starts_with('K')});
  }
  if (decode == Decode::kYes) {
    const auto decoded = fakes::run({"ffmpeg", "-v", "error", "-i", file.string(), "-f", "null", "-"});
    judged.errors += decoded.errors;
  }
  return judged;
}

int64_t missing_frames(const std::vector<JudgedPacket>& video) {
  int64_t missing = 0;
  for (size_t i = 1; i < video.size(); ++i) {
    const double step_ms = static_cast<double>(video[i].dts_ms - video[i - 1].dts_ms);
    missing += std::llround(step_ms * 30 / 1000) - 1;
  }
  return missing;
}

}  // namespace vitrine::encoder
