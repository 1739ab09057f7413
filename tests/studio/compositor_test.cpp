// SPDX-License-Identifier: Apache-2.0
#include "studio/compositor.h"

#include <utility>

#include <gtest/gtest.h>

#include "pictures.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

constexpr Size kCanvas{320, 180};
constexpr uint8_t kSlateGrey = 30;
constexpr uint8_t kCounterGrey = 100;
constexpr uint8_t kDoorGrey = 140;
constexpr uint8_t kNormalGrey = 200;
constexpr uint8_t kEndedGrey = 210;
constexpr uint8_t kNeutralGrey = 220;
constexpr Point kOnCard{20, 20};
constexpr Point kOffCard{200, 100};
const Instant kUtc = Instant{} + 1'000'000s;

/// Cameras whose pictures the test times, and one card with all its forms.
class CompositorTest : public testing::Test {
 protected:
  CompositorTest() : pool(kCanvas, 1), compositor(kCanvas) {
    plan.revision = 5;
    plan.clock = {kStart, kUtc};
    plan.slate_key = "slate";
    plan.pictures.push_back({camera("counter", &counter), {0, 0, 320, 180}, Picture::Fit::kCover});
    builder.add("slate", false, Instant::min(), Instant::max(), grey_tile({0, 0, 320, 180}, kSlateGrey));
    add_tile("normal", kNormalGrey);
    add_tile("ended", kEndedGrey);
    add_tile("neutral", kNeutralGrey);
  }

  static Plan::Camera camera(const std::string& id, const std::optional<CameraFrame>* frame) {
    return {id, [frame] { return *frame; }};
  }

  void add_tile(const std::string& key, uint8_t grey) {
    builder.add(key, false, Instant::min(), Instant::max(), grey_tile({0, 0, 64, 64}, grey));
  }

  void add_card(LeaseEnd after, MediaTime from = 0s, MediaTime until = 60s) {
    Plan::PlacedLayer card;
    card.layer.id = "card";
    card.layer.valid_from = kUtc + std::chrono::duration_cast<std::chrono::microseconds>(from);
    card.layer.valid_until = kUtc + std::chrono::duration_cast<std::chrono::microseconds>(until);
    card.layer.after = after;
    card.normal_key = "normal";
    card.ended_key = "ended";
    card.neutral_key = "neutral";
    plan.layers.push_back(card);
  }

  /// Composes the frame at `time` after the start and leaves it in `picture`.
  Visible compose(MediaTime time) {
    frame.reset();
    frame = std::move(*pool.acquire());
    const Visible visible = compositor.compose(frame->picture(), plan, builder.set(), kStart + time);
    picture = as_const(frame->picture());
    return visible;
  }

  /// Feeds `camera` at a rhythm up to `until`, as the engine would see it.
  void run_camera(std::optional<CameraFrame>& slot, const GreyPicture& grey, MediaTime interval,
                  MediaTime until) {
    uint64_t sequence = 0;
    for (MediaTime t = 0s; t <= until; t += interval) {
      slot = grey.frame(kStart + t, ++sequence);
      compose(t + 5ms);
    }
  }

  static constexpr MediaTime kStart = 5000s;
  std::optional<CameraFrame> counter;
  std::optional<CameraFrame> door;
  const GreyPicture counter_picture{kCanvas, kCounterGrey};
  const GreyPicture door_picture{kCanvas, kDoorGrey};
  Plan plan;
  overlay::TileSetBuilder builder;
  FramePool pool;
  Compositor compositor;
  std::optional<VideoFrame> frame;
  ConstI420 picture;
};

TEST_F(CompositorTest, ShowsTheCamera) {
  counter = counter_picture.frame(kStart, 1);
  EXPECT_EQ(compose(10ms).camera, 0);
  EXPECT_EQ(luma_at(picture, kOffCard), kCounterGrey);
}

TEST_F(CompositorTest, ADeadWorkersCameraGivesWayToTheSlateInTheSameFrame) {
  counter = counter_picture.frame(kStart, 1);
  compose(10ms);
  counter.reset();
  EXPECT_EQ(compose(43ms).camera, Visible::kSlate);
  EXPECT_EQ(luma_at(picture, kOffCard), kSlateGrey);
}

TEST_F(CompositorTest, AStalledCameraGivesWayWithinHalfASecond) {
  run_camera(counter, counter_picture, 33ms, 2s);
  EXPECT_EQ(compose(2s + 250ms).camera, 0) << "jitter is not a stall";
  EXPECT_EQ(compose(2s + 460ms).camera, Visible::kSlate);
}

TEST_F(CompositorTest, ACameraSlowByDesignIsNotStalled) {
  run_camera(counter, counter_picture, 500ms, 5s);
  EXPECT_EQ(compose(5s + 900ms).camera, 0);
  EXPECT_EQ(compose(5s + 1100ms).camera, Visible::kSlate);
}

TEST_F(CompositorTest, OtherPicturesFadeInAndTheCardIsThereAtOnce) {
  counter = counter_picture.frame(kStart, 1);
  door = door_picture.frame(kStart, 1);
  compose(10ms);
  plan.revision = 6;
  plan.fade = 200ms;
  plan.pictures = {{camera("door", &door), {0, 0, 320, 180}, Picture::Fit::kCover}};
  add_card(LeaseEnd::kHide);
  compose(43ms);
  EXPECT_NEAR(luma_at(picture, kOffCard), kCounterGrey, 1);
  EXPECT_EQ(luma_at(picture, kOnCard), kNormalGrey) << "a price never fades";
  compose(143ms);
  EXPECT_NEAR(luma_at(picture, kOffCard), (kCounterGrey + kDoorGrey) / 2, 1);
  plan.revision = 7;  // a new price in between
  compose(193ms);
  EXPECT_NEAR(luma_at(picture, kOffCard), kCounterGrey / 4 + kDoorGrey * 3 / 4, 1);
  compose(243ms);
  EXPECT_EQ(luma_at(picture, kOffCard), kDoorGrey);
}

