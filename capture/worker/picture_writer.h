// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "capture/worker/av_handles.h"
#include "capture/worker/frame_store.h"
#include "capture/worker/ring_notice.h"
#include "core/latest_slot.h"
#include "core/media_time.h"

namespace vitrine::capture {

/// A picture as the studio got it; the pixels stay while this lives.
struct PublishedPicture {
  ConstI420 picture;
  MediaTime captured_at{};
  std::shared_ptr<void> hold;
};

/// Puts pictures into the frame ring, in the canvas's colours, and tells the studio of a new ring. A picture
/// that a decoder wrote into the ring and that needs no conversion is published where it is; every other one
/// is converted into a slot. Thread: the picture's streaming thread, but for counts() and newest().
class PictureWriter {
 public:
  explicit PictureWriter(Channel& channel) : notice_(channel, "frames") {}

  /// Room in the ring for a decoder to write a picture to; null when there is none.
  std::shared_ptr<uint8_t> allocate(size_t bytes);

  /// `captured_at` is brought into [now − 2 s, now]. A picture that finds no room is dropped and counted.
  /// Errors: kUnsupportedFormat; kIo when the ring can't be made.
  Status write(const AVFrame& frame, MediaTime captured_at);

  struct Counts {
    std::atomic<int64_t> published{0};
    std::atomic<int64_t> dropped{0};
    std::atomic<int64_t> copied{0};
    std::atomic<MediaTime> lag{MediaTime{0}};  // of the newest picture, behind its capture
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }  // thread: any
  [[nodiscard]] std::shared_ptr<const PublishedPicture> newest() const {
    return newest_.load();
  }  // thread: any

  /// Pictures that a decoder could not make.
  void count_dropped() { ++counts_.dropped; }

 private:
  Status publish(const ConstI420& picture, MediaTime captured_at, std::shared_ptr<void> hold);

  RingNotice notice_;
  std::unique_ptr<FrameStore> store_;
  Counts counts_;
  LatestSlot<PublishedPicture> newest_;
};

}  // namespace vitrine::capture
