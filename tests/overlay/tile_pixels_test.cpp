// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/tile_pixels.h"

#include <array>
#include <cmath>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "overlay/mixer.h"
#include "tests/overlay/test_tile.h"

namespace vitrine::overlay {
namespace {

/// Drawn by librsvg, so that the pixels are what Cairo makes.
Pixmap draw(const std::string& body, Size size) {
  auto pixmap =
      rasterize(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\">{2}</svg>",
                            size.width, size.height, body),
                {0, 0, static_cast<double>(size.width), static_cast<double>(size.height)}, size);
  EXPECT_TRUE(pixmap) << pixmap.error().message;
  return std::move(*pixmap);
}

std::shared_ptr<const Tile> seal(const TilePixels& pixels) {
  auto fd = create_immutable_memfd("tile", pixels.planes);
  auto tile = Tile::open(std::move(*fd), pixels.part);
  EXPECT_TRUE(tile) << tile.error().message;
  return tile ? *tile : nullptr;
}

struct Yuv {
  double y, u, v;
};
/// ITU-R BT.709-6, limited range, from non-linear RGB of 0..1.
Yuv to_yuv(double r, double g, double b) {
  const double luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return {16 + 219 * luma, 128 + 224 * (b - luma) / 1.8556, 128 + 224 * (r - luma) / 1.5748};
}

TEST(TilePixels, FlatColorsAreBt709Limited) {
  struct Named {
    const char* color;
    std::array<int, 3> yuv;
  };
  // Source: BT.709 limited-range values of the primaries, as ffmpeg's and libyuv's tables have them.
  for (const auto& [color, yuv] :
       {Named{"#FFFFFF", {235, 128, 128}}, Named{"#000000", {16, 128, 128}}, Named{"#FF0000", {63, 102, 240}},
        Named{"#00FF00", {173, 42, 26}}, Named{"#0000FF", {32, 240, 118}}}) {
    const auto pixels =
        to_tile_pixels(draw(fmt::format("<rect width=\"16\" height=\"16\" fill=\"{}\"/>", color), {16, 16}));
    const TileLayout layout(pixels.part.size());
    EXPECT_EQ(pixels.planes[layout.y], yuv[0]) << color;
    EXPECT_EQ(pixels.planes[layout.u], yuv[1]) << color;
    EXPECT_EQ(pixels.planes[layout.v], yuv[2]) << color;
    EXPECT_EQ(pixels.planes[layout.alpha], 255) << color;
    EXPECT_EQ(pixels.planes[layout.chroma_alpha], 255) << color;
  }
}

/// Laying the tile over a canvas in I420 must give what laying RGBA over RGB in floating point and converting
/// then gives. Tolerance: 1.5 of 255: half a level each for rounding the premultiplied sample, its alpha's
/// share, and the result.
TEST(TilePixels, BlendingInI420EqualsBlendingInRgb) {
  std::mt19937 random(7);
  std::string body;
  for (int i = 0; i < 60; ++i) {
    body += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"#{:06X}\" opacity=\"{:.2f}\"/>",
                        random() % 64, random() % 64, 2 + random() % 14, random() & 0xFFFFFFU,
                        static_cast<double>(random() % 100) / 100);
  }
  const Size size{64, 64};
  const Pixmap pixmap = draw(body, size);
  const auto tile = seal(to_tile_pixels(pixmap));
  for (const auto& background : {std::array{0.1, 0.5, 0.9}, std::array{1.0, 1.0, 1.0},
                                 std::array{0.0, 0.0, 0.0}, std::array{0.8, 0.1, 0.2}}) {
    const Yuv below = to_yuv(background[0], background[1], background[2]);
    test::TestPicture canvas(size);
    canvas.fill([&](int plane, int, int) {
      return static_cast<uint8_t>(std::lround(plane == 0 ? below.y : plane == 1 ? below.u : below.v));
    });
    const Yuv rounded{std::round(below.y), std::round(below.u), std::round(below.v)};
    Mixer(size).blend(canvas.view, *tile, {tile->rect().x, tile->rect().y});

    const auto expected = [&](int x, int y) {
      const uint8_t* pixel =
          pixmap.data() + static_cast<ptrdiff_t>(y) * pixmap.stride_bytes() + static_cast<ptrdiff_t>(x) * 4;
      const double a = pixel[3] / 255.0;
      const Yuv above =
          a == 0 ? Yuv{} : to_yuv(pixel[2] / 255.0 / a, pixel[1] / 255.0 / a, pixel[0] / 255.0 / a);
      return Yuv{a * above.y + (1 - a) * rounded.y, a * above.u + (1 - a) * rounded.u,
                 a * above.v + (1 - a) * rounded.v};
    };
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) ASSERT_NEAR(canvas.at(0, x, y), expected(x, y).y, 1.5) << x << "," << y;
    }
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) {
        Yuv mean{0, 0, 0};
        for (int i = 0; i < 4; ++i) {
          const Yuv one = expected(2 * x + i % 2, 2 * y + i / 2);
          mean.u += one.u / 4;
          mean.v += one.v / 4;
        }
        ASSERT_NEAR(canvas.at(1, x, y), mean.u, 1.5) << x << "," << y;
        ASSERT_NEAR(canvas.at(2, x, y), mean.v, 1.5) << x << "," << y;
      }
    }
  }
}

TEST(TilePixels, KeepsOnlyTheEvenRectangleThatIsUsed) {
  const auto pixels =
      to_tile_pixels(draw("<rect x=\"13\" y=\"7\" width=\"10\" height=\"4\" fill=\"#fff\"/>", {64, 64}));
  EXPECT_EQ(pixels.part, (Rect{12, 6, 12, 6}));
  EXPECT_EQ(to_tile_pixels(draw("", {64, 64})).part, Rect{});
}

TEST(TilePixels, OddEdgeIsFollowedByNothing) {
  const auto pixels = to_tile_pixels(draw("<rect width=\"15\" height=\"15\" fill=\"#fff\"/>", {15, 15}));
  ASSERT_EQ(pixels.part, (Rect{0, 0, 16, 16}));
  const auto tile = seal(pixels);
  const auto luma = tile->luma();
  EXPECT_EQ(luma.alpha[14], 255);
  EXPECT_EQ(luma.alpha[15], 0);
  EXPECT_EQ(tile->u().alpha[7], 128);
}

}  // namespace
}  // namespace vitrine::overlay
