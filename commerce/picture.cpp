// SPDX-License-Identifier: Apache-2.0
#include "commerce/picture.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "core/picture_limits.h"

namespace vitrine::commerce {
namespace {

constexpr std::string_view kAllowedPicture = "a JPEG, PNG or WebP picture";

/// Foreign bytes; what lies behind their end reads as nothing.
class HeaderBytes {
 public:
  explicit HeaderBytes(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool has(size_t at, size_t count) const {
    return at <= bytes_.size() && count <= bytes_.size() - at;
  }
  [[nodiscard]] bool is(size_t at, std::string_view what) const {
    return has(at, what.size()) && bytes_.substr(at, what.size()) == what;
  }
  [[nodiscard]] std::optional<uint32_t> big_endian(size_t at, size_t count) const {
    if (!has(at, count)) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<uint8_t>(bytes_[at + i]);
    return value;
  }
  [[nodiscard]] std::optional<uint32_t> little_endian(size_t at, size_t count) const {
    if (!has(at, count)) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes_[at + i - 1]);
    return value;
  }
  [[nodiscard]] size_t size() const { return bytes_.size(); }

 private:
  const std::string_view bytes_;
};

struct HeaderSize {
  uint32_t width = 0;
  uint32_t height = 0;
  bool operator==(const HeaderSize&) const = default;
};
/// Or why it can't be told.
using SizeOrFault = tl::expected<HeaderSize, std::string>;

tl::unexpected<std::string> cut_off(const char* what) {
  return tl::unexpected(fmt::format("a {} picture that ends before it says its size", what));
}

/// Segments up to the frame header. Only baseline, extended and progressive ones (SOF0 to SOF2): no browser
/// and not our renderer show the others.
SizeOrFault jpeg_size(const HeaderBytes& bytes) {
  for (size_t at = 2;;) {
    auto marker = bytes.big_endian(at, 2);
    while (marker == 0xFFFFU) marker = bytes.big_endian(++at, 2);  // fill bytes
    if (!marker) return cut_off("JPEG");
    if (*marker < 0xFF01U) return tl::unexpected(std::string("a damaged JPEG picture"));
    const uint32_t code = *marker & 0xFFU;
    at += 2;
    if (code == 0x01 || (code >= 0xD0 && code <= 0xD7)) continue;  // these have no length
    const auto length = bytes.big_endian(at, 2);
    if (!length) return cut_off("JPEG");
    if (*length < 2 || code == 0xD8 || code == 0xD9 || code == 0xDA)
      return tl::unexpected(std::string("a damaged JPEG picture"));
    const bool is_frame = code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC;
    if (is_frame) {
      if (code > 0xC2) return tl::unexpected(std::string("a lossless or arithmetic JPEG picture"));
      const auto height = bytes.big_endian(at + 3, 2);
      const auto width = bytes.big_endian(at + 5, 2);
      if (!height || !width) return cut_off("JPEG");
      return HeaderSize{*width, *height};
    }
    at += *length;
  }
}

SizeOrFault png_size(const HeaderBytes& bytes) {
  const auto length = bytes.big_endian(8, 4);
  const auto width = bytes.big_endian(16, 4);
  const auto height = bytes.big_endian(20, 4);
  if (!length || !width || !height) return cut_off("PNG");
  if (*length != 13 || !bytes.is(12, "IHDR")) return tl::unexpected(std::string("a damaged PNG picture"));
  return HeaderSize{*width, *height};
}

/// Of a VP8 or VP8L chunk whose content begins at `at`.
SizeOrFault webp_frame_size(const HeaderBytes& bytes, size_t at, bool is_lossless) {
  if (is_lossless) {
    const auto packed = bytes.little_endian(at + 1, 4);
    if (!packed) return cut_off("WebP");
    if (!bytes.is(at, "\x2F")) return tl::unexpected(std::string("a damaged WebP picture"));
    return HeaderSize{(*packed & 0x3FFFU) + 1, (*packed >> 14 & 0x3FFFU) + 1};
  }
  const auto tag = bytes.little_endian(at, 1);
  const auto width = bytes.little_endian(at + 6, 2);
  const auto height = bytes.little_endian(at + 8, 2);
  if (!tag || !width || !height) return cut_off("WebP");
  if ((*tag & 1U) != 0 || !bytes.is(at + 3, "\x9D\x01\x2A"))
    return tl::unexpected(std::string("a damaged WebP picture"));
  return HeaderSize{*width & 0x3FFFU, *height & 0x3FFFU};
}

/// The extended form says a size of its own; a decoder goes by the frame's, so both must be the same.
SizeOrFault webp_size(const HeaderBytes& bytes) {
  std::optional<HeaderSize> said;
  for (size_t at = 12;;) {
    const auto length = bytes.little_endian(at + 4, 4);
    if (!length) return cut_off("WebP");
    const size_t content = at + 8;
    if (bytes.is(at, "VP8 ") || bytes.is(at, "VP8L")) {
      auto size = webp_frame_size(bytes, content, bytes.is(at, "VP8L"));
      if (size && said && *size != *said)
        return tl::unexpected(std::string("a WebP picture that says two different sizes"));
      return size;
    }
    if (bytes.is(at, "VP8X")) {
      const auto flags = bytes.little_endian(content, 1);
      const auto width = bytes.little_endian(content + 4, 3);
      const auto height = bytes.little_endian(content + 7, 3);
      if (!flags || !width || !height) return cut_off("WebP");
      if ((*flags & 2U) != 0) return tl::unexpected(std::string("an animated WebP picture"));
      said = HeaderSize{*width + 1, *height + 1};
    }
    at = content + *length + (*length & 1U);
  }
}

/// What people bring in the place of a picture.
std::string name_of_other(std::string_view bytes) {
  struct Magic {
    size_t at;
    std::string_view bytes;
    const char* name;
  };
  constexpr std::array<Magic, 8> kOthers = {{{0, "%PDF", "a PDF document"},
                                             {0, "GIF8", "a GIF picture"},
                                             {0, "BM", "a BMP picture"},
                                             {0, "PK\x03\x04", "a ZIP or office file"},
                                             {0, "II*", "a TIFF picture"},
                                             {0, "MM", "a TIFF picture"},
                                             {4, "ftyp", "a HEIC or AVIF picture, or a film"},
                                             {0, "{", "JSON"}}};
  if (bytes.empty()) return "nothing";
  const HeaderBytes header(bytes);
  for (const auto& other : kOthers)
    if (header.is(other.at, other.bytes)) return other.name;
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '<') return "a web page or an SVG drawing";
  return fmt::format("{} bytes of something else", bytes.size());
}

}  // namespace

