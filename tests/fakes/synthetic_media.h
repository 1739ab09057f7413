// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/audio_block.h"
#include "core/video_frame.h"

namespace vitrine::fakes {

/// Frames that differ from each other and move, drawn into a pool: gradients that slide, and a block that
/// runs across.
class SyntheticVideo {
 public:
  /// With no more canvases than the encoder's queue has places, frame() waits instead of overrunning the
  /// queue.
  SyntheticVideo(Size size, Rational frame_rate, MediaTime start, int canvases = 3)
      : pool_(size, canvases), rate_(frame_rate), start_(start) {}

  /// Frame `index`, stamped start + index/fps, sequence `index`. Waits until a canvas is free.
  [[nodiscard]] ConstVideoFrame frame(int64_t index);

 private:
  FramePool pool_;
  Rational rate_;
  MediaTime start_;
};

/// `samples` of a 440 Hz tone from sample `first` after `start` on.
AudioBlock tone(MediaTime start, int64_t first, int samples);

}  // namespace vitrine::fakes
