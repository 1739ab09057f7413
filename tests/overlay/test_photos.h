// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/geometry.h"

namespace vitrine::overlay::test {

struct Rgb {
  uint8_t red, green, blue;
};
using Paint = std::function<Rgb(int x, int y)>;

/// Pictures made by the libraries' own encoders, as bytes of a file.
std::string png_of(Size size, const Paint& paint);
std::string jpeg_of(Size size, const Paint& paint);
std::string webp_of(Size size, const Paint& paint);

/// A JPEG with an EXIF segment that says how to turn it (TIFF tag 0x0112).
std::string with_orientation(const std::string& jpeg, int orientation);

/// A valid PNG header that promises this many pixels, with next to nothing behind it.
std::string png_bomb(uint32_t width, uint32_t height);

/// Pixels of a data:image/png;base64 URI.
struct Decoded {
  Size size;
  std::vector<Rgb> pixels;
  [[nodiscard]] Rgb at(int x, int y) const {
    return pixels[static_cast<size_t>(y) * static_cast<size_t>(size.width) + static_cast<size_t>(x)];
  }
};
Decoded decode_uri(const std::string& data_uri);

}  // namespace vitrine::overlay::test
