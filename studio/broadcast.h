// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/error.h"
#include "core/media_time.h"
#include "core/packet_ring.h"
#include "core/program_state.h"
#include "encoder/platforms.h"
#include "encoder/program_encoder.h"
#include "encoder/publisher.h"
#include "encoder/recorder.h"
#include "encoder/viewer.h"
#include "studio/program_engine.h"

namespace vitrine::studio {

/// One program's time on air: one encoder, one packet ring, and what reads it. From Start to Stop; a stop of
/// the studio in between ends it and another begins. Thread: the loop's, but for the sink, which the
/// program's thread calls.
class Broadcast {
 public:
  struct Config {
    const vitrine::Config& studio;
    ProgramConfig program;
    encoder::StreamRules rules;
    std::string session;  // names the recording's directory
    /// One as-run record; any thread, must return at once.
    std::function<void(nlohmann::json)> record;
  };

  /// Encodes and records; `publish_to` says where it goes. A recording that can't begin is a fault in
  /// status() and no obstacle. Errors: kEncodeFailed.
  static Result<std::unique_ptr<Broadcast>> start(Config config);
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  [[nodiscard]] std::shared_ptr<const ProgramSink> sink() const { return sink_; }
  [[nodiscard]] const std::string& session() const { return config_.session; }
  [[nodiscard]] Instant since() const { return since_; }

  /// Takes leave of every destination, closes the recording, and calls `on_finished` from a thread of its
  /// own; at most some seconds, whatever the network and the disk do. The engine's sink must have been taken
  /// away before.
  void stop(std::function<void()> on_finished);

  /// Begins with those that are wanted and not published to, and takes leave of those that are and should
  /// not be; the others, the encoder and the recording notice nothing. Never blocks. To be called again from
  /// time to time: one that is wanted back waits until its leave is over, so that a platform never sees its
  /// key twice. A destination whose key can't be read is a fault in status() and no obstacle to the others.
  void publish_to(const WantedDestinations& wanted);

  /// Dials every wanted destination that is not live at once, and reads again the keys that could not be
  /// read.
  void retry_now();

  /// The coded program for one who looks on, as `encoder::Viewer` sends it: the end to read from, and its
  /// media type. Errors: kDeviceBusy when there are too many; kIo.
  struct View {
    UniqueFd stream;
    std::string media_type;
  };
  Result<View> open_view();

  struct Destination {
    DestinationConfig config;
    bool is_wanted = false;
    std::unique_ptr<encoder::Publisher> publisher;  // null: see `error`, unless it is not wanted or leaving
    Error error;
    std::future<void> leaving;  // valid while the last publisher takes its leave
  };
  [[nodiscard]] const std::vector<Destination>& destinations() const { return destinations_; }
  [[nodiscard]] const encoder::ProgramEncoder& encoder() const { return *encoder_; }
  [[nodiscard]] const encoder::Recorder* recorder() const { return recorder_.get(); }

 private:
  Broadcast(Config config, std::shared_ptr<PacketRing> ring,
            std::unique_ptr<encoder::ProgramEncoder> encoder);
  void start_recorder();
  void start_destination(Destination& destination);

  const Config config_;
  const Instant since_;
  std::shared_ptr<PacketRing> ring_;
  std::shared_ptr<encoder::ProgramEncoder> encoder_;
  std::shared_ptr<const ProgramSink> sink_;
  std::unique_ptr<encoder::Recorder> recorder_;
  std::vector<Destination> destinations_;
  std::vector<std::unique_ptr<encoder::Viewer>> viewers_;
  std::jthread stopper_;
};

}  // namespace vitrine::studio
