// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/recolor.h"

#include <algorithm>
#include <cmath>

namespace vitrine::capture {
namespace {

struct Luma {
  double red, blue;
};
constexpr Luma luma_of(ColorMatrix matrix) {
  return matrix == ColorMatrix::kBt601 ? Luma{0.299, 0.114} : Luma{0.2126, 0.0722};
}

constexpr int kFraction =
    13;  // bits; the largest coefficient is below 2, and 2 · 255 · 2^13 fits an int many times over
constexpr int kHalf = 1 << (kFraction - 1);

/// Y' = y·Y + y_u·U + y_v·V and so on, in code values around 128 (chroma), scaled by 2^kFraction.
struct Coefficients {
  int y, y_u, y_v, y_offset;
  int u_u, u_v, v_u, v_v;
};

Coefficients coefficients_for(ColorInfo from) {
  const Luma a = luma_of(from.matrix);
  const Luma b = luma_of(kCanvasColor.matrix);
  const double green_a = 1 - a.red - a.blue;
  const double green_b = 1 - b.red - b.blue;
  // RGB of one unit of Cb and of Cr in the source's matrix (the red, green and blue columns of its inverse).
  const double cb[3] = {0, -2 * a.blue * (1 - a.blue) / green_a, 2 * (1 - a.blue)};
  const double cr[3] = {2 * (1 - a.red), -2 * a.red * (1 - a.red) / green_a, 0};
  const auto luma = [&](const double* rgb) { return b.red * rgb[0] + green_b * rgb[1] + b.blue * rgb[2]; };
  const auto blue_difference = [&](const double* rgb) { return (rgb[2] - luma(rgb)) / (2 * (1 - b.blue)); };
  const auto red_difference = [&](const double* rgb) { return (rgb[0] - luma(rgb)) / (2 * (1 - b.red)); };

  const bool is_full = from.range == ColorRange::kFull;
  const double luma_scale = is_full ? 219.0 / 255 : 1;
  const double chroma_scale = is_full ? 224.0 / 255 : 1;
  const double chroma_to_luma = is_full ? 219.0 / 255 : 219.0 / 224;  // one code of chroma, in codes of luma
  const auto fixed = [](double value) { return static_cast<int>(std::lround(value * (1 << kFraction))); };
  return {fixed(luma_scale),
          fixed(luma(cb) * chroma_to_luma),
          fixed(luma(cr) * chroma_to_luma),
          fixed(is_full ? 16 : 0) + kHalf,
          fixed(blue_difference(cb) * chroma_scale),
          fixed(blue_difference(cr) * chroma_scale),
          fixed(red_difference(cb) * chroma_scale),
          fixed(red_difference(cr) * chroma_scale)};
}

uint8_t to_byte(int value) {
  return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

/// One row of luma with the row of chroma that belongs to it.
[[gnu::target_clones("avx2", "default")]] void recolor_luma(const Coefficients& k, uint8_t* y,
                                                            const uint8_t* u, const uint8_t* v, int pairs) {
  for (int i = 0; i < pairs; ++i) {
    const int shift = k.y_u * (u[i] - 128) + k.y_v * (v[i] - 128) + k.y_offset;
    y[2 * i] = to_byte((k.y * y[2 * i] + shift) >> kFraction);
    y[2 * i + 1] = to_byte((k.y * y[2 * i + 1] + shift) >> kFraction);
  }
}

[[gnu::target_clones("avx2", "default")]] void recolor_chroma(const Coefficients& k, uint8_t* u, uint8_t* v,
                                                              int count) {
  for (int i = 0; i < count; ++i) {
    const int cb = u[i] - 128;
    const int cr = v[i] - 128;
    u[i] = to_byte(((k.u_u * cb + k.u_v * cr + kHalf) >> kFraction) + 128);
    v[i] = to_byte(((k.v_u * cb + k.v_v * cr + kHalf) >> kFraction) + 128);
  }
}

}  // namespace

void to_canvas_color(const I420& picture, ColorInfo from) {
  if (from == kCanvasColor) return;
  const Coefficients k = coefficients_for(from);
  const auto [width, height] = picture.size;
  const int chroma_width = (width + 1) / 2;
  for (int row = 0; row < height; row += 2) {
    uint8_t* const u = picture.u.data + static_cast<ptrdiff_t>(row / 2) * picture.u.stride_bytes;
    uint8_t* const v = picture.v.data + static_cast<ptrdiff_t>(row / 2) * picture.v.stride_bytes;
    for (int line = row; line < std::min(row + 2, height); ++line) {
      uint8_t* const y = picture.y.data + static_cast<ptrdiff_t>(line) * picture.y.stride_bytes;
      recolor_luma(k, y, u, v, width / 2);
      if (width % 2 != 0) {
        const int shift = k.y_u * (u[width / 2] - 128) + k.y_v * (v[width / 2] - 128) + k.y_offset;
        y[width - 1] = to_byte((k.y * y[width - 1] + shift) >> kFraction);
      }
    }
    recolor_chroma(k, u, v, chroma_width);
  }
}

}  // namespace vitrine::capture
