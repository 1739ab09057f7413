// SPDX-License-Identifier: Apache-2.0
#include "encoder/png.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::encoder {
namespace {

struct Colour {
  const char* name;
  uint8_t y, u, v;
  int red, green, blue;
};
class Png : public ::testing::TestWithParam<Colour> {};

TEST_P(Png, ShowsBt709LimitedRangeAsAScreenDoes) {
  const auto& colour = GetParam();
  FramePool pool({66, 34}, 1);
  auto canvas = pool.acquire();
  const auto& picture = canvas->picture();
  std::fill_n(picture.y.data, static_cast<ptrdiff_t>(picture.y.stride_bytes) * 34, colour.y);
  std::fill_n(picture.u.data, static_cast<ptrdiff_t>(picture.u.stride_bytes) * 17, colour.u);
  std::fill_n(picture.v.data, static_cast<ptrdiff_t>(picture.v.stride_bytes) * 17, colour.v);
  const auto png = encode_png(as_const(picture));
  ASSERT_TRUE(png) << png.error().message;
  const fakes::TempDir dir;
  const auto file = dir.write("a.png", std::string(png->begin(), png->end()));
  const auto decoded =
      fakes::run({"ffmpeg", "-v", "error", "-i", file, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"});
  EXPECT_EQ(decoded.errors, "");
  ASSERT_EQ(decoded.output.size(), size_t{66} * 34 * 3);
  for (const size_t at : {size_t{0}, size_t{66} * 34 * 3 - 3}) {
    EXPECT_NEAR(static_cast<unsigned char>(decoded.output[at]), colour.red, 2);
    EXPECT_NEAR(static_cast<unsigned char>(decoded.output[at + 1]), colour.green, 2);
    EXPECT_NEAR(static_cast<unsigned char>(decoded.output[at + 2]), colour.blue, 2);
  }
}

TEST(PngSize, IsMadeSmallerAndNeverLarger) {
  FramePool pool({640, 360}, 1);
  const auto canvas = pool.acquire();
  const fakes::TempDir dir;
  for (const auto& [most_width, size] : {std::pair(320, "320,180\n"), std::pair(2000, "640,360\n")}) {
    const auto png = encode_png(as_const(canvas->picture()), most_width);
    ASSERT_TRUE(png) << png.error().message;
    const auto file = dir.write("a.png", std::string(png->begin(), png->end()));
    EXPECT_EQ(
        fakes::run({"ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", file})
            .output,
        size);
  }
}

// ITU-R BT.709-6, item 3, in 8 bits.
INSTANTIATE_TEST_SUITE_P(All, Png,
                         ::testing::Values(Colour{"Black", 16, 128, 128, 0, 0, 0},
                                           Colour{"White", 235, 128, 128, 255, 255, 255},
                                           Colour{"Red", 63, 102, 240, 255, 0, 0},
                                           Colour{"Green", 173, 42, 26, 0, 255, 0},
                                           Colour{"Blue", 32, 240, 118, 0, 0, 255}),
                         [](const auto& suite) { return suite.param.name; });

}  // namespace
}  // namespace vitrine::encoder
