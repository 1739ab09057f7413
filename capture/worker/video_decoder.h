// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "capture/worker/av_handles.h"
#include "capture/worker/gst_handles.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::capture {

/// Decodes one camera's pictures, where possible straight into memory that `allocate` gives: libavcodec then
/// keeps its reference pictures there, and nobody copies anything. One thread and no frame threading: each of
/// those would hold every picture back by a frame. Thread: the stream's.
class VideoDecoder {
 public:
  using Allocate = std::function<std::shared_ptr<uint8_t>(size_t bytes)>;
  using OnPicture = std::function<Status(const AVFrame&)>;

  /// `caps`: as the last GStreamer element gives them; old codecs have their size and headers only there.
  static Result<std::unique_ptr<VideoDecoder>> create(AVCodecID codec, const GstCaps* caps,
                                                      Allocate allocate);
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  /// Takes one access unit and hands what comes out, in order of presentation, to `on_picture` with its
  /// capture time (nanoseconds in AVFrame::pts). Without a time the unit is decoded and its picture not
  /// shown. Errors: kProtocol when the bytes are no valid picture (the next unit may be), or what
  /// `on_picture` returned.
  Status decode(std::span<const uint8_t> unit, std::optional<MediaTime> captured_at,
                const OnPicture& on_picture);

  /// Hands over what is still held, and is ready for a new beginning.
  Status drain(const OnPicture& on_picture);

 private:
  VideoDecoder(AvCodecContextPtr context, AvPacketPtr packet, AvFramePtr frame, Allocate allocate);
  static int get_buffer(AVCodecContext* context, AVFrame* frame, int flags);
  Status receive(const OnPicture& on_picture);
  bool place_in_ring(AVCodecContext* context, AVFrame* frame) const;

  AvCodecContextPtr context_;
  AvPacketPtr packet_;
  AvFramePtr frame_;
  const Allocate allocate_;
};

}  // namespace vitrine::capture
