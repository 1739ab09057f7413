// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/audio_block.h"
#include "core/config.h"
#include "core/latest_slot.h"
#include "core/video_frame.h"
#include "overlay/tile_spec.h"
#include "studio/compositor.h"
#include "studio/plan.h"
#include "studio/sound_mixer.h"

namespace vitrine::studio {

/// What a broadcast takes from its program. Both calls must return at once.
struct ProgramSink {
  std::function<void(ConstVideoFrame)> push_video;
  std::function<void(AudioBlock)> push_audio;
};

struct EngineStats {
  int64_t frames = 0;     // since start
  int64_t late = 0;       // drawn more than one frame after their time
  int64_t repeated = 0;   // no canvas was free: the last picture again
  int64_t skipped = 0;    // frames that were never put out: the box slept or was stopped for over a second
  double fps = 0;         // of the last ten seconds
  double compose_ms = 0;  // median of the last ten seconds
  double compose_p95_ms = 0;
  MediaTime picture_age{};
  float sound_peak_db = -100;
  int64_t missing_samples = 0;
};

/// One program: a canvas, a clock that never stops, and whoever takes its frames while it is on air.
/// Its thread composes frame n at start + n/fps. It waits for nothing but that time.
class ProgramEngine {
 public:
  /// A change of what is on screen, in the frame that first shows it. `pts` is session time; nullopt while
  /// off air.
  struct Change {
    std::shared_ptr<const Plan> plan;
    Visible visible;
    std::optional<MediaTime> pts;
    uint64_t frame = 0;  // of the session; 0 while off air
    Instant instant{};
  };

  struct Config {
    ProgramConfig program;
    std::function<std::shared_ptr<const overlay::TileSet>()> tiles;
    std::function<void(Change)> on_change;  // program thread; must return at once
  };

  explicit ProgramEngine(Config config);
  ~ProgramEngine();
  ProgramEngine(const ProgramEngine&) = delete;
  ProgramEngine& operator=(const ProgramEngine&) = delete;

  void start();

  /// Thread: any, for all below.
  void set_plan(std::shared_ptr<const Plan> plan) { plan_.store(std::move(plan)); }
  [[nodiscard]] std::shared_ptr<const Plan> plan() const { return plan_.load(); }
  /// From the next frame on, which becomes frame 0 of the session; nullptr ends it.
  void set_sink(std::shared_ptr<const ProgramSink> sink) { sink_.store(std::move(sink)); }
  /// The last frame put out; null before the first.
  [[nodiscard]] std::shared_ptr<const ConstVideoFrame> last_frame() const { return last_frame_.load(); }
  [[nodiscard]] std::shared_ptr<const Change> last_change() const { return last_change_.load(); }
  [[nodiscard]] EngineStats stats() const;
  [[nodiscard]] int64_t frames() const { return frames_.load(std::memory_order_relaxed); }

 private:
  void run(const std::stop_token& stop);
  void put_out_frame(MediaTime now);
  void push_sound(const Plan& plan, MediaTime now);
  void note_change(const std::shared_ptr<const Plan>& plan, const Visible& visible, MediaTime now);

  const Config config_;
  LatestSlot<Plan> plan_;
  LatestSlot<ProgramSink> sink_;
  LatestSlot<ConstVideoFrame> last_frame_;
  LatestSlot<Change> last_change_;
  std::atomic<int64_t> frames_ = 0;
  std::atomic<int64_t> late_ = 0;
  std::atomic<int64_t> repeated_ = 0;
  std::atomic<int64_t> skipped_ = 0;
  std::atomic<int64_t> picture_age_ns_ = 0;

  // The program thread's own.
  FramePool pool_;
  Compositor compositor_;
  SoundMixer sound_mixer_;
  std::shared_ptr<const ProgramSink> session_;
  uint64_t session_frame_ = 0;
  int64_t sound_begin_ = 0;     // capture sample of session sample 0
  int64_t sound_position_ = 0;  // session samples pushed so far
  std::optional<Visible> last_visible_;

  mutable std::mutex times_mutex_;
  // Of the last ten seconds; guarded by times_mutex_.
  std::deque<float> compose_ms_;
  std::deque<MediaTime> put_out_at_;

  std::jthread thread_;  // last: stops before the rest goes
};

}  // namespace vitrine::studio
