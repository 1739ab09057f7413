// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::capture {

/// What the watchdog looks at, all of it counted since the start.
struct FlowCounts {
  int64_t shown = 0;        // pictures, or blocks of sound where there is no picture
  int64_t arrived = 0;      // access units or blocks
  int64_t undecodable = 0;  // of them
  MediaTime lag{};          // of the newest picture behind its capture
};

/// Notices that a source has died without saying so. It never restarts anything: the worker ends, the studio
/// starts a fresh one. Thread: main.
class Watchdog {
 public:
  /// `name`: the source, for the technician's sentence.
  Watchdog(std::string name, MediaTime started_at) : name_(std::move(name)), progressed_at_(started_at) {}

  /// Why the worker must end now, if it must.
  std::optional<Error> look(const FlowCounts& counts, MediaTime now);

 private:
  const std::string name_;
  FlowCounts last_;
  MediaTime progressed_at_;
  std::optional<MediaTime> late_since_;
};

}  // namespace vitrine::capture
