// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/picture_checks.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

namespace vitrine::capture {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using Motion = PictureChecks::Motion;

/// What a camera would give: a scene, focus, light, a lid, noise.
class Camera {
 public:
  Camera() {
    for (int i = 0; i < 60; ++i) {
      const cv::Point corner(static_cast<int>(random_() % 900), static_cast<int>(random_() % 500));
      cv::rectangle(scene_, {corner.x, corner.y, 60, 45}, cv::Scalar(40 + random_() % 180), cv::FILLED);
    }
  }

  /// Two looks a second for `length`.
  void watch(PictureChecks& checks, std::chrono::seconds length) {
    for (int i = 0; i < 2 * length.count(); ++i) {
      now_ += 500ms;
      cv::Mat picture = scene_.clone();
      if (is_covered) picture.setTo(70);
      if (is_dark) picture.setTo(17);
      if (blur > 0) cv::GaussianBlur(picture, picture, {}, blur);
      // A quiet sensor behind a codec: one pixel in thirty is one step brighter, and that is all.
      for (int y = 0; !is_frozen && y < picture.rows; ++y) {
        for (int x = static_cast<int>(random_() % 60); x < picture.cols;
             x += 1 + static_cast<int>(random_() % 60)) {
          ++picture.at<uint8_t>(y, x);
        }
      }
      checks.look({{picture.cols, picture.rows}, {picture.data, static_cast<int>(picture.step)}, {}, {}},
                  now_);
    }
  }

  bool is_covered = false;
  bool is_dark = false;
  bool is_frozen = false;
  double blur = 0;

 private:
  std::minstd_rand random_{7};
  cv::Mat scene_ = cv::Mat(540, 960, CV_8UC1, cv::Scalar(110));
  MediaTime now_ = 100s;
};

TEST(PictureChecks, FindNothingWrongWithAStillScene) {
  PictureChecks checks(Motion::kMustMove);
  Camera camera;
  camera.watch(checks, 120s);
  EXPECT_THAT(checks.warnings(), IsEmpty());
}

TEST(PictureChecks, SeeAFrozenCameraAfterTenSecondsAndNotBefore) {
  PictureChecks checks(Motion::kMustMove);
  Camera camera;
  camera.watch(checks, 5s);
  camera.is_frozen = true;
  camera.watch(checks, 9s);
  EXPECT_THAT(checks.warnings(), IsEmpty());
  camera.watch(checks, 3s);
  EXPECT_THAT(checks.warnings(), ElementsAre("frozen"));
  camera.is_frozen = false;
  camera.watch(checks, 1s);
  EXPECT_THAT(checks.warnings(), IsEmpty());
}

TEST(PictureChecks, LetAFileStandStill) {
  PictureChecks checks(Motion::kMayStandStill);
  Camera camera;
  camera.is_frozen = true;
  camera.watch(checks, 60s);
  EXPECT_THAT(checks.warnings(), IsEmpty());
}

TEST(PictureChecks, TellBlackFromCovered) {
  PictureChecks checks(Motion::kMustMove);
  Camera camera;
  camera.is_dark = true;
  camera.watch(checks, 1s);
  EXPECT_THAT(checks.warnings(), IsEmpty());  // a hand before the lens
  camera.watch(checks, 3s);
  EXPECT_THAT(checks.warnings(), ElementsAre("black"));
  camera.is_dark = false;
  camera.is_covered = true;
  camera.watch(checks, 4s);
  EXPECT_THAT(checks.warnings(), ElementsAre("covered"));
  camera.is_covered = false;
  camera.watch(checks, 1s);
  EXPECT_THAT(checks.warnings(), IsEmpty());
}

TEST(PictureChecks, SeeLostFocusAgainstTheCamerasOwnHistory) {
  PictureChecks checks(Motion::kMustMove);
  Camera camera;
  camera.watch(checks, 30s);
  camera.blur = 6;
  camera.watch(checks, 3s);
  EXPECT_THAT(checks.warnings(), IsEmpty());  // autofocus at work
  camera.watch(checks, 5s);
  EXPECT_THAT(checks.warnings(), ElementsAre("blurred"));
  camera.blur = 0;
  camera.watch(checks, 1s);
  EXPECT_THAT(checks.warnings(), IsEmpty());
}

TEST(PictureChecks, DoNotCallALensBlurredThatNeverWasSharp) {
  PictureChecks checks(Motion::kMustMove);
  Camera camera;
  camera.blur = 6;
  camera.watch(checks, 60s);
  EXPECT_THAT(checks.warnings(), IsEmpty());
}

TEST(PictureChecks, DoNotTakeACoveredLensForLostFocus) {
  PictureChecks checks(Motion::kMustMove);
  Camera camera;
  camera.watch(checks, 30s);
  camera.is_covered = true;
  camera.watch(checks, 20s);
  EXPECT_THAT(checks.warnings(), Not(Contains("blurred")));
}

TEST(PictureChecks, TakeTheSmallestPictureThereIs) {
  PictureChecks checks(Motion::kMustMove);
  std::array<uint8_t, 4> pixels{16, 235, 16, 235};
  for (int i = 0; i < 10; ++i) checks.look({{2, 2}, {pixels.data(), 2}, {}, {}}, 1s + i * 500ms);
  EXPECT_THAT(checks.warnings(), IsEmpty());
}

}  // namespace
}  // namespace vitrine::capture
