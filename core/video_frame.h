// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/geometry.h"
#include "core/media_time.h"
#include "core/pixel_format.h"

namespace vitrine {

/// One plane of pixels; `data` belongs to whoever gave the view.
template <typename Byte>
struct PlaneView {
  Byte* data = nullptr;
  int stride_bytes = 0;
};

/// I420 pixels that somebody else owns. Chroma planes have (width+1)/2 × (height+1)/2 samples.
template <typename Byte>
struct I420View {
  Size size;
  PlaneView<Byte> y, u, v;
};
using I420 = I420View<uint8_t>;
using ConstI420 = I420View<const uint8_t>;

inline ConstI420 as_const(const I420& view) {
  return {view.size,
          {view.y.data, view.y.stride_bytes},
          {view.u.data, view.u.stride_bytes},
          {view.v.data, view.v.stride_bytes}};
}

/// The newest picture of a camera, borrowed from its ring: the pixels stay as they are while this lives.
struct CameraFrame {
  ConstI420 picture;
  MediaTime captured_at{};
  uint64_t sequence = 0;  // a gap is a frame that was never shown
  std::shared_ptr<const void> keep_alive;
};

class FramePool;

/// A canvas one may draw on: exactly one owner. freeze() gives it to everybody, read-only.
class VideoFrame {
 public:
  VideoFrame(VideoFrame&&) noexcept = default;
  VideoFrame& operator=(VideoFrame&&) noexcept = default;

  [[nodiscard]] const I420& picture() const { return picture_; }

 private:
  friend class FramePool;
  friend class ConstVideoFrame;
  VideoFrame(I420 picture, std::shared_ptr<void> storage) : picture_(picture), storage_(std::move(storage)) {}
  I420 picture_;
  std::shared_ptr<void> storage_;
};

/// A finished program frame; copies share the pixels.
class ConstVideoFrame {
 public:
  ConstVideoFrame() = default;
  ConstVideoFrame(VideoFrame&& frame, MediaTime pts, uint64_t sequence)
      : picture_(as_const(frame.picture_)),
        storage_(std::move(frame.storage_)),
        pts_(pts),
        sequence_(sequence) {}

  [[nodiscard]] bool is_empty() const { return storage_ == nullptr; }
  [[nodiscard]] const ConstI420& picture() const { return picture_; }
  [[nodiscard]] MediaTime pts() const { return pts_; }
  [[nodiscard]] uint64_t sequence() const { return sequence_; }
  /// Lives as long as the pixels: hand it to libraries that free buffers by themselves.
  [[nodiscard]] const std::shared_ptr<const void>& storage() const { return storage_; }
  /// The same pixels at another time: how a late tick repeats the last picture.
  [[nodiscard]] ConstVideoFrame repeated(MediaTime pts, uint64_t sequence) const {
    ConstVideoFrame copy = *this;
    copy.pts_ = pts;
    copy.sequence_ = sequence;
    return copy;
  }

 private:
  ConstI420 picture_;
  std::shared_ptr<const void> storage_;
  MediaTime pts_{};
  uint64_t sequence_ = 0;
};

/// A fixed number of canvases, allocated and touched at start. Frames may outlive the pool.
class FramePool {
 public:
  FramePool(Size size, int count);

  /// Thread: any. Never blocks, never allocates pixels. nullopt when every canvas is in use.
  [[nodiscard]] std::optional<VideoFrame> acquire();
  [[nodiscard]] Size size() const { return size_; }

 private:
  struct Shared {
    std::mutex mutex;
    std::vector<std::unique_ptr<uint8_t[]>> free;  // guarded by mutex
  };
  const Size size_;
  std::shared_ptr<Shared> shared_;
};

/// Strides and plane offsets of an I420 picture in one block: rows start on 64 bytes, as AVX-512 loads like
/// them.
struct I420Layout {
  explicit I420Layout(Size size);
  [[nodiscard]] I420 view(uint8_t* base) const;
  Size size;
  int luma_stride_bytes;
  int chroma_stride_bytes;
  size_t bytes;
};

}  // namespace vitrine
