// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/geometry.h"

namespace vitrine::overlay {

/// A rectangle between pixels.
struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

/// BGRA in memory order, premultiplied: what Cairo calls ARGB32 on a little-endian machine.
class Pixmap {
 public:
  Pixmap();
  Pixmap(Pixmap&&) noexcept;
  Pixmap& operator=(Pixmap&&) noexcept;
  ~Pixmap();

  [[nodiscard]] Size size() const;
  [[nodiscard]] int stride_bytes() const;
  [[nodiscard]] const uint8_t* data() const;

  /// Encodes as PNG (not premultiplied, as PNG has it) onto `fd`.
  Status write_png(int fd) const;

 private:
  friend Result<Pixmap> rasterize(const std::string& svg, const Box& viewport, Size size);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Draws an SVG into `viewport` of a pixmap of `size`.
/// Thread: the one that renders. Errors: kRenderFailed with librsvg's reason.
Result<Pixmap> rasterize(const std::string& svg, const Box& viewport, Size size);

/// Where librsvg puts the element with this id when the whole is drawn into `viewport`: the second opinion on
/// what TextShaper measured.
Result<Box> logical_box(const std::string& svg, const std::string& id, const Box& viewport);

}  // namespace vitrine::overlay
