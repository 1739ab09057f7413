// SPDX-License-Identifier: Apache-2.0
#include "overlay/blend.h"

#include <algorithm>

namespace vitrine::overlay {
namespace {

// Plain loops in 16-bit arithmetic: gcc turns them into 8 (SSE2, NEON) or 16 (AVX2) lanes at -O3, see
// CMakeLists.txt. round(x / 255) for 0 <= x <= 65025 is (t + (t >> 8)) >> 8 with t = x + 128; every term fits
// 16 bits.
#define VITRINE_INLINE inline __attribute__((always_inline))

VITRINE_INLINE uint16_t over(uint16_t canvas, uint16_t sample, uint16_t alpha) {
  const auto t = static_cast<uint16_t>((255 - alpha) * canvas + 128);
  const auto kept = static_cast<uint16_t>(static_cast<uint16_t>(t + (t >> 8)) >> 8);
  return std::min<uint16_t>(255, static_cast<uint16_t>(sample + kept));
}

VITRINE_INLINE uint16_t faded(uint16_t value, uint16_t opacity) {
  return static_cast<uint16_t>(static_cast<uint16_t>(value * opacity + 128) >> 8);
}

VITRINE_INLINE void blend_loop(uint8_t* __restrict canvas, const uint8_t* __restrict samples,
                               const uint8_t* __restrict alpha, int count) {
  for (int i = 0; i < count; ++i) canvas[i] = static_cast<uint8_t>(over(canvas[i], samples[i], alpha[i]));
}

VITRINE_INLINE void fade_loop(uint8_t* __restrict canvas, const uint8_t* __restrict samples,
                              const uint8_t* __restrict alpha, int count, uint16_t opacity) {
  for (int i = 0; i < count; ++i) {
    canvas[i] = static_cast<uint8_t>(over(canvas[i], faded(samples[i], opacity), faded(alpha[i], opacity)));
  }
}

void blend_baseline(uint8_t* canvas, const uint8_t* samples, const uint8_t* alpha, int count) {
  blend_loop(canvas, samples, alpha, count);
}
void fade_baseline(uint8_t* canvas, const uint8_t* samples, const uint8_t* alpha, int count, int opacity) {
  fade_loop(canvas, samples, alpha, count, static_cast<uint16_t>(opacity));
}

#ifdef __x86_64__
__attribute__((target("avx2"))) void blend_avx2(uint8_t* canvas, const uint8_t* samples, const uint8_t* alpha,
                                                int count) {
  blend_loop(canvas, samples, alpha, count);
}
__attribute__((target("avx2"))) void fade_avx2(uint8_t* canvas, const uint8_t* samples, const uint8_t* alpha,
                                               int count, int opacity) {
  fade_loop(canvas, samples, alpha, count, static_cast<uint16_t>(opacity));
}
#endif

}  // namespace

BlendFunctions baseline_blend_functions() {
  return {&blend_baseline, &fade_baseline};
}

BlendFunctions best_blend_functions() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) return {&blend_avx2, &fade_avx2};
#endif
  return baseline_blend_functions();
}

}  // namespace vitrine::overlay
