// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/fragment_muxer.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
}

#include <algorithm>

namespace vitrine::encoder::detail {
namespace {

constexpr int kIoBufferBytes = 64 * 1024;

}  // namespace

int FragmentMuxer::write(void* opaque, uint8_t* bytes, int count) {
  auto& written = static_cast<FragmentMuxer*>(opaque)->written_;
  written.insert(written.end(), bytes, bytes + count);
  return count;
}

Result<std::unique_ptr<FragmentMuxer>> FragmentMuxer::create(const StreamInfo& info, MediaTime base) {
  route_libav_log();
  std::unique_ptr<FragmentMuxer> muxer(new FragmentMuxer(base));
  if (const auto ok = muxer->open(info); !ok) return tl::unexpected(ok.error().with_context("mp4"));
  return muxer;
}

FragmentMuxer::~FragmentMuxer() {
  if (context_ == nullptr) return;
  if (context_->pb != nullptr) {
    av_freep(&context_->pb->buffer);
    avio_context_free(&context_->pb);
  }
  avformat_free_context(context_);
}

Status FragmentMuxer::open(const StreamInfo& info) {
  frame_rate_ = info.frame_rate;
  packet_.reset(av_packet_alloc());
  auto ok = av_status(ErrorCode::kIo, "avformat_alloc_output_context2",
                      avformat_alloc_output_context2(&context_, nullptr, "mp4", nullptr));
  if (!ok) return ok;
  auto* const buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  if (buffer == nullptr || !packet_) return fail(ErrorCode::kIo, "out of memory");
  context_->pb = avio_alloc_context(buffer, kIoBufferBytes, 1, this, nullptr, &FragmentMuxer::write, nullptr);
  for (int i = 0; i < 2; ++i) {
    if (avformat_new_stream(context_, nullptr) == nullptr) return fail(ErrorCode::kIo, "out of memory");
  }
  AVStream& video = *context_->streams[0];
  video.time_base = {info.frame_rate.den, info.frame_rate.num};
  video.avg_frame_rate = {info.frame_rate.num, info.frame_rate.den};
  video.codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
  video.codecpar->codec_id = AV_CODEC_ID_H264;
  video.codecpar->width = info.size.width;
  video.codecpar->height = info.size.height;
  video.codecpar->bit_rate = info.video_bitrate_bps;
  if (ok = add_stream(*video.codecpar, *info.video_config); !ok) return ok;
  AVStream& audio = *context_->streams[1];
  audio.time_base = {1, info.audio_rate_hz};
  audio.codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
  audio.codecpar->codec_id = AV_CODEC_ID_AAC;
  audio.codecpar->sample_rate = info.audio_rate_hz;
  audio.codecpar->bit_rate = info.audio_bitrate_bps;
  av_channel_layout_default(&audio.codecpar->ch_layout, info.audio_channels);
  if (ok = add_stream(*audio.codecpar, *info.audio_config); !ok) return ok;

  context_->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
  AvDict options;
  options.set("movflags", "+empty_moov+default_base_moof+frag_custom+skip_trailer");
  if (ok = av_status(ErrorCode::kIo, "avformat_write_header", avformat_write_header(context_, options.out()));
      !ok)
    return ok;
  if (ok = options.all_used("mp4"); !ok) return ok;
  avio_flush(context_->pb);
  header_ = std::exchange(written_, {});
  return {};
}

Status FragmentMuxer::add_stream(AVCodecParameters& parameters, const Bytes& config) {
  parameters.extradata = static_cast<uint8_t*>(av_mallocz(config.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (parameters.extradata == nullptr) return fail(ErrorCode::kIo, "out of memory");
  std::ranges::copy(config, parameters.extradata);
  parameters.extradata_size = static_cast<int>(config.size());
  return {};
}

int64_t FragmentMuxer::to_track_time(PacketKind kind, MediaTime time) const {
  const AVStream& stream = stream_of(kind);
  if (kind == PacketKind::kAudio)
    return rescale((time - base_).count(), kNanoseconds, {1, stream.time_base.den});
  // By way of the frame's number: exact, although a frame is no whole number of nanoseconds.
  const int64_t frame = rescale((time - base_).count(), kNanoseconds, {frame_rate_.den, frame_rate_.num});
  return av_rescale_q(frame, {frame_rate_.den, frame_rate_.num}, stream.time_base);
}

Status FragmentMuxer::add(const Packet& packet) {
  // The muxer copies the bytes; it is only lent them.
  packet_->data = const_cast<uint8_t*>(packet.bytes->data());
  packet_->size = static_cast<int>(packet.bytes->size());
  packet_->stream_index = packet.kind == PacketKind::kVideo ? 0 : 1;
  packet_->pts = to_track_time(packet.kind, packet.pts);
  packet_->dts = to_track_time(packet.kind, packet.dts);
  packet_->duration = to_track_time(packet.kind, packet.dts + packet.duration) - packet_->dts;
  packet_->flags = packet.is_keyframe ? AV_PKT_FLAG_KEY : 0;
  const int rc = av_write_frame(context_, packet_.get());
  av_packet_unref(packet_.get());
  return av_status(ErrorCode::kIo, "mp4", rc);
}

Result<Bytes> FragmentMuxer::take_fragment() {
  const auto ok = av_status(ErrorCode::kIo, "mp4 fragment", av_write_frame(context_, nullptr));
  if (!ok) return tl::unexpected(ok.error());
  avio_flush(context_->pb);
  return std::exchange(written_, {});
}

}  // namespace vitrine::encoder::detail
