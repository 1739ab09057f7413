// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "core/packet.h"
#include "encoder/detail/libav.h"

namespace vitrine::encoder::detail {

/// Times are counted in samples.
struct CodedSound {
  Bytes bytes;
  int64_t pts =
      0;  // 0 is the first packet, which is priming: sample 0 of the input sounds at priming_samples()
};

/// AAC-LC, 48 kHz stereo, libavcodec's own encoder.
/// Thread: one.
class AudioEncoder {
 public:
  static Result<AudioEncoder> create(int bitrate_kbps);

  using Output = std::function<void(CodedSound)>;
  /// Takes interleaved stereo, as many samples as there are; gives the packets that are ready.
  Status encode(const std::vector<float>& samples, const Output& output);
  /// No sound comes any more: gives the rest.
  Status drain(const Output& output);

  [[nodiscard]] int priming_samples() const { return codec_->initial_padding; }
  [[nodiscard]] int packet_samples() const { return codec_->frame_size; }
  [[nodiscard]] const SharedBytes& specific_config() const { return specific_config_; }

 private:
  AudioEncoder() = default;
  Status encode_whole_frames(const Output& output);
  Status encode_frame(const float* samples);
  Status give(const Output& output);
  AvCodecContextPtr codec_;
  AvFramePtr frame_;
  AvPacketPtr packet_;
  SharedBytes specific_config_;
  std::vector<float> waiting_;  // less than one AAC frame between calls
  int64_t next_pts_ = 0;
};

}  // namespace vitrine::encoder::detail
