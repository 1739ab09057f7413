// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <vector>

#include "core/media_time.h"

namespace vitrine::encoder {

/// Durations noted over the last `length`, and how they are spread.
/// Thread: one at a time.
class TimingWindow {
 public:
  explicit TimingWindow(MediaTime length) : length_(length) {}

  void note(MediaTime now, MediaTime duration);

  /// The smallest duration that at least `share` (0..1) of those noted don't exceed; 0 when none was noted.
  [[nodiscard]] MediaTime quantile(MediaTime now, double share) const;

 private:
  struct Sample {
    MediaTime at;
    MediaTime duration;
  };
  const MediaTime length_;
  std::deque<Sample> samples_;
};

/// Bits a second over the last `length`.
/// Thread: one at a time.
class RateWindow {
 public:
  explicit RateWindow(MediaTime length) : length_(length) {}

  void note(MediaTime now, size_t bytes);
  [[nodiscard]] int64_t bits_per_second(MediaTime now) const;

 private:
  struct Sample {
    MediaTime at;
    size_t bytes;
  };
  const MediaTime length_;
  MediaTime first_{};  // of all: a window that is not full yet is divided by its own age
  bool has_first_ = false;
  std::deque<Sample> samples_;
};

}  // namespace vitrine::encoder
