// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/geometry.h"
#include "overlay/render/rasterizer.h"

namespace vitrine::overlay {

/// A pixmap as the mixer takes it: TileLayout's planes in one block.
struct TilePixels {
  Rect part;  // of the pixmap: the smallest even rectangle around everything that is not empty; empty when
              // all is
  std::vector<uint8_t> planes;
};

/// BGRA premultiplied → I420 and alpha, premultiplied, BT.709 limited range. A premultiplied sample is the
/// limited-range one times alpha: Y' = a·(16 + 219·Y), so the colour matrix applies to premultiplied RGB as
/// it is. Chroma and its alpha are the means of four. Shape: any size; an odd edge counts as followed by an
/// empty pixel. Source: ITU-R BT.709-6, 3 and 4.
TilePixels to_tile_pixels(const Pixmap& pixmap);

}  // namespace vitrine::overlay
