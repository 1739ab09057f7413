// SPDX-License-Identifier: Apache-2.0
#include "judge.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/rfc3339.h"
#include "tests/fakes/child_process.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

fakes::Finished run_or_throw(const std::vector<std::string>& command, bool may_warn = false) {
  auto finished = fakes::run(command);
  if (finished.exit_code != 0 || (!may_warn && !finished.errors.empty())) {
    throw std::runtime_error(
        fmt::format("{}: exit {}: {}", command.front(), finished.exit_code, finished.errors));
  }
  return finished;
}

double seconds_of(const json& packet, const char* key) {
  return packet.contains(key) ? std::strtod(packet[key].get<std::string>().c_str(), nullptr) : NAN;
}

}  // namespace

std::vector<ProbedPacket> probe_packets(const std::filesystem::path& file) {
  const auto probed = run_or_throw(
      {"ffprobe", "-v", "error", "-show_packets", "-show_data_hash", "md5", "-of", "json", file.string()});
  std::vector<ProbedPacket> packets;
  const json document = json::parse(probed.output);
  for (const auto& packet : document["packets"]) {
    packets.push_back(
        {packet["codec_type"] == "video", seconds_of(packet, "pts_time"), seconds_of(packet, "dts_time"),
         packet["flags"].get<std::string>().find('K') != std::string::npos, packet.value("data_hash", "")});
  }
  return packets;
}

ProbedStreams probe_streams(const std::filesystem::path& file) {
  const auto probed = run_or_throw({"ffprobe", "-v", "error", "-show_streams", "-of", "json", file.string()});
  ProbedStreams streams;
  const json document = json::parse(probed.output);
  for (const auto& stream : document["streams"]) {
    if (stream["codec_type"] == "video") {
      streams.video_codec = stream.value("codec_name", "");
      streams.video_profile = stream.value("profile", "");
      streams.pixel_format = stream.value("pix_fmt", "");
      streams.color_space = stream.value("color_space", "");
      streams.color_range = stream.value("color_range", "");
      streams.size = {stream.value("width", 0), stream.value("height", 0)};
    } else if (stream["codec_type"] == "audio") {
      streams.audio_codec = stream.value("codec_name", "");
      streams.audio_rate_hz = std::atoi(stream.value("sample_rate", "0").c_str());
      streams.audio_channels = stream.value("channels", 0);
    }
  }
  return streams;
}

void keep_pictures(const std::filesystem::path& file, const std::string& name) {
  const char* directory = std::getenv("VITRINE_FRAMES");
  if (directory == nullptr) return;
  std::filesystem::create_directories(directory);
  run_or_throw({"ffmpeg", "-v", "error", "-y", "-i", file.string(), "-vf", "fps=0.5",
                fmt::format("{}/{}-%02d.png", directory, name)});
}

std::vector<Luma> decode_luma(const std::filesystem::path& file, Size size) {
  return decode_luma(file, Rect{0, 0, size.width, size.height});
}

std::vector<Luma> decode_luma(const std::filesystem::path& file, const Rect& area) {
  // -vsync passthrough: one picture out for each coded one, none made up, none left out.
  const auto decoded = run_or_throw(
      {"ffmpeg", "-v", "error", "-xerror", "-i", file.string(), "-map", "0:v", "-vsync", "passthrough", "-f",
       "rawvideo", "-pix_fmt", "gray", "-vf",
       fmt::format("extractplanes=y,crop={}:{}:{}:{}", area.width, area.height, area.x, area.y), "-"});
  const Size size{area.width, area.height};
  const size_t bytes = static_cast<size_t>(size.width) * size.height;
  std::vector<Luma> pictures;
  for (size_t at = 0; at + bytes <= decoded.output.size(); at += bytes) {
    const auto* begin = reinterpret_cast<const uint8_t*>(decoded.output.data()) + at;
    pictures.push_back({size, std::vector<uint8_t>(begin, begin + bytes)});
  }
  return pictures;
}

