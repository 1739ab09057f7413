// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vitrine::overlay {

/// canvas = samples + (255 - alpha) · canvas / 255, rounded to nearest, at most 255: Porter-Duff "over",
/// premultiplied. Exact for every input, so any two implementations agree. No overlap. Thread: any.
using BlendRow = void (*)(uint8_t* canvas, const uint8_t* samples, const uint8_t* alpha, int count);

/// The same with samples and alpha first multiplied by `opacity`/256, rounded.
using FadeRow = void (*)(uint8_t* canvas, const uint8_t* samples, const uint8_t* alpha, int count,
                         int opacity);

/// The fastest this processor has. Chosen once, by the mixer: an ifunc (target_clones) would run before the
/// sanitizers are up, and clang 14 does not have it.
struct BlendFunctions {
  BlendRow blend;
  FadeRow fade;
};
BlendFunctions best_blend_functions();
/// What every processor has.
BlendFunctions baseline_blend_functions();

}  // namespace vitrine::overlay
