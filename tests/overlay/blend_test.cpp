// SPDX-License-Identifier: Apache-2.0
#include "overlay/blend.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "tests/overlay/test_tile.h"

namespace vitrine::overlay {
namespace {

class BlendTest : public testing::TestWithParam<BlendFunctions> {};

std::array<uint8_t, 256> every_value() {
  std::array<uint8_t, 256> values{};
  std::iota(values.begin(), values.end(), uint8_t{0});
  return values;
}

TEST_P(BlendTest, IsExactForEveryCanvasAndAlpha) {
  for (int sample = 0; sample < 256; sample += 5) {
    for (int alpha = 0; alpha < 256; ++alpha) {
      auto canvas = every_value();
      std::array<uint8_t, 256> samples{};
      std::array<uint8_t, 256> alphas{};
      samples.fill(static_cast<uint8_t>(sample));
      alphas.fill(static_cast<uint8_t>(alpha));
      GetParam().blend(canvas.data(), samples.data(), alphas.data(), 256);
      for (int c = 0; c < 256; ++c) {
        ASSERT_EQ(canvas[static_cast<size_t>(c)], test::over(c, sample, alpha))
            << "canvas " << c << ", sample " << sample << ", alpha " << alpha;
      }
    }
  }
}

TEST_P(BlendTest, FadesSampleAndAlphaAlike) {
  for (const int opacity : {0, 1, 77, 128, 255, 256}) {
    for (int alpha = 0; alpha < 256; alpha += 3) {
      auto canvas = every_value();
      std::array<uint8_t, 256> samples{};
      std::array<uint8_t, 256> alphas{};
      samples.fill(static_cast<uint8_t>(alpha / 2));
      alphas.fill(static_cast<uint8_t>(alpha));
      GetParam().fade(canvas.data(), samples.data(), alphas.data(), 256, opacity);
      const auto faded = [&](int value) { return (value * opacity + 128) / 256; };
      for (int c = 0; c < 256; ++c) {
        ASSERT_EQ(canvas[static_cast<size_t>(c)], test::over(c, faded(alpha / 2), faded(alpha)))
            << "canvas " << c << ", alpha " << alpha << ", opacity " << opacity;
      }
    }
  }
}

TEST_P(BlendTest, TouchesNothingBeyondItsCount) {
  for (int count = 0; count < 70; ++count) {
    std::vector<uint8_t> canvas(80, 100);
    const std::vector<uint8_t> samples(80, 7);
    const std::vector<uint8_t> alphas(80, 255);
    GetParam().blend(canvas.data(), samples.data(), alphas.data(), count);
    EXPECT_EQ(std::ranges::count(canvas, 7), count);
    EXPECT_EQ(std::ranges::count(canvas, 100), 80 - count);
  }
}

INSTANTIATE_TEST_SUITE_P(Baseline, BlendTest, testing::Values(baseline_blend_functions()),
                         [](const auto&) { return "Baseline"; });
INSTANTIATE_TEST_SUITE_P(Best, BlendTest, testing::Values(best_blend_functions()),
                         [](const auto&) { return "OfThisProcessor"; });

}  // namespace
}  // namespace vitrine::overlay
