// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/audio_block.h"
#include "core/error.h"
#include "core/shared_memory.h"

namespace vitrine {

/// Sound crosses from a source worker to the studio in one memfd that is addressed by time: the sample that
/// sounds at time t of CLOCK_MONOTONIC lies at sample_index(t) modulo the capacity. So a reader needs no
/// cursor, several programs read the same microphone, and clock drift is corrected once, by the writer, who
/// knows both clocks.
class SoundRingWriter {
 public:
  static Result<SoundRingWriter> create();
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Interleaved stereo from sample `begin` on. A gap since the last write becomes silence; what overlaps it
  /// is ignored. Thread: one at a time.
  void write(int64_t begin, std::span<const float> interleaved);

  /// First sample that has not been written.
  [[nodiscard]] int64_t end() const { return end_; }

 private:
  SoundRingWriter(UniqueFd fd, Mapping mapping);
  UniqueFd fd_;
  Mapping mapping_;
  int64_t end_ = 0;
};

class SoundRingReader {
 public:
  static Result<std::shared_ptr<SoundRingReader>> open(UniqueFd fd);

  /// Adds samples [begin, begin + out.size()/2), times `gain`, to `out`. Returns how many samples per channel
  /// were there; the rest is left as it was. Not-a-numbers and infinities count as silence. Thread: any.
  /// Never blocks.
  int mix_into(int64_t begin, float gain, std::span<float> out) const;

  /// First sample that has not been written; 0 before the first write.
  [[nodiscard]] int64_t end() const;

 private:
  explicit SoundRingReader(Mapping mapping) : mapping_(std::move(mapping)) {}
  Mapping mapping_;
};

}  // namespace vitrine