TEST_F(CompositorTest, ToTheSlateAndFromItIsACut) {
  counter = counter_picture.frame(kStart, 1);
  compose(10ms);
  plan.revision = 6;
  plan.fade = 200ms;
  const auto pictures = std::exchange(plan.pictures, {});
  compose(43ms);
  EXPECT_EQ(luma_at(picture, kOffCard), kSlateGrey) << "hidden at once";
  plan.revision = 7;
  plan.pictures = pictures;
  compose(76ms);
  EXPECT_EQ(luma_at(picture, kOffCard), kCounterGrey);
}

TEST_F(CompositorTest, TheNextCameraTakesOverBeforeTheSlate) {
  plan.fallbacks.push_back(camera("door", &door));
  door = door_picture.frame(kStart, 1);
  EXPECT_EQ(compose(10ms).camera, 1);
  EXPECT_EQ(luma_at(picture, kOffCard), kDoorGrey);
  counter = counter_picture.frame(kStart + 20ms, 1);
  EXPECT_EQ(compose(43ms).camera, 0) << "and gives the place back";
}

TEST_F(CompositorTest, ASecondPictureStandsInItsArea) {
  plan.pictures.push_back({camera("door", &door), {160, 90, 160, 90}, Picture::Fit::kCover});
  counter = counter_picture.frame(kStart, 1);
  door = door_picture.frame(kStart, 1);
  compose(10ms);
  EXPECT_EQ(luma_at(picture, {100, 50}), kCounterGrey);
  EXPECT_EQ(luma_at(picture, {200, 100}), kDoorGrey);
  door.reset();
  compose(43ms);
  EXPECT_EQ(luma_at(picture, {200, 100}), kCounterGrey);
}

TEST_F(CompositorTest, AreasThatNoPictureCoversAreBlack) {
  plan.pictures[0].area = {0, 0, 160, 180};
  counter = counter_picture.frame(kStart, 1);
  compose(10ms);
  EXPECT_EQ(luma_at(picture, {200, 100}), 16);
}

TEST_F(CompositorTest, ALeaseEndsInExactlyTheFrameOfItsInstant) {
  add_card(LeaseEnd::kEnded, 1s, 3s);
  counter = counter_picture.frame(kStart + 2900ms, 1);
  EXPECT_EQ(compose(1s - 1us).forms[0], LayerForm::kHidden);
  EXPECT_EQ(compose(1s).forms[0], LayerForm::kNormal);
  EXPECT_EQ(compose(3s - 1us).forms[0], LayerForm::kNormal);
  EXPECT_EQ(luma_at(picture, kOnCard), kNormalGrey);
  EXPECT_EQ(compose(3s).forms[0], LayerForm::kEnded);
  EXPECT_EQ(luma_at(picture, kOnCard), kEndedGrey);
}

TEST_F(CompositorTest, LayersStandOnTheSlateToo) {
  add_card(LeaseEnd::kHide);
  compose(10ms);
  EXPECT_EQ(luma_at(picture, kOnCard), kNormalGrey);
  EXPECT_EQ(luma_at(picture, kOffCard), kSlateGrey);
}

TEST_F(CompositorTest, ATimeBoundLayerWithoutItsNextTileTurnsNeutral) {
  add_card(LeaseEnd::kEnded);
  plan.layers[0].normal_key = "countdown";
  builder.add("countdown", true, kUtc, kUtc + 1s, grey_tile({0, 0, 64, 64}, kNormalGrey));
  EXPECT_EQ(compose(999ms).forms[0], LayerForm::kNormal);
  EXPECT_EQ(compose(1s).forms[0], LayerForm::kNeutral);
  EXPECT_EQ(luma_at(picture, kOnCard), kNeutralGrey);
}

TEST_F(CompositorTest, ALayerThatWasNeverRenderedIsHidden) {
  add_card(LeaseEnd::kHide);
  plan.layers[0].normal_key = "unknown";
  plan.layers[0].neutral_key = "unknown too";
  EXPECT_EQ(compose(10ms).forms[0], LayerForm::kHidden);
}

TEST_F(CompositorTest, ALayerStandsWhereTheStatePutsIt) {
  add_card(LeaseEnd::kHide);
  plan.layers[0].layer.at = Point{200, 100};
  compose(10ms);
  EXPECT_EQ(luma_at(picture, {210, 110}), kNormalGrey);
  EXPECT_EQ(luma_at(picture, kOnCard), kSlateGrey);
}

TEST_F(CompositorTest, KnowsHowOldThePicturesAre) {
  uint64_t sequence = 0;
  for (MediaTime t = 0s; t < 10s; t += 33ms) {
    counter = counter_picture.frame(kStart + t - 80ms, ++sequence);
    compose(t);
  }
  EXPECT_NEAR(static_cast<double>(compositor.picture_age() / 1ms), 80, 2);
}

}  // namespace
}  // namespace vitrine::studio
