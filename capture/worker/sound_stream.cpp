// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/sound_stream.h"

#include <algorithm>

#include <fmt/format.h>
#include <gst/audio/audio.h>

namespace vitrine::capture {
namespace {

constexpr MediaTime kOldestCapture = std::chrono::seconds(2);

}  // namespace

SoundStream::SoundStream(Channel& channel, Pace pace)
    : pace_(pace),
      notice_(channel, "sound"),
      corrector_([this](int64_t begin, std::span<const float> interleaved) {
        ring_->write(begin, interleaved);
        meter_.add(sample_time(begin), interleaved);
      }) {
}

Status SoundStream::open(const GstCaps* caps) {
  decoder_.reset();
  if (gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-raw") != FALSE) {
    codec_name_ = "raw";
  } else {
    const Codec* codec = codec_for_caps(StreamKind::kSound, caps);
    if (codec == nullptr) return fail(ErrorCode::kUnsupportedFormat, "no decoder for " + to_text(caps));
    auto decoder = SoundDecoder::create(*codec, caps);
    if (!decoder) return tl::unexpected(decoder.error());
    decoder_ = std::move(*decoder);
    codec_name_ = codec->name;
  }
  caps_.reset(gst_caps_copy(caps));
  return {};
}

Status SoundStream::take(const StreamSample& sample) {
  if (!ring_) {
    auto ring = SoundRingWriter::create();
    if (!ring) return tl::unexpected(ring.error());
    ring_.emplace(std::move(*ring));
  }
  if (!caps_ || gst_caps_is_equal(caps_.get(), sample.caps) == FALSE) {
    if (auto opened = open(sample.caps); !opened) return opened;
  }
  if (!sample.captured_at) return {};
  if (!decoder_) return take_raw(sample);

  const BufferMap map(sample.buffer);
  if (!map.is_mapped()) return fail(ErrorCode::kIo, "a buffer can't be read");
  const auto continuity =
      sample.is_after_gap ? DriftCorrector::Continuity::kAfterGap : DriftCorrector::Continuity::kContinuous;
  Status written;
  // A packet that is no sound is silence where it would have been.
  (void)decoder_->decode({map.data(), map.size()}, *sample.captured_at, [&](const AVFrame& block) -> Status {
    written = write(block, MediaTime{block.pts}, continuity);
    return written;
  });
  return written;
}

Status SoundStream::take_raw(const StreamSample& sample) {
  GstAudioInfo info;
  const BufferMap map(sample.buffer);
  if (gst_audio_info_from_caps(&info, sample.caps) == FALSE || !map.is_mapped()) {
    return fail(ErrorCode::kUnsupportedFormat, "raw sound that can't be read: " + to_text(sample.caps));
  }
  const AvFramePtr block(av_frame_alloc());
  if (!block) return fail(ErrorCode::kIo, "no memory for sound");
  block->format = AV_SAMPLE_FMT_FLT;  // the sink's caps accept nothing else
  block->sample_rate = GST_AUDIO_INFO_RATE(&info);
  av_channel_layout_default(&block->ch_layout, GST_AUDIO_INFO_CHANNELS(&info));
  block->nb_samples = static_cast<int>(map.size() / GST_AUDIO_INFO_BPF(&info));
  block->data[0] = const_cast<uint8_t*>(map.data());
  block->extended_data = block->data;
  return write(
      *block, *sample.captured_at,
      sample.is_after_gap ? DriftCorrector::Continuity::kAfterGap : DriftCorrector::Continuity::kContinuous);
}

Status SoundStream::write(const AVFrame& block, MediaTime captured_at,
                          DriftCorrector::Continuity continuity) {
  keep_pace(pace_, captured_at);
  const MediaTime now = steady_now();
  if (auto pushed = corrector_.push(block, std::clamp(captured_at, now - kOldestCapture, now), continuity);
      !pushed)
    return pushed;
  ++blocks_;
  std::string format =
      fmt::format("{} {} Hz {} ch", codec_name_, block.sample_rate, block.ch_layout.nb_channels);
  if (format != described_for_) {
    described_for_ = format;
    const std::lock_guard lock(mutex_);
    description_ = std::move(format);
  }
  return notice_.send(ring_->fd());
}

std::string SoundStream::describe() const {
  const std::lock_guard lock(mutex_);
  return description_;
}

}  // namespace vitrine::capture
