// SPDX-License-Identifier: Apache-2.0
#include "overlay/mixer.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "tests/overlay/test_tile.h"

namespace vitrine::overlay {
namespace {

using test::TestPicture;
using test::TilePlanes;

constexpr Size kCanvas{160, 90};

TestPicture noise(Size size, uint32_t seed) {
  std::mt19937 random(seed);
  TestPicture picture(size);
  picture.fill([&](int, int, int) { return static_cast<uint8_t>(random()); });
  return picture;
}

CameraFrame as_frame(const TestPicture& picture, uint64_t sequence) {
  return {as_const(picture.view), MediaTime(static_cast<int64_t>(sequence) * 1000), sequence, nullptr};
}

/// Every kind of run, valid or not: any bytes are blended by the same rule.
TilePlanes any_planes(Size size, uint32_t seed) {
  std::mt19937 random(seed);
  TilePlanes planes(size);
  for (auto& byte : planes.bytes) byte = static_cast<uint8_t>(random());
  for (int row = 0; row < size.height; ++row) {
    for (int x = 0; x < size.width; ++x) {
      const int zone = (x / 24 + row / 8) % 3;
      if (zone == 0) planes.alpha(x, row) = planes.y(x, row) = 0;
      if (zone == 1) planes.alpha(x, row) = 255;
    }
  }
  for (int row = 0; row < size.height / 2; ++row) {
    for (int x = 0; x < size.width / 2; ++x) {
      const int zone = (x / 20 + row / 4) % 3;
      if (zone == 0) planes.chroma_alpha(x, row) = planes.u(x, row) = planes.v(x, row) = 0;
      if (zone == 1) planes.chroma_alpha(x, row) = 255;
    }
  }
  return planes;
}

/// Blending sample by sample, without spans, rows or vectors.
void blend_slowly(TestPicture& canvas, TilePlanes& tile, Point at, int opacity) {
  const int left = at.x & ~1;
  const int top = at.y & ~1;
  const Size size = tile.layout.size;
  canvas.each([&](int plane, int x, int row, uint8_t& value) {
    const int shift = plane == 0 ? 0 : 1;
    const int tile_x = x - left / (1 << shift);
    const int tile_row = row - top / (1 << shift);
    if (tile_x < 0 || tile_row < 0 || tile_x >= size.width >> shift || tile_row >= size.height >> shift)
      return;
    int sample = plane == 0   ? tile.y(tile_x, tile_row)
                 : plane == 1 ? tile.u(tile_x, tile_row)
                              : tile.v(tile_x, tile_row);
    int alpha = plane == 0 ? tile.alpha(tile_x, tile_row) : tile.chroma_alpha(tile_x, tile_row);
    if (opacity < 256) {
      sample = (sample * opacity + 128) / 256;
      alpha = (alpha * opacity + 128) / 256;
    }
    if (opacity > 0) value = test::over(value, sample, alpha);
  });
}

struct Case {
  const char* name;
  Point at;
  int opacity;
};
class BlendPlaceTest : public testing::TestWithParam<Case> {};

TEST_P(BlendPlaceTest, EqualsTheSlowReferenceExactly) {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    auto planes = any_planes({120, 60}, seed);
    const auto tile = planes.seal({0, 0});
    ASSERT_NE(tile, nullptr);
    TestPicture expected = noise(kCanvas, seed + 100);
    TestPicture canvas = expected;
    const Mixer mixer(kCanvas);
    mixer.blend(canvas.view, *tile, GetParam().at, GetParam().opacity);
    blend_slowly(expected, planes, GetParam().at, GetParam().opacity);
    ASSERT_EQ(canvas.bytes, expected.bytes) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Mixer, BlendPlaceTest,
    testing::Values(Case{"Inside", {20, 10}, 256}, Case{"AtTheOrigin", {0, 0}, 256},
                    Case{"OverTheLeftTop", {-30, -16}, 256}, Case{"OverTheRightBottom", {100, 64}, 256},
                    Case{"OverEveryEdgeButOne", {-20, 50}, 256}, Case{"OddRoundsDown", {21, 11}, 256},
                    Case{"NegativeOddRoundsDown", {-7, -3}, 256}, Case{"Outside", {160, 0}, 256},
                    Case{"FarOutside", {-4000, 4000}, 256}, Case{"HalfFaded", {20, 10}, 128},
                    Case{"AlmostThere", {20, 10}, 255}, Case{"Gone", {20, 10}, 0},
                    Case{"FadedOverAnEdge", {-50, 70}, 60}),
    [](const auto& tested) { return tested.param.name; });

TEST(Mixer, OpacityBeyondItsRangeIsClamped) {
  auto planes = any_planes({120, 60}, 3);
  const auto tile = planes.seal({0, 0});
  const TestPicture before = noise(kCanvas, 1);
  TestPicture full = before;
  TestPicture beyond = before;
  TestPicture below = before;
  const Mixer mixer(kCanvas);
  mixer.blend(full.view, *tile, {8, 8}, 256);
  mixer.blend(beyond.view, *tile, {8, 8}, 9999);
  mixer.blend(below.view, *tile, {8, 8}, -5);
  EXPECT_EQ(full.bytes, beyond.bytes);
  EXPECT_EQ(below.bytes, before.bytes);
}

TEST(Mixer, BlankTileChangesNothing) {
  const TestPicture before = noise(kCanvas, 1);
  TestPicture canvas = before;
  Mixer(kCanvas).blend(canvas.view, *Tile::blank(), {0, 0});
  EXPECT_EQ(canvas.bytes, before.bytes);
}

TEST(Mixer, CopiesAPictureOfTheAreasSizeBitForBit) {
  const TestPicture picture = noise({80, 40}, 5);
  const TestPicture before = noise(kCanvas, 6);
  TestPicture canvas = before;
  Mixer mixer(kCanvas);
  mixer.place(canvas.view, 0, as_frame(picture, 1), {40, 20, 80, 40}, Picture::Fit::kCover);
  canvas.each([&](int plane, int x, int row, uint8_t& value) {
    const int shift = plane == 0 ? 0 : 1;
    const int px = x - (40 >> shift);
    const int py = row - (20 >> shift);
    const bool is_inside = px >= 0 && py >= 0 && px < 80 >> shift && py < 40 >> shift;
    ASSERT_EQ(value, is_inside ? picture.at(plane, px, py) : before.at(plane, x, row))
        << plane << " " << x << "," << row;
  });
}

/// Left, middle and right third of a picture in three greys, and the same from top to bottom in chroma.
TestPicture thirds(Size size) {
  TestPicture picture(size);
  picture.fill([&](int plane, int x, int row) {
    const int part = plane == 0 ? 3 * x / size.width : 3 * row / ((size.height + 1) / 2);
    return static_cast<uint8_t>(plane == 0 ? 60 + 60 * part : 90 + 30 * part);
  });
  return picture;
}

TEST(Mixer, CoverCropsTheMiddle) {
  const TestPicture wide = thirds({480, 90});  // three squares and a bit, as seen from the canvas
  TestPicture canvas(kCanvas);
  Mixer mixer(kCanvas);
  mixer.place(canvas.view, 0, as_frame(wide, 1), {0, 0, 160, 90}, Picture::Fit::kCover);
  // Of 480 columns the middle 160 remain: exactly the middle third.
  canvas.each([&](int plane, int x, int, uint8_t& value) {
    if (plane == 0) {
      ASSERT_EQ(value, 120) << x;
    }
  });
}

TEST(Mixer, CoverScalesEvenlyUpAndDown) {
  for (const Size size : {Size{80, 45}, Size{320, 180}, Size{640, 360}, Size{81, 47}, Size{1279, 719}}) {
    TestPicture flat(size);
    flat.fill([](int plane, int, int) {
      return static_cast<uint8_t>(plane == 0 ? 77 : plane == 1 ? 99 : 155);
    });
    TestPicture canvas = noise(kCanvas, 2);
    Mixer mixer(kCanvas);
    mixer.place(canvas.view, 0, as_frame(flat, 1), {0, 0, 160, 90}, Picture::Fit::kCover);
    canvas.each([&](int plane, int x, int row, uint8_t& value) {
      // libyuv's averages may be one off.
      ASSERT_NEAR(value,
                  plane == 0   ? 77
                  : plane == 1 ? 99
                               : 155,
                  1)
          << size.width << ": " << plane << " " << x << "," << row;
    });
  }
}

/// `picture` at a place between its pixels, by bilinear interpolation.
double sampled(const TestPicture& picture, int plane, double x, double y) {
  const int shift = plane == 0 ? 0 : 1;
  const int width = picture.layout.size.width >> shift;
  const int height = picture.layout.size.height >> shift;
  const auto value = [&](double px, double py) {
    return picture.at(plane, std::clamp(static_cast<int>(px), 0, width - 1),
                      std::clamp(static_cast<int>(py), 0, height - 1));
  };
  const double left = std::floor(x);
  const double top = std::floor(y);
  const double upper = value(left, top) + (x - left) * (value(left + 1, top) - value(left, top));
  const double lower = value(left, top + 1) + (x - left) * (value(left + 1, top + 1) - value(left, top + 1));
  return upper + (y - top) * (lower - upper);
}

TEST(Mixer, TwoToThreeGoesAnotherWayAndShowsTheSamePicture) {
  TestPicture source({160, 92});
  source.fill([](int plane, int x, int row) {
    return static_cast<uint8_t>(plane == 0 ? x + row / 2 + 40 * (x / 20 % 2) : 80 + x);
  });
  const Size size{240, 138};
  TestPicture canvas(size);
  Mixer mixer(size);
  mixer.place(canvas.view, 0, as_frame(source, 1), {0, 0, 240, 138}, Picture::Fit::kCover);
  for (const int plane : {0, 1, 2}) {
    double squares = 0;
    int count = 0;
    for (int row = 4; row < (plane == 0 ? 134 : 65); ++row) {
      for (int x = 4; x < (plane == 0 ? 236 : 116); ++x, ++count) {
        const double off = canvas.at(plane, x, row) -
                           sampled(source, plane, (x + 0.5) * 2 / 3 - 0.5, (row + 0.5) * 2 / 3 - 0.5);
        squares += off * off;
      }
    }
    EXPECT_LT(std::sqrt(squares / count), 3.0) << "plane " << plane;
  }
}

TEST(Mixer, ContainLeavesBlackBarsAndShowsTheWholePicture) {
  const TestPicture tall = thirds({60, 120});
  TestPicture canvas = noise(kCanvas, 3);
  Mixer mixer(kCanvas);
  mixer.place(canvas.view, 0, as_frame(tall, 1), {0, 0, 160, 90}, Picture::Fit::kContain);
  // 120 rows into 90: 60 columns become 45, made even, in the middle.
  const int width = 44;
  const int left = (160 - width) / 2;
  canvas.each([&](int plane, int x, int row, uint8_t& value) {
    const int shift = plane == 0 ? 0 : 1;
    const bool is_bar = x < left >> shift || x >= (left + width) >> shift;
    if (is_bar) {
      ASSERT_EQ(value, plane == 0 ? 16 : 128) << plane << " " << x << "," << row;
    }
    if (!is_bar && plane == 0) {
      ASSERT_GE(value, 60);
    }
  });
  EXPECT_EQ(canvas.at(0, left + 2, 45), 60);
  EXPECT_EQ(canvas.at(0, left + width - 3, 45), 180);
}

TEST(Mixer, PlacesNothingOutsideItsArea) {
  const TestPicture picture = noise({64, 64}, 4);
  const TestPicture before = noise(kCanvas, 7);
  for (const auto fit : {Picture::Fit::kCover, Picture::Fit::kContain}) {
    TestPicture canvas = before;
    Mixer mixer(kCanvas);
    mixer.place(canvas.view, 1, as_frame(picture, 1), {96, 40, 64, 36}, fit);
    canvas.each([&](int plane, int x, int row, uint8_t& value) {
      const int shift = plane == 0 ? 0 : 1;
      const bool is_inside = x >= 96 >> shift && row >= 40 >> shift && x < 160 >> shift && row < 76 >> shift;
      if (!is_inside) {
        ASSERT_EQ(value, before.at(plane, x, row)) << plane << " " << x << "," << row;
      }
    });
  }
}

TEST(Mixer, ASlowCamerasPictureIsScaledOnceAndShownUnchanged) {
  Mixer mixer(kCanvas);
  TestPicture picture = noise({64, 36}, 8);
  const auto place = [&](uint64_t sequence) {
    TestPicture canvas(kCanvas);
    mixer.place(canvas.view, 0, as_frame(picture, sequence), {0, 0, 160, 90}, Picture::Fit::kCover);
    return canvas.bytes;
  };
  const auto first = place(1);
  EXPECT_EQ(place(1), first);
  // The pixels change under the same sequence: what is shown now can only be the kept picture.
  picture.fill([](int, int x, int) { return static_cast<uint8_t>(x); });
  EXPECT_EQ(place(1), first);
  const auto second = place(2);
  EXPECT_NE(second, first) << "a new picture must not be hidden by the kept one";
  EXPECT_EQ(place(2), second);
}

TEST(Mixer, AKeptPictureIsNotShownForAnotherCameraOrArea) {
  Mixer mixer(kCanvas);
  const TestPicture one = noise({64, 36}, 10);
  const TestPicture other = noise({64, 36}, 11);
  const auto place = [&](Mixer& by, const CameraFrame& frame, const Rect& area) {
    TestPicture canvas(kCanvas);
    by.place(canvas.view, 0, frame, area, Picture::Fit::kCover);
    return canvas.bytes;
  };
  const Rect whole{0, 0, 160, 90};
  const Rect part{0, 0, 80, 44};
  for (int i = 0; i < 3; ++i) place(mixer, as_frame(one, 5), whole);
  CameraFrame same_sequence = as_frame(other, 5);
  same_sequence.captured_at += MediaTime(1);
  Mixer fresh(kCanvas);
  EXPECT_EQ(place(mixer, same_sequence, whole), place(fresh, same_sequence, whole));
  for (int i = 0; i < 3; ++i) place(mixer, as_frame(one, 6), whole);
  Mixer fresh_again(kCanvas);
  EXPECT_EQ(place(mixer, as_frame(one, 6), part), place(fresh_again, as_frame(one, 6), part));
}

}  // namespace
}  // namespace vitrine::overlay
