// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

#include "core/error.h"

namespace vitrine::encoder {

/// How long a publisher waits before it dials again. It never gives up.
///   the path (refused, reset, timed out, DNS, TLS): at once, then 0.5, 1, 2, 4, 8, 15 s and 15 s from then
///   on our own dead session (kIngestBusy): 5 s each time, as long as servers hold one refused key or
///   address: 5, 10, 20, 40 s, then every minute: platforms lock out who asks faster
/// Jitter only ever adds (a fifth at most), so that a shop's destinations don't dial in step; the cap of 15 s
/// holds with it.
class ReconnectPolicy {
 public:
  /// `random` gives numbers from 0 to 1.
  explicit ReconnectPolicy(std::function<double()> random) : random_(std::move(random)) {}

  std::chrono::milliseconds next_delay(ErrorCode cause);

  /// The connection was good for a while, or a person or a link-up event asked: the next fault is a first one
  /// again.
  void reset() { faults_ = 0; }

 private:
  const std::function<double()> random_;
  int faults_ = 0;
};

}  // namespace vitrine::encoder
