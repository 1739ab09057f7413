// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/synthetic_media.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <thread>

namespace vitrine::fakes {

ConstVideoFrame SyntheticVideo::frame(int64_t index) {
  auto canvas = pool_.acquire();
  while (!canvas) {
    std::this_thread::yield();
    canvas = pool_.acquire();
  }
  const auto& picture = canvas->picture();
  const int width = picture.size.width;
  const int height = picture.size.height;
  const int block = width / 8;
  const auto left = static_cast<int>((index * 7) % (width - block));
  for (int y = 0; y < height; ++y) {
    uint8_t* const row = picture.y.data + static_cast<ptrdiff_t>(y) * picture.y.stride_bytes;
    for (int x = 0; x < width; ++x) row[x] = static_cast<uint8_t>(16 + (x + y + index * 3) % 200);
    if (y > height / 3 && y < height / 2) std::fill(row + left, row + left + block, uint8_t{235});
  }
  for (int y = 0; y < height / 2; ++y) {
    uint8_t* const u = picture.u.data + static_cast<ptrdiff_t>(y) * picture.u.stride_bytes;
    uint8_t* const v = picture.v.data + static_cast<ptrdiff_t>(y) * picture.v.stride_bytes;
    for (int x = 0; x < width / 2; ++x) {
      u[x] = static_cast<uint8_t>(64 + (x + index) % 128);
      v[x] = static_cast<uint8_t>(64 + (y + index) % 128);
    }
  }
  return {std::move(*canvas), start_ + frame_time(index, rate_), static_cast<uint64_t>(index)};
}

AudioBlock tone(MediaTime start, int64_t first, int samples) {
  AudioBlock block;
  block.pts = sample_time(sample_index(start) + first);
  block.samples.reserve(static_cast<size_t>(samples) * kAudioChannels);
  for (int64_t i = first; i < first + samples; ++i) {
    const auto value = static_cast<float>(
        0.2 * std::sin(2 * std::numbers::pi * 440.0 * static_cast<double>(i % kAudioRateHz) / kAudioRateHz));
    block.samples.insert(block.samples.end(), {value, value});
  }
  return block;
}

}  // namespace vitrine::fakes
