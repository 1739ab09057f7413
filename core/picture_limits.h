// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vitrine {

/// What the renderer draws without a pause. The desk takes no picture that the renderer would refuse later,
/// on air.
inline constexpr int kLeastPictureSide = 16;
inline constexpr int kMostPictureSide = 12'000;
inline constexpr int64_t kMostPicturePixels = 25'000'000;

}  // namespace vitrine
