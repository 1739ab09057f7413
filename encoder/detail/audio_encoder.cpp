// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/audio_encoder.h"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include "core/audio_block.h"

namespace vitrine::encoder::detail {

Result<AudioEncoder> AudioEncoder::create(int bitrate_kbps) {
  const AVCodec* const aac = avcodec_find_encoder_by_name("aac");
  if (aac == nullptr) return fail(ErrorCode::kEncodeFailed, "libavcodec was built without its AAC encoder");
  AudioEncoder encoder;
  encoder.codec_.reset(avcodec_alloc_context3(aac));
  encoder.frame_.reset(av_frame_alloc());
  encoder.packet_.reset(av_packet_alloc());
  if (!encoder.codec_ || !encoder.frame_ || !encoder.packet_) {
    return fail(ErrorCode::kEncodeFailed, "aac: out of memory");
  }
  AVCodecContext& codec = *encoder.codec_;
  codec.sample_fmt = AV_SAMPLE_FMT_FLTP;
  codec.sample_rate = kAudioRateHz;
  av_channel_layout_default(&codec.ch_layout, kAudioChannels);
  codec.time_base = {1, kAudioRateHz};
  codec.bit_rate = int64_t{bitrate_kbps} * 1000;
  codec.profile = FF_PROFILE_AAC_LOW;
  codec.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  const auto ok = av_status(ErrorCode::kEncodeFailed, "opening aac", avcodec_open2(&codec, aac, nullptr));
  if (!ok) return tl::unexpected(ok.error());
  encoder.specific_config_ = std::make_shared<const Bytes>(extradata(codec));
  return encoder;
}

Status AudioEncoder::encode(const std::vector<float>& samples, const Output& output) {
  waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  return encode_whole_frames(output);
}

Status AudioEncoder::encode_whole_frames(const Output& output) {
  const size_t frame_values = static_cast<size_t>(packet_samples()) * kAudioChannels;
  size_t done = 0;
  Status ok;
  for (; ok && done + frame_values <= waiting_.size(); done += frame_values) {
    ok = encode_frame(waiting_.data() + done);
    if (ok) ok = give(output);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(done));
  return ok;
}

Status AudioEncoder::encode_frame(const float* samples) {
  frame_->format = AV_SAMPLE_FMT_FLTP;
  frame_->nb_samples = packet_samples();
  av_channel_layout_copy(&frame_->ch_layout, &codec_->ch_layout);
  frame_->pts = next_pts_;
  next_pts_ += packet_samples();
  auto ok = av_status(ErrorCode::kEncodeFailed, "aac frame", av_frame_get_buffer(frame_.get(), 0));
  if (!ok) return ok;
  for (int channel = 0; channel < kAudioChannels; ++channel) {
    auto* const plane = reinterpret_cast<float*>(frame_->extended_data[channel]);
    for (int i = 0; i < packet_samples(); ++i)
      plane[i] = samples[static_cast<ptrdiff_t>(i) * kAudioChannels + channel];
  }
  ok = av_status(ErrorCode::kEncodeFailed, "aac", avcodec_send_frame(codec_.get(), frame_.get()));
  av_frame_unref(frame_.get());
  return ok;
}

Status AudioEncoder::drain(const Output& output) {
  if (!waiting_.empty()) {
    waiting_.resize(static_cast<size_t>(packet_samples()) * kAudioChannels, 0.0F);
    if (auto ok = encode_whole_frames(output); !ok) return ok;
  }
  const auto ok = av_status(ErrorCode::kEncodeFailed, "aac", avcodec_send_frame(codec_.get(), nullptr));
  return ok ? give(output) : ok;
}

Status AudioEncoder::give(const Output& output) {
  while (true) {
    const int rc = avcodec_receive_packet(codec_.get(), packet_.get());
    if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF) return {};
    if (const auto ok = av_status(ErrorCode::kEncodeFailed, "aac", rc); !ok) return ok;
    output({Bytes(packet_->data, packet_->data + packet_->size), packet_->pts + priming_samples()});
    av_packet_unref(packet_.get());
  }
}

}  // namespace vitrine::encoder::detail
