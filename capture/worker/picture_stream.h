// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "capture/worker/picture_writer.h"
#include "capture/worker/stream_sink.h"
#include "capture/worker/video_decoder.h"

namespace vitrine::capture {

/// A camera's stream, encoded or raw, all the way into the frame ring.
class PictureStream : public StreamConsumer {
 public:
  PictureStream(Channel& channel, Pace pace) : pace_(pace), writer_(channel) {}

  Status take(const StreamSample& sample) override;
  Status finish() override;
  [[nodiscard]] std::string describe() const override;

  // Thread: any.
  [[nodiscard]] const PictureWriter& writer() const { return writer_; }
  [[nodiscard]] int64_t units() const { return units_; }              // access units that arrived
  [[nodiscard]] int64_t undecodable() const { return undecodable_; }  // of them, refused by the decoder

 private:
  Status open(const GstCaps* caps);
  Status take_raw(const StreamSample& sample);
  Status take_encoded(const StreamSample& sample);
  Status write(const AVFrame& frame, MediaTime captured_at);

  const Pace pace_;
  PictureWriter writer_;
  // Streaming thread only:
  GstCapsPtr caps_;
  std::unique_ptr<VideoDecoder> decoder_;  // null for raw pictures
  std::string codec_name_;
  std::string described_for_;
  MediaTime shown_at_{};

  std::atomic<int64_t> units_{0};
  std::atomic<int64_t> undecodable_{0};
  mutable std::mutex mutex_;
  std::string description_;  // guarded by mutex_
};

}  // namespace vitrine::capture
