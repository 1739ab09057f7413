// SPDX-License-Identifier: Apache-2.0
#include "core/video_frame.h"

#include <cstring>
#include <new>

namespace vitrine {
namespace {

constexpr int kAlignment = 64;

constexpr int align_up(int value) {
  return (value + kAlignment - 1) / kAlignment * kAlignment;
}

uint8_t* aligned(uint8_t* base) {
  const auto address = reinterpret_cast<uintptr_t>(base);
  return base + (kAlignment - address % kAlignment) % kAlignment;
}

}  // namespace

I420Layout::I420Layout(Size frame_size)
    : size(frame_size),
      luma_stride_bytes(align_up(frame_size.width)),
      chroma_stride_bytes(align_up((frame_size.width + 1) / 2)),
      bytes(static_cast<size_t>(luma_stride_bytes) * frame_size.height +
            2 * static_cast<size_t>(chroma_stride_bytes) * ((frame_size.height + 1) / 2)) {
}

I420 I420Layout::view(uint8_t* base) const {
  const int chroma_rows = (size.height + 1) / 2;
  uint8_t* const u = base + static_cast<ptrdiff_t>(luma_stride_bytes) * size.height;
  uint8_t* const v = u + static_cast<ptrdiff_t>(chroma_stride_bytes) * chroma_rows;
  return {size, {base, luma_stride_bytes}, {u, chroma_stride_bytes}, {v, chroma_stride_bytes}};
}

FramePool::FramePool(Size size, int count) : size_(size), shared_(std::make_shared<Shared>()) {
  const I420Layout layout(size);
  for (int i = 0; i < count; ++i) {
    auto storage = std::make_unique<uint8_t[]>(layout.bytes + kAlignment);
    // Black, and every page present before the first tick.
    uint8_t* base = aligned(storage.get());
    const size_t luma_bytes = static_cast<size_t>(layout.luma_stride_bytes) * size.height;
    std::memset(base, 16, luma_bytes);
    std::memset(base + luma_bytes, 128, layout.bytes - luma_bytes);
    shared_->free.push_back(std::move(storage));
  }
}

std::optional<VideoFrame> FramePool::acquire() {
  std::unique_ptr<uint8_t[]> storage;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->free.empty()) return std::nullopt;
    storage = std::move(shared_->free.back());
    shared_->free.pop_back();
  }
  uint8_t* const raw = storage.release();
  std::shared_ptr<void> owner(raw, [shared = shared_](uint8_t* pixels) {
    std::unique_ptr<uint8_t[]> back(pixels);
    const std::lock_guard lock(shared->mutex);
    shared->free.push_back(std::move(back));  // capacity was reserved by the pushes of the constructor
  });
  return VideoFrame(I420Layout(size_).view(aligned(raw)), std::move(owner));
}

}  // namespace vitrine
