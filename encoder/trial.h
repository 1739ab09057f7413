// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/unique_fd.h"
#include "encoder/publisher.h"

namespace vitrine::encoder {

/// What a Publisher would meet at its destination now, step by step: dials, publishes with the key, stays a
/// second, because some servers accept first and look at the key afterwards, and takes leave. Sends no media.
/// Threads: one runs it, any may cancel.
class Trial {
 public:
  enum class Step { kResolve = 0, kConnect, kTls, kHandshake, kPublish };

  struct Taken {
    Step step = Step::kResolve;
    std::chrono::milliseconds time{0};
  };
  struct Report {
    std::vector<Taken> steps;  // in order; after a fault the last is the one that failed
    std::string address;       // empty: it never came to a connection
    std::optional<Error> fault;
  };

  /// Errors: as `Publisher::create`.
  static Result<std::unique_ptr<Trial>> create(PublisherConfig config);

  /// Blocks until it is over, at most 15 s. Once.
  Report run();

  /// Ends it within 2 s with kStopped, before or while it runs.
  void cancel();

 private:
  explicit Trial(PublisherConfig config);
  void end_in(std::chrono::milliseconds time) const;

  const PublisherConfig config_;
  const UniqueFd end_fd_;  // a timer: readable when it is time to end
  std::atomic<bool> is_cancelled_ = false;
};

std::string_view to_string(Trial::Step step);

}  // namespace vitrine::encoder
