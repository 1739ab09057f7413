// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace vitrine::commerce::detail {

/// `first`, twice that, four times … at most `longest`, each ± 50 %: many boxes must not come back to one
/// server in step.
inline std::chrono::milliseconds backoff(int failures,
                                         std::chrono::milliseconds first = std::chrono::seconds(1),
                                         std::chrono::milliseconds longest = std::chrono::seconds(60)) {
  static thread_local std::minstd_rand random(std::random_device{}());
  const int64_t base = std::min<int64_t>(longest.count(), first.count() << std::clamp(failures - 1, 0, 6));
  return std::chrono::milliseconds(std::uniform_int_distribution<int64_t>(base / 2, base * 3 / 2)(random));
}

}  // namespace vitrine::commerce::detail
