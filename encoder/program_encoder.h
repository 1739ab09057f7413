// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/audio_block.h"
#include "core/bounded_queue.h"
#include "core/error.h"
#include "core/packet.h"
#include "core/packet_ring.h"
#include "core/video_frame.h"

namespace vitrine::encoder {

struct EncoderConfig {
  std::string program;  // names the threads and the log lines
  Size size;
  Rational frame_rate;
  int video_kbps = 0;
  int audio_kbps = 0;
  std::string preset = "veryfast";  // x264's
  int keyframe_interval_s = 2;
  int b_frames = 0;  // each delays the whole programme by a frame
};

struct EncoderStats {
  uint64_t frames_in = 0;
  uint64_t frames_out = 0;
  uint64_t frames_dropped = 0;  // x264 was slower than the programme
  uint64_t blocks_dropped = 0;
  MediaTime encode_p50{};  // a frame's time in x264, last 10 s
  MediaTime encode_p95{};
  MediaTime delay_p95{};  // from push_video to the packet ring, last 10 s
  int64_t video_bps = 0;  // last 4 s
  int64_t audio_bps = 0;
  std::optional<Error> last_error;
};

/// One programme: frames and sound in, H.264 and AAC packets in the ring, interleaved by dts.
///
/// Session time: the first frame pushed is frame 0, at pts 0 plus the AAC encoder's priming (and the
/// B-frames' delay); frame n is at exactly n/fps after it, n counted by the frames' sequence numbers, so that
/// a dropped frame is a gap and never a shift. Sound is placed by its own pts relative to frame 0: what is
/// missing becomes silence, what comes twice or lies before frame 0 is cut. A keyframe, closed, every
/// `keyframe_interval_s` of session time; SPS, PPS and AudioSpecificConfig never change.
///
/// Threads: `venc-<program>`, `aenc-<program>` and x264's own.
class ProgramEncoder {
 public:
  /// Errors: kEncodeFailed with libavcodec's reason.
  static Result<std::unique_ptr<ProgramEncoder>> create(const EncoderConfig& config,
                                                        std::shared_ptr<PacketRing> ring);
  ~ProgramEncoder();
  ProgramEncoder(const ProgramEncoder&) = delete;
  ProgramEncoder& operator=(const ProgramEncoder&) = delete;

  [[nodiscard]] const StreamInfo& info() const;

  /// Never block. When the encoder is behind, the oldest waiting frame is dropped, and counted.
  /// Thread: one, the programme's. A tick's frame is pushed before its sound.
  PushResult push_video(ConstVideoFrame frame);
  PushResult push_audio(AudioBlock block);

  /// Encodes what is queued, then closes the ring. Any number of times; the destructor calls it.
  void close();

  /// Thread: any.
  [[nodiscard]] EncoderStats stats() const;

 private:
  class Impl;
  explicit ProgramEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::encoder
