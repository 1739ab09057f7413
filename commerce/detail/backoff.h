// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace vitrine::commerce::detail {

/// 1 s, 2 s, 4 s … at most 60 s, each ± 50 %: many boxes must not come back to one server in step.
inline std::chrono::milliseconds backoff(int failures) {
  static thread_local std::minstd_rand random(std::random_device{}());
  const int64_t base = std::min<int64_t>(60'000, int64_t{1000} << std::clamp(failures - 1, 0, 6));
  return std::chrono::milliseconds(std::uniform_int_distribution<int64_t>(base / 2, base * 3 / 2)(random));
}

}  // namespace vitrine::commerce::detail
