// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/picture_checks.h"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace vitrine::capture {
namespace {

using std::chrono::seconds;

constexpr int kCheckedWidth = 320;
/// Codecs repeat a still scene exactly, but not across a keyframe, and no camera's noise is nothing; ten
/// seconds hold several keyframes of every camera of the trade.
constexpr MediaTime kFrozenAfter = seconds(10);
constexpr MediaTime kShownAfter = seconds(2);    // black, covered: a hand before the lens is not news
constexpr MediaTime kBlurredAfter = seconds(5);  // autofocus hunts for a second or two
constexpr double kBlackMean = 24;                // limited range: black is 16
constexpr double kUniformDeviation = 6;          // a covered lens shows noise and a gradient, no edges
constexpr double kBlurredShare = 0.2;            // of the usual sharpness
constexpr double kLearnSharper = 0.3;            // a step towards a sharper picture
constexpr double kForgetHalfLifeSeconds =
    600;  // a darker evening is a new normal, a smeared lens is not, for a while

void update(std::optional<MediaTime>& since, bool is_on, MediaTime now) {
  if (!is_on) {
    since.reset();
  } else if (!since) {
    since = now;
  }
}

}  // namespace

void PictureChecks::look(const ConstI420& picture, MediaTime now) {
  const auto [width, height] = picture.size;
  // OpenCV has no read-only Mat; nothing here writes to it.
  const cv::Mat luma(height, width, CV_8UC1, const_cast<uint8_t*>(picture.y.data),
                     static_cast<size_t>(picture.y.stride_bytes));
  look_for_motion(luma, now);
  const int checked_width = std::min(kCheckedWidth, width);
  cv::Mat small;
  cv::resize(luma, small, {checked_width, std::max(2, height * checked_width / width)}, 0, 0, cv::INTER_AREA);
  look_for_content(small, now);
  if (!black_since_ && !covered_since_) look_for_focus(small, now);
  looked_at_ = now;
}

void PictureChecks::look_for_motion(const cv::Mat& luma, MediaTime now) {
  if (motion_ == Motion::kMayStandStill) return;
  // Single pixels, not averages: those are blind to the noise that tells a live picture from a repeated one.
  cv::Mat sampled;
  cv::resize(luma, sampled, {std::min(kCheckedWidth, luma.cols), std::min(kCheckedWidth, luma.rows)}, 0, 0,
             cv::INTER_NEAREST);
  const bool is_same =
      sampled.size() == last_sampled_.size() && cv::norm(sampled, last_sampled_, cv::NORM_INF) == 0;
  // It stands still since the older of the two equal pictures.
  update(still_since_, is_same, still_since_ ? now : looked_at_);
  last_sampled_ = std::move(sampled);
}

void PictureChecks::look_for_content(const cv::Mat& small, MediaTime now) {
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(small, mean, deviation);
  const bool is_uniform = deviation[0] < kUniformDeviation;
  const bool is_black = mean[0] < kBlackMean && is_uniform;
  update(black_since_, is_black, now);
  update(covered_since_, is_uniform && !is_black, now);
}

void PictureChecks::look_for_focus(const cv::Mat& small, MediaTime now) {
  cv::Mat edges;
  cv::Laplacian(small, edges, CV_16S);
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(edges, mean, deviation);
  const double sharpness = deviation[0] * deviation[0];
  if (sharpness > usual_sharpness_) {
    usual_sharpness_ += usual_sharpness_ == 0 ? sharpness : kLearnSharper * (sharpness - usual_sharpness_);
  } else {
    const double elapsed = std::chrono::duration<double>(now - looked_at_).count();
    usual_sharpness_ += (sharpness - usual_sharpness_) * (1 - std::exp2(-elapsed / kForgetHalfLifeSeconds));
  }
  update(blurred_since_, sharpness < kBlurredShare * usual_sharpness_, now);
}

std::vector<std::string_view> PictureChecks::warnings() const {
  std::vector<std::string_view> found;
  const auto lasts = [&](const Since& since, MediaTime at_least) {
    return since && looked_at_ - *since >= at_least;
  };
  if (lasts(still_since_, kFrozenAfter)) found.emplace_back("frozen");
  if (lasts(black_since_, kShownAfter)) found.emplace_back("black");
  if (lasts(covered_since_, kShownAfter)) found.emplace_back("covered");
  if (lasts(blurred_since_, kBlurredAfter)) found.emplace_back("blurred");
  return found;
}

}  // namespace vitrine::capture
