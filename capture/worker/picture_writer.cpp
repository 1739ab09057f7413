// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/picture_writer.h"

#include <algorithm>

#include "capture/worker/picture_convert.h"

namespace vitrine::capture {
namespace {

constexpr MediaTime kOldestCapture = std::chrono::seconds(2);

ConstI420 view_of(const AVFrame& frame) {
  return {{frame.width, frame.height},
          {frame.data[0], frame.linesize[0]},
          {frame.data[1], frame.linesize[1]},
          {frame.data[2], frame.linesize[2]}};
}

}  // namespace

std::shared_ptr<uint8_t> PictureWriter::allocate(size_t bytes) {
  if (!store_ || store_->slot_bytes() < bytes) {
    auto store = FrameStore::create(bytes);
    if (!store) return nullptr;
    store_ = std::move(*store);
    notice_.forget();
  }
  return store_->acquire();
}

Status PictureWriter::write(const AVFrame& frame, MediaTime captured_at) {
  const MediaTime now = steady_now();
  counts_.lag = now - captured_at;
  captured_at = std::clamp(captured_at, now - kOldestCapture, now);

  const bool is_i420 = frame.format == AV_PIX_FMT_YUV420P || frame.format == AV_PIX_FMT_YUVJ420P;
  if (is_i420 && color_of(frame) == kCanvasColor && store_ && store_->contains(frame.data[0])) {
    const std::shared_ptr<AVFrame> held(av_frame_clone(&frame), AvDeleter<av_frame_free>());
    if (!held) return fail(ErrorCode::kIo, "no memory for a picture");
    return publish(view_of(*held), captured_at, held);
  }

  const I420Layout layout({frame.width, frame.height});
  const auto slot = allocate(layout.bytes);
  if (!slot) {
    ++counts_.dropped;
    return {};
  }
  const I420 picture = layout.view(slot.get());
  if (auto converted = convert(frame, picture); !converted) return converted;
  ++counts_.copied;
  return publish(as_const(picture), captured_at, slot);
}

Status PictureWriter::publish(const ConstI420& picture, MediaTime captured_at, std::shared_ptr<void> hold) {
  if (!store_->publish(picture, captured_at, hold)) {
    ++counts_.dropped;
    return {};
  }
  ++counts_.published;
  newest_.store(std::make_shared<PublishedPicture>(PublishedPicture{picture, captured_at, std::move(hold)}));
  return notice_.send(store_->fd());
}

}  // namespace vitrine::capture
