// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/shared_memory.h"
#include "core/video_frame.h"
#include "overlay/tile.h"

namespace vitrine::overlay::test {

/// A tile's planes before they are sealed.
struct TilePlanes {
  explicit TilePlanes(Size size) : layout(size), bytes(layout.bytes, 0) {}

  uint8_t& y(int x, int row) { return bytes[layout.y + luma(x, row)]; }
  uint8_t& alpha(int x, int row) { return bytes[layout.alpha + luma(x, row)]; }
  uint8_t& u(int x, int row) { return bytes[layout.u + chroma(x, row)]; }
  uint8_t& v(int x, int row) { return bytes[layout.v + chroma(x, row)]; }
  uint8_t& chroma_alpha(int x, int row) { return bytes[layout.chroma_alpha + chroma(x, row)]; }

  [[nodiscard]] std::shared_ptr<const Tile> seal(Point at) const {
    auto fd = create_immutable_memfd("tile", bytes);
    if (!fd) return nullptr;
    auto tile = Tile::open(std::move(*fd), {at.x, at.y, layout.size.width, layout.size.height});
    return tile ? *tile : nullptr;
  }

  TileLayout layout;
  std::vector<uint8_t> bytes;

 private:
  [[nodiscard]] size_t luma(int x, int row) const {
    return static_cast<size_t>(row) * static_cast<size_t>(layout.luma_stride_bytes) + static_cast<size_t>(x);
  }
  [[nodiscard]] size_t chroma(int x, int row) const {
    return static_cast<size_t>(row) * static_cast<size_t>(layout.chroma_stride_bytes) +
           static_cast<size_t>(x);
  }
};

/// An I420 picture with its memory.
struct TestPicture {
  explicit TestPicture(Size size) : layout(size), bytes(layout.bytes, 0), view(layout.view(bytes.data())) {}
  TestPicture(const TestPicture& other)
      : layout(other.layout), bytes(other.bytes), view(layout.view(bytes.data())) {}
  TestPicture& operator=(const TestPicture&) = delete;

  void fill(const std::function<uint8_t(int plane, int x, int row)>& sample) {
    each([&](int plane, int x, int row, uint8_t& value) { value = sample(plane, x, row); });
  }
  void each(const std::function<void(int plane, int x, int row, uint8_t& value)>& visit) {
    const PlaneView<uint8_t>* planes[] = {&view.y, &view.u, &view.v};
    for (int plane = 0; plane < 3; ++plane) {
      const int width = plane == 0 ? layout.size.width : (layout.size.width + 1) / 2;
      const int height = plane == 0 ? layout.size.height : (layout.size.height + 1) / 2;
      for (int row = 0; row < height; ++row) {
        for (int x = 0; x < width; ++x)
          visit(plane, x, row, planes[plane]->data[row * planes[plane]->stride_bytes + x]);
      }
    }
  }
  [[nodiscard]] uint8_t at(int plane, int x, int row) const {
    const PlaneView<uint8_t>& view_of = plane == 0 ? view.y : plane == 1 ? view.u : view.v;
    return view_of.data[row * view_of.stride_bytes + x];
  }

  I420Layout layout;
  std::vector<uint8_t> bytes;
  I420 view;
};

/// What blending one sample must give, by the book: in doubles, rounded to nearest.
inline uint8_t over(int canvas, int sample, int alpha) {
  const double kept = static_cast<double>((255 - alpha) * canvas) / 255.0;
  return static_cast<uint8_t>(std::min(255, sample + static_cast<int>(kept + 0.5)));
}

}  // namespace vitrine::overlay::test
