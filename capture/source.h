// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/source_protocol.h"
#include "core/config.h"
#include "core/error.h"
#include "core/event_loop.h"
#include "core/frame_ring.h"
#include "core/latest_slot.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/sound_ring.h"
#include "core/source_address.h"
#include "core/worker.h"

namespace vitrine::capture {

struct SourceConfig {
  std::string id;
  SourceAddress address;  // v4l2: a device path; who resolves v4l2:auto and serial=… is hw/
  CameraConfig::Transport transport = CameraConfig::Transport::kTcp;
  Secret login;  // "user:password"; empty: none
  bool wants_picture = true;
  bool wants_sound = false;
};

struct SourceStatus {
  enum class State {
    kStopped = 0,
    kStarting,  // the worker runs and nothing has come yet
    kLive,      // pictures come; from a source without a picture, sound
    kNoSignal,  // the worker runs, and what came has stopped
    kWaiting,   // the worker is dead; last_error says why, the next one starts by itself
  };
  State state = State::kStopped;
  SourceReport report;                 // what the worker last said of itself
  std::optional<MediaTime> frame_age;  // since the newest picture was captured
  std::optional<MediaTime> sound_age;  // since the newest sample sounded
  int restarts = 0;
  int pid = 0;
  Error last_error;  // of the last end; its code is kUnknown while none happened
};
std::string_view to_string(SourceStatus::State state);

/// One camera, microphone or both, read by a supervised `vitrine-source` process that may hang, crash or be
/// taken over: whatever it does, this half goes on, says what is wrong, and has a new worker running. Thread:
/// the loop's, but for latest_frame() and sound().
class Source {
 public:
  Source(EventLoop& loop, std::filesystem::path executable, SourceConfig config);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void start();
  /// Starts the next worker now instead of at the end of its wait: the device came, the network is back.
  void retry_now();
  /// The camera came back under another device path: this is what the next worker opens.
  void set_address(SourceAddress address);

  /// The newest picture; nullopt before the first and while the worker is dead. A stalled worker's last
  /// picture stays: look at captured_at. Thread: any. Never blocks.
  [[nodiscard]] std::optional<CameraFrame> latest_frame() const;
  /// Null before the first sound and while the worker is dead. Thread: any.
  [[nodiscard]] std::shared_ptr<const SoundRingReader> sound() const { return sound_.load(); }

  [[nodiscard]] SourceStatus status() const;
  [[nodiscard]] const std::string& id() const { return config_.id; }

 private:
  void send_request();
  Status take_message(Channel::Message message);
  void forget(const Error& cause, std::chrono::milliseconds retry_in);

  SourceConfig config_;
  LatestSlot<FrameRingReader> frames_;
  LatestSlot<SoundRingReader> sound_;
  SourceReport report_;
  bool is_announced_ = false;  // that this worker delivers, in the log
  std::string last_logged_;
  log::Limiter end_log_;
  Worker worker_;  // last: its callbacks touch the rest
};

}  // namespace vitrine::capture
