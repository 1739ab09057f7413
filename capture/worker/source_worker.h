// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "capture/source_protocol.h"
#include "capture/worker/picture_checks.h"
#include "capture/worker/picture_stream.h"
#include "capture/worker/pipeline.h"
#include "capture/worker/rate_meter.h"
#include "capture/worker/sound_stream.h"
#include "capture/worker/watchdog.h"
#include "core/worker_session.h"

namespace vitrine::capture {

/// One incarnation of `vitrine-source`: opens one source, reads it until it fails, says why, and ends the
/// process. Nothing is mended or torn down inside; a fresh process is the only state that is known to be
/// good.
class SourceWorker {
 public:
  /// `sandbox`: what holds this process in, for the studio's log.
  SourceWorker(WorkerSession& session, OpenRequest request, std::string sandbox);

  /// Does not return: ends the process with the source, or with the studio. Thread: main.
  [[noreturn]] void run();

 private:
  nlohmann::json beat();
  void check_picture(MediaTime now);
  [[nodiscard]] FlowCounts flow() const;
  [[noreturn]] void end(const Error& cause);

  WorkerSession& session_;
  const OpenRequest request_;
  const std::string sandbox_;
  std::unique_ptr<PictureStream> picture_;  // null: not wanted
  std::unique_ptr<SoundStream> sound_;      // null: not wanted
  std::unique_ptr<Pipeline> pipeline_;
  std::mutex end_mutex_;  // held for good by the first thread that ends the process

  // Main thread only:
  Watchdog watchdog_;
  PictureChecks checks_;
  RateMeter rate_;
  MediaTime checked_at_{};
};

}  // namespace vitrine::capture
