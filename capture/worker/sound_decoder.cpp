// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/sound_decoder.h"

#include <cstring>

#include <fmt/format.h>

extern "C" {
#include <libavutil/channel_layout.h>
}

namespace vitrine::capture {
namespace {

int field_or(const GstStructure* structure, const char* name, int fallback) {
  int value = 0;
  return gst_structure_get_int(structure, name, &value) != FALSE ? value : fallback;
}

}  // namespace

Result<std::unique_ptr<SoundDecoder>> SoundDecoder::create(const Codec& codec, const GstCaps* caps) {
  const AVCodec* decoder = avcodec_find_decoder(codec.id);
  if (decoder == nullptr) {
    return fail(ErrorCode::kUnsupportedFormat,
                fmt::format("this libavcodec has no decoder for {}", codec.name));
  }
  AvCodecContextPtr context(avcodec_alloc_context3(decoder));
  AvPacketPtr packet(av_packet_alloc());
  AvFramePtr frame(av_frame_alloc());
  if (!context || !packet || !frame) return fail(ErrorCode::kIo, "no memory for a decoder");
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  // G.711 says nothing of itself; telephony's 8 kHz mono is what a camera means that doesn't either. Opus is
  // always 48 kHz.
  const bool is_opus = codec.id == AV_CODEC_ID_OPUS;
  context->sample_rate = field_or(structure, "rate", is_opus ? 48'000 : 8'000);
  av_channel_layout_default(&context->ch_layout, field_or(structure, "channels", is_opus ? 2 : 1));
  context->pkt_timebase = {1, 1'000'000'000};
  if (auto set = set_codec_data(caps, *context); !set) return tl::unexpected(set.error());
  if (const int rc = avcodec_open2(context.get(), decoder, nullptr); rc < 0) {
    return fail(ErrorCode::kUnsupportedFormat,
                fmt::format("{}: avcodec_open2: {}", codec.name, av_error_text(rc)), rc);
  }
  return std::unique_ptr<SoundDecoder>(
      new SoundDecoder(std::move(context), std::move(packet), std::move(frame)));
}

Status SoundDecoder::decode(std::span<const uint8_t> bytes, MediaTime captured_at,
                            const std::function<Status(const AVFrame&)>& on_block) {
  av_packet_unref(packet_.get());
  if (av_new_packet(packet_.get(), static_cast<int>(bytes.size())) < 0)
    return fail(ErrorCode::kIo, "no memory for a packet");
  std::memcpy(packet_->data, bytes.data(), bytes.size());
  packet_->pts = captured_at.count();
  if (const int rc = avcodec_send_packet(context_.get(), packet_.get()); rc < 0) {
    return fail(ErrorCode::kProtocol, "decoding sound: " + av_error_text(rc), rc);
  }
  while (true) {
    const int rc = avcodec_receive_frame(context_.get(), frame_.get());
    if (rc == AVERROR(EAGAIN)) return {};
    if (rc < 0) return fail(ErrorCode::kProtocol, "decoding sound: " + av_error_text(rc), rc);
    if (frame_->pts == AV_NOPTS_VALUE) frame_->pts = captured_at.count();
    auto taken = on_block(*frame_);
    captured_at += MediaTime{rescale(frame_->nb_samples, {1, frame_->sample_rate}, kNanoseconds)};
    av_frame_unref(frame_.get());
    if (!taken) return taken;
  }
}

}  // namespace vitrine::capture
