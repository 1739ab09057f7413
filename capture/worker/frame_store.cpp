// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/frame_store.h"

#include <bit>
#include <mutex>

namespace vitrine::capture {
namespace {

/// H.264 keeps 16 reference pictures and decodes into one more; the ring's 8 descriptors hold 8; the checks
/// look at one.
constexpr size_t kSlots = 32;
constexpr size_t kPageBytes = 4096;

constexpr size_t round_up_to_page(size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace

struct FrameStore::Slots {
  Mapping pixels;
  std::mutex mutex;
  uint32_t taken = 0;  // a bit for each slot; guarded by mutex
  static_assert(kSlots == 32);
};

Result<std::unique_ptr<FrameStore>> FrameStore::create(size_t slot_bytes) {
  slot_bytes = round_up_to_page(slot_bytes);
  auto writer = FrameRingWriter::create(slot_bytes * kSlots);
  if (!writer) return tl::unexpected(writer.error());
  auto pixels = Mapping::create(writer->fd(), FrameRingWriter::kPixelOffset, slot_bytes * kSlots,
                                Mapping::Access::kReadWrite);
  if (!pixels) return tl::unexpected(pixels.error());
  auto slots = std::make_shared<Slots>();
  slots->pixels = std::move(*pixels);
  return std::unique_ptr<FrameStore>(new FrameStore(std::move(*writer), std::move(slots), slot_bytes));
}

FrameStore::FrameStore(FrameRingWriter writer, std::shared_ptr<Slots> slots, size_t slot_bytes)
    : writer_(std::move(writer)), slots_(std::move(slots)), slot_bytes_(slot_bytes) {
}

std::shared_ptr<uint8_t> FrameStore::acquire() {
  int index = 0;
  {
    const std::lock_guard lock(slots_->mutex);
    // The lowest free one: slots that were never needed stay untouched and cost no memory.
    index = std::countr_one(slots_->taken);
    if (index >= static_cast<int>(kSlots)) return nullptr;
    slots_->taken |= 1U << index;
  }
  uint8_t* const base = slots_->pixels.data() + static_cast<size_t>(index) * slot_bytes_;
  return {base, [slots = slots_, index](uint8_t*) {
            const std::lock_guard lock(slots->mutex);
            slots->taken &= ~(1U << index);
          }};
}

bool FrameStore::contains(const uint8_t* pixel) const {
  const uint8_t* const begin = slots_->pixels.data();
  return pixel >= begin && pixel < begin + slots_->pixels.size();
}

bool FrameStore::publish(const ConstI420& picture, MediaTime captured_at, std::shared_ptr<void> hold) {
  const uint8_t* const base = slots_->pixels.data();
  FrameDescriptor frame;
  frame.size = picture.size;
  frame.captured_at = captured_at;
  const PlaneView<const uint8_t> planes[3] = {picture.y, picture.u, picture.v};
  for (int i = 0; i < 3; ++i) {
    frame.offset_bytes[i] = planes[i].data - base;
    frame.stride_bytes[i] = planes[i].stride_bytes;
  }
  return writer_.publish(frame, std::move(hold));
}

}  // namespace vitrine::capture
