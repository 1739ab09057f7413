// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "core/media_time.h"
#include "core/video_frame.h"

namespace vitrine::capture {

/// Sees what nobody near the box does: a camera that repeats one picture, is black, is covered, lost its
/// focus. Called about twice a second with the newest picture; costs 2 ms of a 1080p luma plane. Thread: one
/// at a time.
class PictureChecks {
 public:
  /// kMayStandStill: files and test pictures repeat themselves rightly.
  enum class Motion { kMustMove, kMayStandStill };

  explicit PictureChecks(Motion motion) : motion_(motion) {}

  /// `now`: when the picture was looked at. A picture that is looked at twice counts as standing still.
  void look(const ConstI420& picture, MediaTime now);

  [[nodiscard]] std::vector<std::string_view> warnings() const;

 private:
  /// On since, or nothing.
  using Since = std::optional<MediaTime>;

  void look_for_motion(const cv::Mat& luma, MediaTime now);
  void look_for_content(const cv::Mat& luma, MediaTime now);
  void look_for_focus(const cv::Mat& small, MediaTime now);

  const Motion motion_;
  cv::Mat last_sampled_;
  MediaTime looked_at_{};
  Since still_since_;
  Since black_since_;
  Since covered_since_;
  Since blurred_since_;
  double usual_sharpness_ = 0;  // variance of the Laplacian when this camera sees well
};

}  // namespace vitrine::capture
