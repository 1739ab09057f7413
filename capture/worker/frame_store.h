// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/error.h"
#include "core/frame_ring.h"

namespace vitrine::capture {

/// A frame ring whose pixels are cut into equal slots, one picture each.
class FrameStore {
 public:
  static Result<std::unique_ptr<FrameStore>> create(size_t slot_bytes);

  [[nodiscard]] int fd() const { return writer_.fd(); }
  [[nodiscard]] size_t slot_bytes() const { return slot_bytes_; }

  /// A free slot, on a page boundary; null when all are taken. It is free again when the last owner of the
  /// pointer lets go, also after the store itself is gone. Thread: any.
  [[nodiscard]] std::shared_ptr<uint8_t> acquire();

  /// True when the pixel lies in a slot of this store.
  [[nodiscard]] bool contains(const uint8_t* pixel) const;

  /// Makes `picture`, which lies in a slot, the newest one; `hold` owns the slot. False when it was dropped
  /// because readers have pinned every descriptor. Thread: one at a time.
  bool publish(const ConstI420& picture, MediaTime captured_at, std::shared_ptr<void> hold);

 private:
  struct Slots;
  FrameStore(FrameRingWriter writer, std::shared_ptr<Slots> slots, size_t slot_bytes);
  FrameRingWriter writer_;
  // Not the writer's own mapping: what the writer holds owns slots, and must not own the writer in turn.
  std::shared_ptr<Slots> slots_;
  size_t slot_bytes_;
};

}  // namespace vitrine::capture
