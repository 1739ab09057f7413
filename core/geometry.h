// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace vitrine {

struct Size {
  int width = 0;
  int height = 0;
  auto operator<=>(const Size&) const = default;
};

struct Point {
  int x = 0;
  int y = 0;
  auto operator<=>(const Point&) const = default;
};

/// Pixels from the top left of the canvas.
struct Rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  [[nodiscard]] Size size() const { return {width, height}; }
  auto operator<=>(const Rect&) const = default;
};

struct Rational {
  int num = 0;
  int den = 1;
  auto operator<=>(const Rational&) const = default;
};

enum class Orientation { kUnknown = 0, kLandscape, kPortrait };

inline Orientation orientation_of(Size size) {
  return size.width >= size.height ? Orientation::kLandscape : Orientation::kPortrait;
}

}  // namespace vitrine
