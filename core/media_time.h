// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "core/geometry.h"

namespace vitrine {

/// A point on CLOCK_MONOTONIC, the same in every process of the box, or a duration. Milliseconds, RTMP and
/// libav units appear only where bytes leave the process.
using MediaTime = std::chrono::nanoseconds;

/// A UTC instant. Deadlines and leases are of this type and never of MediaTime.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

inline MediaTime steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}
inline Instant system_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// value · from / to, rounded to nearest, exact over the whole range: 128-bit product.
/// Example: rescale(n_ticks, {1, 48000}, {1, 1000}) is milliseconds.
constexpr int64_t rescale(int64_t value, Rational from, Rational to) {
  __extension__ using Wide = __int128;
  const Wide numerator = static_cast<Wide>(value) * from.num * to.den;
  const Wide denominator = static_cast<Wide>(from.den) * to.num;
  const Wide half = denominator / 2;
  return static_cast<int64_t>((numerator >= 0 ? numerator + half : numerator - half) / denominator);
}

inline constexpr Rational kNanoseconds{1, 1'000'000'000};
inline constexpr Rational kMilliseconds{1, 1000};

/// Start of frame `index` at `rate` frames a second, counted from frame 0. Drift-free: no accumulated
/// rounding.
constexpr MediaTime frame_time(int64_t index, Rational rate) {
  return MediaTime{rescale(index, {rate.den, rate.num}, kNanoseconds)};
}

/// Where a moment of CLOCK_MONOTONIC lies in UTC as the shop backend counts it. Fixed when the program state
/// was applied: a stepped system clock (NTP, a technician) must not move a countdown that is on air.
struct ShowClock {
  MediaTime steady{};
  Instant utc{};

  [[nodiscard]] Instant at(MediaTime time) const {
    return utc + std::chrono::duration_cast<std::chrono::microseconds>(time - steady);
  }
  [[nodiscard]] MediaTime when(Instant instant) const { return steady + (instant - utc); }
};

}  // namespace vitrine
