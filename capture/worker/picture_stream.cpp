// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/picture_stream.h"

#include <fmt/format.h>
#include <gst/video/video.h>

#include "capture/worker/codecs.h"
#include "capture/worker/picture_convert.h"

namespace vitrine::capture {
namespace {

struct Unmap {
  void operator()(GstVideoFrame* frame) const { gst_video_frame_unmap(frame); }
};
using VideoFrameMap = std::unique_ptr<GstVideoFrame, Unmap>;

constexpr MediaTime kHideDamageFor = std::chrono::milliseconds(500);

AVPixelFormat pixel_format_of(GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_I420:
      return AV_PIX_FMT_YUV420P;
    case GST_VIDEO_FORMAT_NV12:
      return AV_PIX_FMT_NV12;
    case GST_VIDEO_FORMAT_YUY2:
      return AV_PIX_FMT_YUYV422;
    default:
      return AV_PIX_FMT_NONE;
  }
}

/// A device's colours, where its caps name them; GStreamer's own guess when they don't is not ours.
void set_color(const GstVideoInfo& info, const GstCaps* caps, AVFrame& frame) {
  if (gst_structure_has_field(gst_caps_get_structure(caps, 0), "colorimetry") == FALSE) return;
  switch (info.colorimetry.matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT601:
      frame.colorspace = AVCOL_SPC_SMPTE170M;
      break;
    case GST_VIDEO_COLOR_MATRIX_BT709:
      frame.colorspace = AVCOL_SPC_BT709;
      break;
    default:
      break;
  }
  if (info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255) frame.color_range = AVCOL_RANGE_JPEG;
}

std::string color_text(ColorInfo color) {
  return fmt::format("{} {}", color.matrix == ColorMatrix::kBt601 ? "BT.601" : "BT.709",
                     color.range == ColorRange::kFull ? "full" : "limited");
}

}  // namespace

Status PictureStream::open(const GstCaps* caps) {
  decoder_.reset();
  if (gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw") != FALSE) {
    codec_name_ = "raw";
  } else {
    const Codec* codec = codec_for_caps(StreamKind::kPicture, caps);
    if (codec == nullptr) return fail(ErrorCode::kUnsupportedFormat, "no decoder for " + to_text(caps));
    auto decoder =
        VideoDecoder::create(codec->id, caps, [this](size_t bytes) { return writer_.allocate(bytes); });
    if (!decoder) return tl::unexpected(decoder.error());
    decoder_ = std::move(*decoder);
    codec_name_ = codec->name;
  }
  caps_.reset(gst_caps_copy(caps));
  return {};
}

Status PictureStream::take(const StreamSample& sample) {
  // A parser that learns the size or frame rate of the same stream changes the caps as well; the decoder
  // finds such things by itself and must not lose its reference pictures for them.
  const bool is_other_kind = !caps_ || gst_structure_get_name_id(gst_caps_get_structure(caps_.get(), 0)) !=
                                           gst_structure_get_name_id(gst_caps_get_structure(sample.caps, 0));
  if (is_other_kind) {
    if (auto opened = open(sample.caps); !opened) return opened;
  }
  ++units_;
  return decoder_ ? take_encoded(sample) : take_raw(sample);
}

Status PictureStream::take_encoded(const StreamSample& sample) {
  const BufferMap map(sample.buffer);
  if (!map.is_mapped()) return fail(ErrorCode::kIo, "a buffer can't be read");
  Status shown;
  const auto decoded =
      decoder_->decode({map.data(), map.size()}, sample.captured_at, [&](const AVFrame& frame) {
        shown = write(frame, MediaTime{frame.pts});
        return shown;
      });
  if (!shown) return shown;
  if (!decoded) {
    ++undecodable_;
    writer_.count_dropped();
  }
  return {};
}

Status PictureStream::take_raw(const StreamSample& sample) {
  if (!sample.captured_at) return {};
  GstVideoInfo info;
  GstVideoFrame mapped;
  if (gst_video_info_from_caps(&info, sample.caps) == FALSE ||
      gst_video_frame_map(&mapped, &info, sample.buffer, GST_MAP_READ) == FALSE) {
    // Cameras deliver a short buffer when the bus lost a part of the picture.
    ++undecodable_;
    writer_.count_dropped();
    return {};
  }
  const VideoFrameMap unmap(&mapped);
  const AvFramePtr frame(av_frame_alloc());
  if (!frame) return fail(ErrorCode::kIo, "no memory for a picture");
  frame->format = pixel_format_of(GST_VIDEO_INFO_FORMAT(&info));
  frame->width = GST_VIDEO_INFO_WIDTH(&info);
  frame->height = GST_VIDEO_INFO_HEIGHT(&info);
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&mapped); ++plane) {
    frame->data[plane] = static_cast<uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, plane));
    frame->linesize[plane] = GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, plane);
  }
  set_color(info, sample.caps, *frame);
  return write(*frame, *sample.captured_at);
}

Status PictureStream::write(const AVFrame& frame, MediaTime captured_at) {
  // A picture that is known to be damaged is worse than the last good one, for a while.
  const bool is_damaged = frame.decode_error_flags != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0;
  if (is_damaged && captured_at - shown_at_ < kHideDamageFor) {
    writer_.count_dropped();
    return {};
  }
  shown_at_ = captured_at;
  std::string now =
      fmt::format("{} {}×{} {}", codec_name_, frame.width, frame.height, color_text(color_of(frame)));
  if (now != described_for_) {
    described_for_ = now;
    const std::lock_guard lock(mutex_);
    description_ = std::move(now);
  }
  keep_pace(pace_, captured_at);
  return writer_.write(frame, captured_at);
}

Status PictureStream::finish() {
  if (!decoder_) return {};
  return decoder_->drain([&](const AVFrame& frame) { return write(frame, MediaTime{frame.pts}); });
}

std::string PictureStream::describe() const {
  const std::lock_guard lock(mutex_);
  return description_;
}

}  // namespace vitrine::capture
