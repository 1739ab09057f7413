// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/media_time.h"
#include "core/packet.h"
#include "core/packet_ring.h"
#include "encoder/recording_file.h"

namespace vitrine::encoder {

struct RecorderConfig {
  std::filesystem::path directory;  // files go to <directory>/<program>/<session>/
  std::string program;
  std::string session;
  std::chrono::seconds segment{600};
  OpenRecordingFile open_file = &create_recording_file;
};

/// Times are session times.
struct RecorderEvent {
  enum class Kind {
    kOpened = 0,  // a file is there, and plays from first_pts to last_pts already
    kClosed,      // it is complete and has its index
    kGap,         // nothing was recorded from first_pts to last_pts
    kFailed       // the file, if there is one, ends at last_pts and plays up to there; error
  };
  Kind kind = Kind::kOpened;
  std::filesystem::path file;
  MediaTime first_pts{};
  MediaTime last_pts{};
  uint64_t bytes = 0;
  std::optional<Error> error;
};

struct RecorderStatus {
  enum class State { kWaiting = 0, kRecording, kFailing, kStopped };
  State state = State::kWaiting;
  std::filesystem::path file;
  MediaTime safe_until{};  // all before is on the disk
  uint64_t bytes = 0;      // of all files of this recorder
  uint64_t gaps = 0;
  MediaTime lost{};  // the gaps' length
  std::optional<Error> last_error;
};

/// Writes the programme to segments `<program>-<UTC start>-<NNN>.mp4`. Reads the packet ring through its own
/// cursor in its own thread: a disk that is slow, full or broken is felt by nobody else. A slow one loses
/// whole GOPs from the recording; a full or broken one ends the file where it was good, and every three
/// seconds a new file is tried.
///
/// Threads: `rec-<program>`.
class Recorder {
 public:
  using OnEvent = std::function<void(const RecorderEvent&)>;

  /// `on_event` is called from the recorder's thread.
  Recorder(RecorderConfig config, StreamInfo stream, const std::shared_ptr<PacketRing>& ring,
           OnEvent on_event);
  /// stop()
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  [[nodiscard]] RecorderStatus status() const;

  /// Ends the recording: when the ring is closed, with all that is in it, else here. At most 5 s for the
  /// disk; a thread that still hangs in it then is left to itself.
  void stop();

 private:
  class Worker;
  std::shared_ptr<Worker> worker_;
};

}  // namespace vitrine::encoder
