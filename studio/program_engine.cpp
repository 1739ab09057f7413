// SPDX-License-Identifier: Apache-2.0
#include "studio/program_engine.h"

#include <algorithm>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "core/log.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

/// Canvases: one being drawn, one shown by snapshots, the rest on their way through the encoder.
constexpr int kCanvases = 8;

/// Sound is read this long after it sounded: network cameras deliver it in blocks of up to 64 ms (1024
/// samples at 16 kHz) behind up to 100 ms of jitter buffer. It costs some 40 ms of latency: the
/// picture needs 180 ms through x264.
constexpr MediaTime kSoundWait = 200ms;

/// A stop longer than this (suspend, a debugger) is not made up for frame by frame.
constexpr MediaTime kMaxCatchUp = 1s;

constexpr MediaTime kStatsWindow = 10s;

void sleep_until(MediaTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const timespec deadline{static_cast<time_t>(seconds.count()), static_cast<long>((time - seconds).count())};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

/// A frame must not wait for x264's threads to use up their time slice. Where the unit allows no real-time
/// priority (LimitRTPRIO), the show goes on without.
void ask_for_priority(const std::string& program) {
  const sched_param parameters{.sched_priority = 5};
  if (::pthread_setschedparam(::pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &parameters) != 0) {
    log::info("program", "{}: no real-time priority allowed; going on at normal priority", program);
  }
}

}  // namespace

ProgramEngine::ProgramEngine(Config config)
    : config_(std::move(config)), pool_(config_.program.size, kCanvases), compositor_(config_.program.size) {
}

ProgramEngine::~ProgramEngine() = default;

void ProgramEngine::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  ::pthread_setname_np(thread_.native_handle(), ("prog-" + config_.program.id).substr(0, 15).c_str());
}

void ProgramEngine::run(const std::stop_token& stop) {
  ask_for_priority(config_.program.id);
  const auto rate = config_.program.frame_rate;
  const MediaTime frame_duration = frame_time(1, rate);
  const MediaTime start = steady_now();
  for (int64_t index = 0; !stop.stop_requested(); ++index) {
    MediaTime time = start + frame_time(index, rate);
    sleep_until(time);
    const MediaTime lateness = steady_now() - time;
    if (lateness > kMaxCatchUp) {
      const int64_t missed = lateness / frame_duration;
      skipped_.fetch_add(missed, std::memory_order_relaxed);
      log::warning("program", "{}: {} frames were not put out: the program was stopped for {} ms",
                   config_.program.id, missed, lateness / 1ms);
      index += missed;
      session_frame_ += static_cast<uint64_t>(missed);
      time = start + frame_time(index, rate);
    } else if (lateness > frame_duration) {
      late_.fetch_add(1, std::memory_order_relaxed);
    }
    put_out_frame(time);
  }
}

void ProgramEngine::put_out_frame(MediaTime now) {
  const auto plan = plan_.load();
  if (!plan) return;
  if (auto sink = sink_.load(); sink != session_) {
    session_ = std::move(sink);
    session_frame_ = 0;
    sound_begin_ = sample_index(now - compositor_.picture_age());
    sound_position_ = 0;
    last_visible_.reset();  // a session's records begin with what it begins with
  }
  const MediaTime pts = frame_time(static_cast<int64_t>(session_frame_), config_.program.frame_rate);
  ConstVideoFrame frame;
  if (auto canvas = pool_.acquire()) {
    const auto tiles = config_.tiles();
    const MediaTime began = steady_now();
    const Visible visible = compositor_.compose(canvas->picture(), *plan, *tiles, now);
    const float took_ms = std::chrono::duration<float, std::milli>(steady_now() - began).count();
    {
      const std::lock_guard lock(times_mutex_);
      compose_ms_.push_back(took_ms);
      if (compose_ms_.size() > put_out_at_.size() + 1) compose_ms_.pop_front();
    }
    picture_age_ns_.store(compositor_.picture_age().count(), std::memory_order_relaxed);
    frame = ConstVideoFrame(std::move(*canvas), pts, session_frame_);
    if (visible != last_visible_) note_change(plan, visible, now);
  } else if (const auto last = last_frame_.load()) {
    repeated_.fetch_add(1, std::memory_order_relaxed);
    frame = last->repeated(pts, session_frame_);
  }
  if (frame.is_empty()) return;
  last_frame_.store(std::make_shared<const ConstVideoFrame>(frame));
  if (session_) {
    session_->push_video(std::move(frame));
    push_sound(*plan, now);
  }
  ++session_frame_;
  frames_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(times_mutex_);
  put_out_at_.push_back(steady_now());
  while (put_out_at_.front() < put_out_at_.back() - kStatsWindow) put_out_at_.pop_front();
}

void ProgramEngine::push_sound(const Plan& plan, MediaTime now) {
  const int64_t end = sample_index(now - kSoundWait) - sound_begin_;
  if (end <= sound_position_) return;
  const auto count = static_cast<int>(std::min<int64_t>(end - sound_position_, kAudioRateHz));
  const MediaTime pts{rescale(sound_position_, {1, kAudioRateHz}, kNanoseconds)};
  session_->push_audio(sound_mixer_.mix(plan.microphones, sound_begin_ + sound_position_, count, pts));
  sound_position_ += count;
}

void ProgramEngine::note_change(const std::shared_ptr<const Plan>& plan, const Visible& visible,
                                MediaTime now) {
  last_visible_ = visible;
  Change change{plan, visible, std::nullopt, session_frame_, plan->clock.at(now)};
  if (session_) {
    change.pts = frame_time(static_cast<int64_t>(session_frame_), config_.program.frame_rate);
  } else {
    change.frame = 0;
  }
  last_change_.store(std::make_shared<const Change>(change));
  if (config_.on_change) config_.on_change(std::move(change));
}

EngineStats ProgramEngine::stats() const {
  EngineStats stats;
  stats.frames = frames_.load(std::memory_order_relaxed);
  stats.late = late_.load(std::memory_order_relaxed);
  stats.repeated = repeated_.load(std::memory_order_relaxed);
  stats.skipped = skipped_.load(std::memory_order_relaxed);
  stats.picture_age = MediaTime{picture_age_ns_.load(std::memory_order_relaxed)};
  stats.sound_peak_db = sound_mixer_.peak_db();
  stats.missing_samples = sound_mixer_.missing_samples();
  std::vector<float> times;
  {
    const std::lock_guard lock(times_mutex_);
    times.assign(compose_ms_.begin(), compose_ms_.end());
    if (put_out_at_.size() > 1) {
      // Measured to now, so that it falls when the program stands still.
      const auto span = std::max(steady_now(), put_out_at_.back()) - put_out_at_.front();
      stats.fps = static_cast<double>(put_out_at_.size() - 1) / std::chrono::duration<double>(span).count();
    }
  }
  if (!times.empty()) {
    std::ranges::sort(times);
    stats.compose_ms = static_cast<double>(times[times.size() / 2]);
    stats.compose_p95_ms = static_cast<double>(times[times.size() * 95 / 100]);
  }
  return stats;
}

}  // namespace vitrine::studio
