// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "capture/worker/av_handles.h"
#include "capture/worker/codecs.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::capture {

/// Decodes one microphone's packets. Thread: the stream's.
class SoundDecoder {
 public:
  /// `caps`: as the last GStreamer element gives them: rate, channels, codec data.
  static Result<std::unique_ptr<SoundDecoder>> create(const Codec& codec, const GstCaps* caps);

  /// What comes out of one packet goes to `on_block`, with the capture time of its first sample in
  /// AVFrame::pts. Errors: kProtocol when the bytes are no valid sound (the next packet may be), or what
  /// `on_block` returned.
  Status decode(std::span<const uint8_t> bytes, MediaTime captured_at,
                const std::function<Status(const AVFrame&)>& on_block);

 private:
  SoundDecoder(AvCodecContextPtr context, AvPacketPtr packet, AvFramePtr frame)
      : context_(std::move(context)), packet_(std::move(packet)), frame_(std::move(frame)) {}

  AvCodecContextPtr context_;
  AvPacketPtr packet_;
  AvFramePtr frame_;
};

}  // namespace vitrine::capture
