// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/geometry.h"
#include "core/program_state.h"
#include "core/video_frame.h"
#include "overlay/blend.h"
#include "overlay/tile.h"

namespace vitrine::overlay {

/// Draws one program's canvas: camera pictures below, tiles above.
/// Thread: the program's. Never blocks. No allocation a frame of ours; libyuv takes a row or two while it
/// scales.
class Mixer {
 public:
  static constexpr size_t kMaxPictures = 4;

  explicit Mixer(Size canvas);
  ~Mixer();
  Mixer(Mixer&&) noexcept;
  Mixer& operator=(Mixer&&) noexcept;

  /// Brings a camera's picture into `area`: copied when it has the size, else scaled; kCover crops, kContain
  /// leaves black bars. `slot` tells the scene's pictures apart: a camera slower than the program is scaled
  /// once for each of its pictures and then copied. Shape: `canvas` has the mixer's size; `area` is even and
  /// lies inside. What it does not cover stays as it was.
  void place(const I420& canvas, size_t slot, const CameraFrame& frame, const Rect& area, Picture::Fit fit);

  /// Keeps what stands on the canvas, for fade_from_kept.
  void keep(const I420& canvas);
  /// Mixes what was kept into what stands on the canvas now. Units: `share` of the kept one, 0 (nothing) to
  /// 256 (it alone).
  void fade_from_kept(const I420& canvas, int share);

  /// Lays a tile over the canvas with its top left at `at` (rounded down to even), clipped to the canvas.
  /// Units: opacity 0 (nothing) to 256 (as it is). Touches only what the tile covers.
  void blend(const I420& canvas, const Tile& tile, Point at, int opacity = 256) const;

 private:
  struct Slot;

  Size canvas_;
  BlendFunctions functions_;
  std::array<std::unique_ptr<Slot>, kMaxPictures> slots_;
  std::vector<uint8_t> kept_;  // a canvas; empty until one was kept
};

/// Video black over `area`, which is even: for a scene whose pictures leave something uncovered.
void fill_black(const I420& canvas, const Rect& area);

}  // namespace vitrine::overlay