Result<PictureInfo> check_picture(const std::string& name, std::string_view bytes) {
  const auto refuse = [&](std::string found, std::string allowed) {
    return tl::unexpected(to_error(Problems{{name, std::move(found), std::move(allowed)}}));
  };
  if (bytes.size() > kMostPictureBytes)
    return refuse(fmt::format("{} bytes", bytes.size()), fmt::format("at most {} bytes", kMostPictureBytes));
  const HeaderBytes header(bytes);
  PictureInfo info;
  SizeOrFault size;
  if (header.is(0, "\xFF\xD8\xFF")) {
    info.type = PictureType::kJpeg;
    size = jpeg_size(header);
  } else if (header.is(0, "\x89PNG\r\n\x1A\n")) {
    info.type = PictureType::kPng;
    size = png_size(header);
  } else if (header.is(0, "RIFF") && header.is(8, "WEBP")) {
    info.type = PictureType::kWebp;
    size = webp_size(header);
  } else {
    return refuse(name_of_other(bytes), std::string(kAllowedPicture));
  }
  if (!size) return refuse(size.error(), std::string(kAllowedPicture));
  const auto [width, height] = *size;
  const auto [least, most] = std::minmax(width, height);
  if (least < kLeastPictureSide || most > kMostPictureSide || int64_t{width} * height > kMostPicturePixels) {
    return refuse(fmt::format("{}×{} pixels", width, height),
                  fmt::format("{} to {} pixels a side, at most {} megapixels", kLeastPictureSide,
                              kMostPictureSide, kMostPicturePixels / 1'000'000));
  }
  info.size = {static_cast<int>(width), static_cast<int>(height)};
  return info;
}

}  // namespace vitrine::commerce
