// SPDX-License-Identifier: Apache-2.0
#include "overlay/tile.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <random>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/overlay/test_tile.h"

namespace vitrine::overlay {
namespace {

UniqueFd immutable(size_t bytes) {
  return std::move(*create_immutable_memfd("tile", std::vector<uint8_t>(bytes, 1)));
}

struct HostileRect {
  const char* name;
  Rect rect;
};
class HostileRectTest : public testing::TestWithParam<HostileRect> {};

TEST_P(HostileRectTest, IsRefused) {
  const Rect rect = GetParam().rect;
  // The memory has what the rectangle asks for, as far as it can: only the rectangle is wrong.
  const size_t bytes = rect.width > 0 && rect.height > 0 && rect.width < 8192 && rect.height < 8192
                           ? TileLayout(rect.size()).bytes
                           : 64;
  const auto tile = Tile::open(immutable(bytes), rect);
  ASSERT_FALSE(tile);
  EXPECT_EQ(tile.error().code, ErrorCode::kProtocol);
}

INSTANTIATE_TEST_SUITE_P(
    Tile, HostileRectTest,
    testing::Values(HostileRect{"OddX", {1, 0, 16, 16}}, HostileRect{"OddY", {0, 3, 16, 16}},
                    HostileRect{"OddWidth", {0, 0, 15, 16}}, HostileRect{"OddHeight", {0, 0, 16, 17}},
                    HostileRect{"NoWidth", {0, 0, 0, 16}}, HostileRect{"NegativeWidth", {0, 0, -16, 16}},
                    HostileRect{"TooWide", {0, 0, 4098, 16}}, HostileRect{"TooHigh", {0, 0, 16, 4098}},
                    HostileRect{"Overflowing", {0, 0, 0x7FFFFFFE, 0x7FFFFFFE}},
                    HostileRect{"FarLeft", {-5000, 0, 16, 16}}, HostileRect{"FarDown", {0, 5000, 16, 16}},
                    HostileRect{"MostNegative", {INT32_MIN, INT32_MIN, 16, 16}}),
    [](const auto& tested) { return tested.param.name; });

TEST(Tile, RefusesMemoryThatIsNotExactlyItsSize) {
  const size_t bytes = TileLayout({16, 16}).bytes;
  EXPECT_TRUE(Tile::open(immutable(bytes), {0, 0, 16, 16}));
  EXPECT_FALSE(Tile::open(immutable(bytes - 1), {0, 0, 16, 16}));
  EXPECT_FALSE(Tile::open(immutable(bytes + 1), {0, 0, 16, 16}));
}

TEST(Tile, RefusesMemoryThatItsSenderCouldStillChange) {
  auto resizable_only = create_sealed_memfd("tile", TileLayout({16, 16}).bytes);
  ASSERT_TRUE(resizable_only);
  EXPECT_FALSE(Tile::open(std::move(*resizable_only), {0, 0, 16, 16}));

  UniqueFd unsealed(::memfd_create("tile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), static_cast<off_t>(TileLayout({16, 16}).bytes)), 0);
  EXPECT_FALSE(Tile::open(std::move(unsealed), {0, 0, 16, 16}));
}

TEST(Tile, RefusesWhatIsNoMemory) {
  EXPECT_FALSE(Tile::open(UniqueFd(::open("/dev/zero", O_RDONLY | O_CLOEXEC)), {0, 0, 16, 16}));
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd write_end(ends[1]);
  EXPECT_FALSE(Tile::open(UniqueFd(ends[0]), {0, 0, 16, 16}));
  EXPECT_FALSE(Tile::open(UniqueFd(), {0, 0, 16, 16}));
}

TEST(Tile, BlankShowsNothing) {
  EXPECT_TRUE(Tile::blank()->is_blank());
  EXPECT_EQ(Tile::blank()->rect(), Rect{});
}

/// Random rows with long and short runs of each kind.
test::TilePlanes random_planes(Size size, uint32_t seed) {
  std::mt19937 random(seed);
  test::TilePlanes planes(size);
  const auto fill = [&](int width, int row, auto&& set) {
    for (int x = 0; x < width;) {
      const int length = std::min<int>(width - x, 1 + static_cast<int>(random() % 40));
      const int kind = static_cast<int>(random() % 3);
      for (int i = 0; i < length; ++i, ++x) {
        const int alpha = kind == 0 ? 0 : kind == 1 ? 255 : static_cast<int>(1 + random() % 254);
        set(x, row, alpha, alpha == 0 ? 0 : static_cast<int>(random() % static_cast<uint32_t>(alpha + 1)));
      }
    }
  };
  for (int row = 0; row < size.height; ++row) {
    fill(size.width, row, [&](int x, int y, int alpha, int value) {
      planes.alpha(x, y) = static_cast<uint8_t>(alpha);
      planes.y(x, y) = static_cast<uint8_t>(value);
    });
  }
  for (int row = 0; row < size.height / 2; ++row) {
    fill(size.width / 2, row, [&](int x, int y, int alpha, int value) {
      planes.chroma_alpha(x, y) = static_cast<uint8_t>(alpha);
      planes.u(x, y) = static_cast<uint8_t>(value);
      planes.v(x, y) = static_cast<uint8_t>(alpha - value);
    });
  }
  return planes;
}

TEST(Tile, SpansCoverWhatIsNotEmptyOnceAndInOrder) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    auto planes = random_planes({300, 8}, seed);
    const auto tile = planes.seal({0, 0});
    ASSERT_NE(tile, nullptr);
    for (int row = 0; row < 8; ++row) {
      int x = 0;
      for (const auto& span : tile->luma_spans(row)) {
        ASSERT_GE(span.begin, x);
        ASSERT_LT(span.begin, span.end);
        for (; x < span.begin; ++x) ASSERT_EQ(planes.alpha(x, row), 0) << "skipped a pixel that shows";
        for (; x < span.end; ++x) {
          if (span.is_opaque) {
            ASSERT_EQ(planes.alpha(x, row), 255);
          }
        }
      }
      for (; x < 300; ++x) ASSERT_EQ(planes.alpha(x, row), 0);
    }
  }
}

TEST(Tile, LongOpaqueRowsAreOneSpan) {
  test::TilePlanes planes({64, 2});
  for (int row = 0; row < 2; ++row) {
    for (int x = 0; x < 64; ++x) planes.alpha(x, row) = 255;
  }
  const auto tile = planes.seal({0, 0});
  ASSERT_EQ(tile->luma_spans(0).size(), 1U);
  EXPECT_TRUE(tile->luma_spans(0)[0].is_opaque);
  EXPECT_TRUE(tile->chroma_spans(0).empty());
}

TEST(Tile, ColorWithoutAlphaIsNotEmpty) {
  test::TilePlanes planes({64, 2});
  planes.y(40, 0) = 9;
  planes.v(20, 0) = 9;
  const auto tile = planes.seal({0, 0});
  EXPECT_EQ(tile->luma_spans(0).size(), 1U);
  EXPECT_EQ(tile->chroma_spans(0).size(), 1U);
}

}  // namespace
}  // namespace vitrine::overlay
