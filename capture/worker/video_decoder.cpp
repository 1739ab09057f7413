// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/video_decoder.h"

#include <cstring>

#include <fmt/format.h>

extern "C" {
#include <libavutil/imgutils.h>
}

#include "capture/worker/codecs.h"
#include "capture/worker/picture_convert.h"
#include "core/frame_ring.h"

namespace vitrine::capture {
namespace {

/// Luma rows start on 128 bytes, chroma rows on 64: what the widest SIMD of libavcodec asks for.
constexpr int kLumaAlignment = 128;
/// libavcodec reads up to 16 pixels past the last one, and its SIMD writes whole vectors (doc of
/// get_buffer2).
constexpr int kPlaneMargin = 128;

constexpr int align_up(int value, int alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

Error codec_error(const char* call, int code) {
  return Error{ErrorCode::kProtocol, fmt::format("{}: {}", call, av_error_text(code)), code};
}

}  // namespace

Result<std::unique_ptr<VideoDecoder>> VideoDecoder::create(AVCodecID codec_id, const GstCaps* caps,
                                                           Allocate allocate) {
  const AVCodec* codec = avcodec_find_decoder(codec_id);
  if (codec == nullptr) {
    return fail(ErrorCode::kUnsupportedFormat,
                fmt::format("this libavcodec has no decoder for {}", avcodec_get_name(codec_id)));
  }
  AvCodecContextPtr context(avcodec_alloc_context3(codec));
  AvPacketPtr packet(av_packet_alloc());
  AvFramePtr frame(av_frame_alloc());
  if (!context || !packet || !frame) return fail(ErrorCode::kIo, "no memory for a decoder");
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(structure, "width", &context->width);
  gst_structure_get_int(structure, "height", &context->height);
  if (static_cast<int64_t>(context->width) * context->height > kMaxFramePixels) {
    return fail(ErrorCode::kUnsupportedFormat,
                fmt::format("the camera sends {}x{}, more than {} pixels; set it to 4096x2304 or less",
                            context->width, context->height, kMaxFramePixels));
  }
  if (auto set = set_codec_data(caps, *context); !set) return tl::unexpected(set.error());
  context->thread_count = 1;
  context->max_pixels = kMaxFramePixels;
  context->pkt_timebase = {1, 1'000'000'000};
  std::unique_ptr<VideoDecoder> decoder(
      new VideoDecoder(std::move(context), std::move(packet), std::move(frame), std::move(allocate)));
  AVCodecContext* opened = decoder->context_.get();
  opened->opaque = decoder.get();
  opened->get_buffer2 = &VideoDecoder::get_buffer;
  if (const int rc = avcodec_open2(opened, codec, nullptr); rc < 0)
    return tl::unexpected(codec_error("avcodec_open2", rc));
  return decoder;
}

VideoDecoder::VideoDecoder(AvCodecContextPtr context, AvPacketPtr packet, AvFramePtr frame, Allocate allocate)
    : context_(std::move(context)),
      packet_(std::move(packet)),
      frame_(std::move(frame)),
      allocate_(std::move(allocate)) {
}

int VideoDecoder::get_buffer(AVCodecContext* context, AVFrame* frame, int flags) {
  const auto* self = static_cast<const VideoDecoder*>(context->opaque);
  if (self->place_in_ring(context, frame)) return 0;
  return avcodec_default_get_buffer2(context, frame, flags);
}

bool VideoDecoder::place_in_ring(AVCodecContext* context, AVFrame* frame) const {
  const auto format = static_cast<AVPixelFormat>(frame->format);
  // What must be converted anyway is better decoded into ordinary memory: it never leaves this process.
  if (format != AV_PIX_FMT_YUV420P || (context->codec->capabilities & AV_CODEC_CAP_DR1) == 0 ||
      color_of(context->colorspace, context->color_range, format, context->height) != kCanvasColor) {
    return false;
  }
  int width = frame->width;
  int height = frame->height;
  int ignored[AV_NUM_DATA_POINTERS];
  avcodec_align_dimensions2(context, &width, &height, ignored);
  const int luma_stride = align_up(width, kLumaAlignment);
  const int chroma_stride = luma_stride / 2;
  const size_t luma_bytes = static_cast<size_t>(luma_stride) * height + kPlaneMargin;
  const size_t chroma_bytes = static_cast<size_t>(chroma_stride) * ((height + 1) / 2) + kPlaneMargin;

  auto pixels = allocate_(luma_bytes + 2 * chroma_bytes);
  if (!pixels) return false;  // decoded elsewhere, then dropped or copied by the writer
  uint8_t* const base = pixels.get();
  auto owner = std::make_unique<std::shared_ptr<uint8_t>>(std::move(pixels));
  const auto let_go = [](void* opaque, uint8_t*) {
    const std::unique_ptr<std::shared_ptr<uint8_t>> freed(static_cast<std::shared_ptr<uint8_t>*>(opaque));
  };
  frame->buf[0] = av_buffer_create(base, luma_bytes + 2 * chroma_bytes, let_go, owner.get(), 0);
  if (frame->buf[0] == nullptr) return false;
  (void)owner.release();  // let_go has it now
  frame->data[0] = base;
  frame->data[1] = base + luma_bytes;
  frame->data[2] = base + luma_bytes + chroma_bytes;
  frame->linesize[0] = luma_stride;
  frame->linesize[1] = frame->linesize[2] = chroma_stride;
  frame->extended_data = frame->data;
  return true;
}

Status VideoDecoder::decode(std::span<const uint8_t> unit, std::optional<MediaTime> captured_at,
                            const OnPicture& on_picture) {
  av_packet_unref(packet_.get());
  if (const int rc = av_new_packet(packet_.get(), static_cast<int>(unit.size())); rc < 0) {
    return tl::unexpected(codec_error("av_new_packet", rc));
  }
  std::memcpy(packet_->data, unit.data(), unit.size());
  packet_->pts = captured_at ? captured_at->count() : AV_NOPTS_VALUE;
  if (!captured_at) packet_->flags |= AV_PKT_FLAG_DISCARD;

  if (const int rc = avcodec_send_packet(context_.get(), packet_.get()); rc < 0) {
    return tl::unexpected(codec_error("decoding", rc));
  }
  return receive(on_picture);
}

Status VideoDecoder::drain(const OnPicture& on_picture) {
  (void)avcodec_send_packet(context_.get(), nullptr);
  auto received = receive(on_picture);
  avcodec_flush_buffers(context_.get());
  return received;
}

Status VideoDecoder::receive(const OnPicture& on_picture) {
  while (true) {
    const int rc = avcodec_receive_frame(context_.get(), frame_.get());
    if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF) return {};
    if (rc < 0) return tl::unexpected(codec_error("decoding", rc));
    frame_->pts = frame_->best_effort_timestamp;
    auto taken = frame_->pts == AV_NOPTS_VALUE ? Status{} : on_picture(*frame_);
    av_frame_unref(frame_.get());
    if (!taken) return taken;
  }
}

}  // namespace vitrine::capture
