// SPDX-License-Identifier: Apache-2.0
// Pictures and tiles of one colour, for tests that ask which of them is on the canvas.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "core/shared_memory.h"
#include "core/video_frame.h"
#include "overlay/tile.h"

namespace vitrine {

/// A camera picture of one grey.
class GreyPicture {
 public:
  GreyPicture(Size size, uint8_t grey)
      : layout_(size), bytes_(std::make_shared<std::vector<uint8_t>>(layout_.bytes, 128)) {
    std::memset(bytes_->data(), grey, static_cast<size_t>(layout_.luma_stride_bytes) * size.height);
  }
  [[nodiscard]] CameraFrame frame(MediaTime captured_at, uint64_t sequence) const {
    CameraFrame frame;
    frame.picture = as_const(layout_.view(bytes_->data()));
    frame.captured_at = captured_at;
    frame.sequence = sequence;
    frame.keep_alive = bytes_;
    return frame;
  }

 private:
  I420Layout layout_;
  std::shared_ptr<std::vector<uint8_t>> bytes_;
};

/// An opaque tile of one grey.
inline std::shared_ptr<const overlay::Tile> grey_tile(const Rect& rect, uint8_t grey) {
  const overlay::TileLayout layout(rect.size());
  std::vector<uint8_t> bytes(layout.bytes, 128);
  const auto fill = [&](size_t offset, int stride, int rows, int value) {
    std::memset(bytes.data() + offset, value, static_cast<size_t>(stride) * rows);
  };
  fill(layout.y, layout.luma_stride_bytes, rect.height, grey);
  fill(layout.alpha, layout.luma_stride_bytes, rect.height, 255);
  fill(layout.chroma_alpha, layout.chroma_stride_bytes, rect.height / 2, 255);
  auto fd = create_immutable_memfd("tile", bytes);
  return *overlay::Tile::open(std::move(*fd), rect);
}

inline int luma_at(const ConstI420& picture, Point at) {
  return picture.y.data[at.y * picture.y.stride_bytes + at.x];
}

}  // namespace vitrine
