// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/tile_pixels.h"

#include <algorithm>
#include <cstring>

#include "overlay/tile.h"

namespace vitrine::overlay {
namespace {

constexpr float kRed = 0.2126F;
constexpr float kBlue = 0.0722F;
constexpr float kGreen = 1.0F - kRed - kBlue;
constexpr float kLumaScale = 219.0F / 255.0F;
constexpr float kChromaScale = 224.0F / 255.0F;
constexpr float kLumaZero = 16.0F / 255.0F;
constexpr float kChromaZero = 128.0F / 255.0F;

struct Sum {
  float b = 0, g = 0, r = 0, a = 0;
};

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

class Source {
 public:
  explicit Source(const Pixmap& pixmap)
      : data_(pixmap.data()), stride_bytes_(pixmap.stride_bytes()), size_(pixmap.size()) {}

  /// nullptr outside.
  [[nodiscard]] const uint8_t* pixel(int x, int y) const {
    if (x >= size_.width || y >= size_.height) return nullptr;
    return data_ + static_cast<ptrdiff_t>(y) * stride_bytes_ + static_cast<ptrdiff_t>(x) * 4;
  }

  [[nodiscard]] bool is_row_empty(int y, int begin, int end) const {
    for (int x = begin; x < end; ++x) {
      if (pixel(x, y)[3] != 0) return false;
    }
    return true;
  }
  [[nodiscard]] bool is_column_empty(int x, int begin, int end) const {
    for (int y = begin; y < end; ++y) {
      if (pixel(x, y)[3] != 0) return false;
    }
    return true;
  }

  [[nodiscard]] Rect used_part() const {
    int top = 0;
    int bottom = size_.height;
    while (top < bottom && is_row_empty(top, 0, size_.width)) ++top;
    while (bottom > top && is_row_empty(bottom - 1, 0, size_.width)) --bottom;
    int left = 0;
    int right = size_.width;
    while (left < right && is_column_empty(left, top, bottom)) ++left;
    while (right > left && is_column_empty(right - 1, top, bottom)) --right;
    if (top == bottom || left == right) return {};
    left &= ~1;
    top &= ~1;
    return {left, top, (right - left + 1) & ~1, (bottom - top + 1) & ~1};
  }

 private:
  const uint8_t* data_;
  int stride_bytes_;
  Size size_;
};

}  // namespace

TilePixels to_tile_pixels(const Pixmap& pixmap) {
  const Source source(pixmap);
  TilePixels tile;
  tile.part = source.used_part();
  if (tile.part.width == 0) return tile;
  const TileLayout layout(tile.part.size());
  tile.planes.assign(layout.bytes, 0);
  for (int y = 0; y < tile.part.height; y += 2) {
    for (int x = 0; x < tile.part.width; x += 2) {
      Sum sum;
      for (int i = 0; i < 4; ++i) {
        const int dx = i % 2;
        const int dy = i / 2;
        const uint8_t* pixel = source.pixel(tile.part.x + x + dx, tile.part.y + y + dy);
        if (pixel == nullptr || pixel[3] == 0) continue;
        const float b = pixel[0];
        const float g = pixel[1];
        const float r = pixel[2];
        const float a = pixel[3];
        const size_t at = static_cast<size_t>(y + dy) * static_cast<size_t>(layout.luma_stride_bytes) +
                          static_cast<size_t>(x + dx);
        tile.planes[layout.y + at] =
            to_byte(kLumaZero * a + kLumaScale * (kRed * r + kGreen * g + kBlue * b));
        tile.planes[layout.alpha + at] = pixel[3];
        sum.b += b;
        sum.g += g;
        sum.r += r;
        sum.a += a;
      }
      const float luma = kRed * sum.r + kGreen * sum.g + kBlue * sum.b;
      const size_t at = static_cast<size_t>(y / 2) * static_cast<size_t>(layout.chroma_stride_bytes) +
                        static_cast<size_t>(x / 2);
      tile.planes[layout.u + at] =
          to_byte((kChromaZero * sum.a + kChromaScale * (sum.b - luma) / (2 * (1 - kBlue))) / 4);
      tile.planes[layout.v + at] =
          to_byte((kChromaZero * sum.a + kChromaScale * (sum.r - luma) / (2 * (1 - kRed))) / 4);
      tile.planes[layout.chroma_alpha + at] = to_byte(sum.a / 4);
    }
  }
  return tile;
}

}  // namespace vitrine::overlay
