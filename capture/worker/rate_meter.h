// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>

#include "core/media_time.h"

namespace vitrine::capture {

/// Events a second over the last two seconds of a growing count. Thread: one.
class RateMeter {
 public:
  double update(int64_t count, MediaTime now) {
    points_.push_back({count, now});
    while (points_.size() > 2 && now - points_.front().at > kWindow) points_.pop_front();
    const double elapsed = std::chrono::duration<double>(now - points_.front().at).count();
    return elapsed > 0 ? static_cast<double>(count - points_.front().count) / elapsed : 0;
  }

 private:
  static constexpr MediaTime kWindow = std::chrono::seconds(2);
  struct Point {
    int64_t count;
    MediaTime at;
  };
  std::deque<Point> points_;
};

}  // namespace vitrine::capture
