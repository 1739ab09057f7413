// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vitrine {

/// Names in memory order. The canvas is I420; other camera formats become I420 inside the source worker.
enum class PixelFormat { kUnknown = 0, kI420, kI420Alpha };

enum class ColorRange { kUnspecified = 0, kLimited, kFull };
enum class ColorMatrix { kUnspecified = 0, kBt601, kBt709 };

struct ColorInfo {
  ColorMatrix matrix = ColorMatrix::kUnspecified;
  ColorRange range = ColorRange::kUnspecified;
  bool operator==(const ColorInfo&) const = default;
};

/// What goes on air, and what every stage hands to the next.
inline constexpr ColorInfo kCanvasColor{ColorMatrix::kBt709, ColorRange::kLimited};

}  // namespace vitrine
