// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/media_time.h"

namespace vitrine::commerce {

/// Who changes something, and when.
struct Author {
  std::string name;
  Instant at{};
};

/// What staff wrote down, as it is since `by.at`.
template <typename T>
struct Versioned {
  T value;
  int64_t version = 0;  // 1, then one more with every change
  Author by;
};

}  // namespace vitrine::commerce
