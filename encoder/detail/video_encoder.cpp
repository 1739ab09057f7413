// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/video_encoder.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "encoder/avc_config.h"

namespace vitrine::encoder::detail {
namespace {

using Storage = std::shared_ptr<const void>;

void release_storage(void* opaque, uint8_t*) {
  const std::unique_ptr<Storage> owner(static_cast<Storage*>(opaque));
}

/// The frame's pixels as libav sees them: its reference count keeps ours.
Status wrap(const ConstVideoFrame& frame, AVFrame& out) {
  const auto& picture = frame.picture();
  auto owner = std::make_unique<Storage>(frame.storage());
  const size_t luma_bytes = static_cast<size_t>(picture.y.stride_bytes) * picture.size.height;
  out.buf[0] = av_buffer_create(const_cast<uint8_t*>(picture.y.data), luma_bytes, &release_storage,
                                owner.get(), AV_BUFFER_FLAG_READONLY);
  if (out.buf[0] == nullptr) return fail(ErrorCode::kEncodeFailed, "av_buffer_create: out of memory");
  static_cast<void>(owner.release());
  out.format = AV_PIX_FMT_YUV420P;
  out.width = picture.size.width;
  out.height = picture.size.height;
  int plane = 0;
  for (const auto& view : {picture.y, picture.u, picture.v}) {
    out.data[plane] = const_cast<uint8_t*>(view.data);
    out.linesize[plane] = view.stride_bytes;
    ++plane;
  }
  return {};
}

/// Frame threads: one frame of delay each beyond the first, no loss of quality. Two hold 1080p30 on the
/// smallest box.
int thread_count() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 2, 4);
}

void set_parameters(const VideoEncoderConfig& config, AVCodecContext& codec) {
  codec.width = config.size.width;
  codec.height = config.size.height;
  codec.sample_aspect_ratio = {1, 1};
  codec.pix_fmt = AV_PIX_FMT_YUV420P;
  codec.color_range = AVCOL_RANGE_MPEG;
  codec.color_primaries = AVCOL_PRI_BT709;
  codec.color_trc = AVCOL_TRC_BT709;
  codec.colorspace = AVCOL_SPC_BT709;
  codec.chroma_sample_location = AVCHROMA_LOC_LEFT;
  codec.framerate = {config.frame_rate.num, config.frame_rate.den};
  codec.time_base = {config.frame_rate.den, config.frame_rate.num};
  codec.bit_rate = int64_t{config.bitrate_kbps} * 1000;
  codec.rc_max_rate = codec.bit_rate;
  codec.rc_buffer_size = config.bitrate_kbps * 1000;  // one second
  codec.gop_size = config.gop_frames;
  codec.max_b_frames = config.b_frames;
  codec.thread_count = thread_count();
  codec.thread_type = FF_THREAD_FRAME;
  codec.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
}

}  // namespace

Result<VideoEncoder> VideoEncoder::create(const VideoEncoderConfig& config) {
  route_libav_log();
  const AVCodec* const x264 = avcodec_find_encoder_by_name("libx264");
  if (x264 == nullptr) return fail(ErrorCode::kEncodeFailed, "libavcodec was built without libx264");
  VideoEncoder encoder;
  encoder.codec_.reset(avcodec_alloc_context3(x264));
  encoder.frame_.reset(av_frame_alloc());
  encoder.packet_.reset(av_packet_alloc());
  if (!encoder.codec_ || !encoder.frame_ || !encoder.packet_) {
    return fail(ErrorCode::kEncodeFailed, "libx264: out of memory");
  }
  set_parameters(config, *encoder.codec_);
  AvDict options;
  options.set("preset", config.preset);
  options.set("forced-idr", "1");
  options.set("nal-hrd", "none");
  // Three frames of lookahead instead of ten: 267 ms less, for figures in docs/adr/0300. annexb=0: lengths
  // instead of start codes.
  options.set("x264-params", "scenecut=0:rc-lookahead=3:sync-lookahead=0:annexb=0");
  const int rc = avcodec_open2(encoder.codec_.get(), x264, options.out());
  if (const auto ok = av_status(ErrorCode::kEncodeFailed, "opening libx264", rc); !ok) {
    return tl::unexpected(
        ok.error().with_context(fmt::format("{}x{} at {} kbit/s, preset {}", config.size.width,
                                            config.size.height, config.bitrate_kbps, config.preset)));
  }
  if (const auto ok = options.all_used("libx264"); !ok) return tl::unexpected(ok.error());
  auto record = make_avc_config(extradata(*encoder.codec_));
  if (!record) return tl::unexpected(record.error().with_context("libx264's parameter sets"));
  encoder.avc_config_ = std::make_shared<const Bytes>(std::move(*record));
  return encoder;
}

Status VideoEncoder::encode(const ConstVideoFrame& frame, int64_t index, PictureType type,
                            const Output& output) {
  if (const auto ok = wrap(frame, *frame_); !ok) return ok;
  frame_->pts = index;
  frame_->pict_type = type == PictureType::kKeyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  const auto ok =
      av_status(ErrorCode::kEncodeFailed, "libx264", avcodec_send_frame(codec_.get(), frame_.get()));
  av_frame_unref(frame_.get());
  return ok ? give(output) : ok;
}

Status VideoEncoder::drain(const Output& output) {
  const auto ok = av_status(ErrorCode::kEncodeFailed, "libx264", avcodec_send_frame(codec_.get(), nullptr));
  return ok ? give(output) : ok;
}

Status VideoEncoder::give(const Output& output) {
  while (true) {
    const int rc = avcodec_receive_packet(codec_.get(), packet_.get());
    if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF) return {};
    if (const auto ok = av_status(ErrorCode::kEncodeFailed, "libx264", rc); !ok) return ok;
    output({Bytes(packet_->data, packet_->data + packet_->size), packet_->pts, packet_->dts,
            (packet_->flags & AV_PKT_FLAG_KEY) != 0});
    av_packet_unref(packet_.get());
  }
}

}  // namespace vitrine::encoder::detail