Reference read_reference(const std::filesystem::path& png) {
  const auto size_text = run_or_throw(
      {"ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "json", png.string()});
  const auto stream = json::parse(size_text.output)["streams"][0];
  const Size size{stream["width"].get<int>(), stream["height"].get<int>()};
  const auto raw =
      run_or_throw({"ffmpeg", "-v", "error", "-i", png.string(), "-f", "rawvideo", "-pix_fmt", "rgba", "-"});
  Reference reference;
  reference.luma.size = size;
  for (size_t i = 0; i + 3 < raw.output.size(); i += 4) {
    const auto channel = [&](size_t offset) {
      return static_cast<double>(static_cast<uint8_t>(raw.output[i + offset]));
    };
    // ITU-R BT.709, limited range.
    const double luma = 16 + 219.0 / 255 * (0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2));
    reference.luma.pixels.push_back(static_cast<uint8_t>(std::lround(luma)));
    reference.is_opaque.push_back(channel(3) == 255 ? 1 : 0);
  }
  return reference;
}

double difference(const Luma& picture, const Reference& reference, Point at) {
  int64_t sum = 0;
  int64_t count = 0;
  for (int y = 0; y < reference.luma.size.height; ++y) {
    for (int x = 0; x < reference.luma.size.width; ++x) {
      if (reference.is_opaque[static_cast<size_t>(y) * reference.luma.size.width + x] == 0) continue;
      if (at.x + x >= picture.size.width || at.y + y >= picture.size.height) continue;
      sum += std::abs(picture.at(at.x + x, at.y + y) - reference.luma.at(x, y));
      ++count;
    }
  }
  return count == 0 ? 255 : static_cast<double>(sum) / static_cast<double>(count);
}

double difference_where(const Luma& picture, const Reference& right, const Reference& other, Point at) {
  constexpr int kFar = 30;  // more than x264 does to a flat tile
  int64_t sum = 0;
  int64_t count = 0;
  const Size size{std::min(right.luma.size.width, other.luma.size.width),
                  std::min(right.luma.size.height, other.luma.size.height)};
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const bool is_opaque = right.is_opaque[static_cast<size_t>(y) * right.luma.size.width + x] != 0 &&
                             other.is_opaque[static_cast<size_t>(y) * other.luma.size.width + x] != 0;
      if (!is_opaque || std::abs(right.luma.at(x, y) - other.luma.at(x, y)) < kFar) continue;
      sum += std::abs(picture.at(at.x + x, at.y + y) - right.luma.at(x, y));
      ++count;
    }
  }
  return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
}

double difference(const Luma& a, const Luma& b, const Rect& area) {
  int64_t sum = 0;
  for (int y = area.y; y < area.y + area.height; ++y) {
    for (int x = area.x; x < area.x + area.width; ++x) sum += std::abs(a.at(x, y) - b.at(x, y));
  }
  return static_cast<double>(sum) / (static_cast<double>(area.width) * area.height);
}

namespace {

/// What the designer's tool says of what it drew.
json render(const std::string& template_name, const std::string& data_json, Size canvas,
            const std::string& form, const std::string& at, const std::filesystem::path& media,
            const std::filesystem::path& out) {
  const auto data = out.string() + ".json";
  std::ofstream(data) << data_json;
  const auto drawn = run_or_throw({VITRINE_BIN_DIR "/vitrinectl", "render", template_name, data, out.string(),
                                   "--theme-dir", VITRINE_SOURCE_DIR "/themes", "--theme", "classic",
                                   "--canvas", fmt::format("{}x{}", canvas.width, canvas.height), "--form",
                                   form, "--at", at, "--media-dir", media.string(), "--json"},
                                  true);
  return json::parse(drawn.output);
}

}  // namespace

std::filesystem::path render_reference(const std::string& template_name, const std::string& data_json,
                                       Size canvas, const std::string& form, const std::string& at,
                                       const std::filesystem::path& out) {
  render(template_name, data_json, canvas, form, at, VITRINE_SOURCE_DIR "/themes/classic/media", out);
  return out;
}

Tile draw_tile(const std::string& template_name, const json& data, Size canvas, const std::string& form,
               Instant at, const std::filesystem::path& media, const std::filesystem::path& scratch) {
  const auto out = scratch / fmt::format("{}.png", template_name);
  const json drawn = render(template_name, data.dump(), canvas, form, format_rfc3339(at), media, out);
  const auto& rect = drawn["rect"];
  return {read_reference(out),
          {rect[0].get<int>(), rect[1].get<int>(), rect[2].get<int>(), rect[3].get<int>()}};
}

}  // namespace vitrine::e2e
