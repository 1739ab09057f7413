// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/shared_memory.h"
#include "core/video_frame.h"

namespace vitrine {

/// Camera pictures cross from a source worker to the studio in one memfd: a page of descriptors, then pixels.
/// A decoder writes its pictures straight into the pixels (they are its reference pictures, so nobody ever
/// draws on them); a descriptor says where the newest one lies. Newest wins; nobody waits: the writer reuses
/// no picture that is the newest or that a reader has pinned, and drops the new one when all descriptors are
/// pinned.
///
/// Memory order: the writer stores `latest`, then looks at the pins of what it wants to reuse; a reader pins,
/// then looks whether `latest` still names what it pinned. Both sequentially consistent, so one of the two
/// sees the other.
///
/// Trust: the reader believes nothing of what it reads. It copies a descriptor once, checks it against the
/// mapping, and maps the pixels read-only. A broken worker can show wrong pixels, and nothing else.

/// Where a picture lies: offsets in bytes from the start of the pixels.
struct FrameDescriptor {
  Size size;
  int64_t offset_bytes[3] = {};  // Y, U, V
  int32_t stride_bytes[3] = {};
  MediaTime captured_at{};
};

/// The largest picture a camera may send: 4096 × 2304.
inline constexpr int64_t kMaxFramePixels = 4096LL * 2304;

class FrameRingWriter {
 public:
  /// `pixel_bytes` of sparse memory: pages that no picture ever touched cost nothing.
  static Result<FrameRingWriter> create(size_t pixel_bytes);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] uint8_t* pixels() const { return mapping_.data() + kPixelOffset; }
  [[nodiscard]] size_t pixel_bytes() const { return mapping_.size() - kPixelOffset; }

  /// Makes this the newest picture. `hold` keeps its pixels from being written again; it goes when the
  /// picture is no longer the newest nor pinned, at a later publish. Returns false, and drops the picture,
  /// when all are pinned. Thread: one at a time.
  bool publish(const FrameDescriptor& frame, std::shared_ptr<void> hold);

  static constexpr size_t kPixelOffset = 4096;

 private:
  FrameRingWriter(UniqueFd fd, Mapping mapping);
  UniqueFd fd_;
  Mapping mapping_;
  uint64_t sequence_ = 0;
  std::array<std::shared_ptr<void>, 8> holds_;
};

class FrameRingReader : public std::enable_shared_from_this<FrameRingReader> {
 public:
  /// Takes a worker's memfd. Errors: kProtocol with what is wrong about it.
  static Result<std::shared_ptr<FrameRingReader>> open(UniqueFd fd);

  /// The newest picture, pinned as long as the frame lives; nullopt when there is none yet or the descriptor
  /// is broken. Thread: any. Never blocks.
  [[nodiscard]] std::optional<CameraFrame> latest() const;

 private:
  FrameRingReader(Mapping header, Mapping pixels);
  Mapping header_;
  Mapping pixels_;
};

}  // namespace vitrine
