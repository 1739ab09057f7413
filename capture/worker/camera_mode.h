// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "core/geometry.h"

namespace vitrine::capture {

/// One way a V4L2 device can deliver pictures.
struct CameraMode {
  enum class Encoding { kUnknown = 0, kNv12, kYuy2, kI420, kMjpeg, kH264 };
  Encoding encoding = Encoding::kUnknown;
  Size size;
  Rational rate;

  /// As caps a V4L2 source can be fixed to.
  [[nodiscard]] std::string caps() const;
  bool operator==(const CameraMode&) const = default;
};

/// What the device's caps offer in encodings a worker takes. Of a range of sizes, 1920 × 1080 or the nearest
/// below; of a list or range of rates, the one nearest to 30 that is not below 25 where there is one.
std::vector<CameraMode> modes_of(const GstCaps* caps);

/// The best for a studio: at 25 pictures a second or more the largest up to 1920 × 1080; where raw and
/// compressed give the same, raw (no decoder, no artefacts). A camera that is slower at every size gives its
/// fastest.
std::optional<CameraMode> choose_mode(const std::vector<CameraMode>& modes);

}  // namespace vitrine::capture
