// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/geometry.h"
#include "core/media_time.h"

namespace vitrine::e2e {

/// What a second tool (ffprobe, ffmpeg) finds in a file that a server or the recorder wrote. Our own parsers
/// judge nothing.

struct ProbedPacket {
  bool is_video = false;
  double pts_s = 0;
  double dts_s = 0;
  bool is_keyframe = false;
  std::string md5;  // of the coded bytes
};
/// Throws std::runtime_error with ffprobe's words when it finds an error.
std::vector<ProbedPacket> probe_packets(const std::filesystem::path& file);

struct ProbedStreams {
  std::string video_codec, video_profile, pixel_format, color_space, color_range, audio_codec;
  Size size;
  int audio_rate_hz = 0;
  int audio_channels = 0;
};
ProbedStreams probe_streams(const std::filesystem::path& file);

/// For eyes: a picture every two seconds into the directory that VITRINE_FRAMES names, if it names one.
void keep_pictures(const std::filesystem::path& file, const std::string& name);

/// A grey picture, 8 bits a pixel.
struct Luma {
  Size size;
  std::vector<uint8_t> pixels;
  [[nodiscard]] uint8_t at(int x, int y) const { return pixels[static_cast<size_t>(y) * size.width + x]; }
};

/// Every picture of a file, decoded by ffmpeg. Throws when ffmpeg reports any error.
std::vector<Luma> decode_luma(const std::filesystem::path& file, Size size);
/// The part of every picture that is inside `area`.
std::vector<Luma> decode_luma(const std::filesystem::path& file, const Rect& area);

/// A picture with what is opaque in it: a tile as the designer's tool writes it, in BT.709 limited luma.
struct Reference {
  Luma luma;
  std::vector<uint8_t> is_opaque;
};
Reference read_reference(const std::filesystem::path& png);

/// Mean difference of `picture` from the opaque part of `reference` laid at `at`; 0 is equal. A few units are
/// x264's loss; another figure or price is tens.
double difference(const Luma& picture, const Reference& reference, Point at);

/// The same where `right` and `other` differ by themselves, as figures do: what a picture that shows `right`
/// is near to, and one that shows `other` is not. 0 where they are the same.
double difference_where(const Luma& picture, const Reference& right, const Reference& other, Point at);

/// Mean difference of two pictures inside a rectangle.
double difference(const Luma& a, const Luma& b, const Rect& area);

/// Draws a template as vitrinectl render does, for the canvas, at an instant (RFC 3339).
std::filesystem::path render_reference(const std::string& template_name, const std::string& data_json,
                                       Size canvas, const std::string& form, const std::string& at,
                                       const std::filesystem::path& out);

/// What a template looks like with its data, and where the theme puts it.
struct Tile {
  Reference picture;
  Rect place;
};
/// `media`: where its photos are. `scratch`: a directory for what is drawn.
Tile draw_tile(const std::string& template_name, const nlohmann::json& data, Size canvas,
               const std::string& form, Instant at, const std::filesystem::path& media,
               const std::filesystem::path& scratch);

}  // namespace vitrine::e2e
