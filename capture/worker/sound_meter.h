// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "capture/source_protocol.h"
#include "core/audio_block.h"
#include "core/media_time.h"

namespace vitrine::capture {

/// Level of the sound and what is wrong with it: silent (a muted microphone, a pulled cable), clipping.
/// Thread: any.
class SoundMeter {
 public:
  void add(MediaTime begin, std::span<const float> interleaved);

  /// Level of the last half second that arrived, in dB of full scale, by its mean square; kSilenceDb at
  /// least.
  [[nodiscard]] double level_db() const;
  [[nodiscard]] std::vector<std::string_view> warnings(MediaTime now) const;

 private:
  void close_window();

  mutable std::mutex mutex_;
  // All below: guarded by mutex_.
  double square_sum_ = 0;
  int64_t window_samples_ = 0;
  double level_db_ = SourceReport::kSilenceDb;
  std::array<int, kAudioChannels> full_scale_run_{};
  MediaTime first_at_{};      // of all sound; 0 before any
  MediaTime last_loud_at_{};  // newest sample above the silence threshold
  MediaTime last_clip_at_{};
};

}  // namespace vitrine::capture
