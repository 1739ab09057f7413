// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "capture/worker/drift_corrector.h"
#include "capture/worker/ring_notice.h"
#include "capture/worker/sound_decoder.h"
#include "capture/worker/sound_meter.h"
#include "capture/worker/stream_sink.h"
#include "core/sound_ring.h"

namespace vitrine::capture {

/// A microphone's stream, encoded or raw, all the way into the sound ring.
class SoundStream : public StreamConsumer {
 public:
  SoundStream(Channel& channel, Pace pace);

  Status take(const StreamSample& sample) override;
  Status finish() override { return {}; }  // 20 ms at most are held, and the next beginning pushes them out
  [[nodiscard]] std::string describe() const override;

  // Thread: any.
  [[nodiscard]] const SoundMeter& meter() const { return meter_; }
  [[nodiscard]] int64_t blocks() const { return blocks_; }  // that reached the ring

 private:
  Status open(const GstCaps* caps);
  Status take_raw(const StreamSample& sample);
  Status write(const AVFrame& block, MediaTime captured_at, DriftCorrector::Continuity continuity);

  const Pace pace_;
  RingNotice notice_;
  SoundMeter meter_;
  // Streaming thread only:
  std::optional<SoundRingWriter> ring_;
  DriftCorrector corrector_;
  GstCapsPtr caps_;
  std::unique_ptr<SoundDecoder> decoder_;  // null for raw sound
  std::string codec_name_;
  std::string described_for_;

  std::atomic<int64_t> blocks_{0};
  mutable std::mutex mutex_;
  std::string description_;  // guarded by mutex_
};

}  // namespace vitrine::capture
