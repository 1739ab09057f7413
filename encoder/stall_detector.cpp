// SPDX-License-Identifier: Apache-2.0
#include "encoder/stall_detector.h"

#include <algorithm>

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;

// Our kernel probes a full receiver at 0.2, 0.6, 1.4, 3.0 and 6.2 s; one whose machine lives answers each.
constexpr MediaTime kDeadPath = 3700ms;
constexpr MediaTime kDeadReader = 5500ms;
constexpr MediaTime kDeadServer = 5s;

}  // namespace

std::optional<Error> StallDetector::check(const Sample& sample) {
  if (!has_started_ || sample.confirmed_bytes != confirmed_bytes_ || sample.waiting_bytes == 0) {
    confirmed_bytes_ = sample.confirmed_bytes;
    progress_at_ = sample.now;
  }
  if (!has_started_ || sample.acknowledgements != acknowledgements_) {
    acknowledgements_ = sample.acknowledgements;
    sent_at_acknowledgement_ = sample.sent_bytes;
  }
  const uint64_t window = std::max(ack_window_bytes_, sample.acknowledgement_step);
  const bool is_owed = sample.sent_bytes - sent_at_acknowledgement_ > 2 * window;
  if (!has_started_ || acknowledgements_ < 2 || !is_owed) server_alive_at_ = sample.now;
  has_started_ = true;
  const MediaTime stuck = sample.now - progress_at_;
  if (std::min(stuck, sample.heard_ago) >= kDeadPath) {
    return Error{ErrorCode::kTimeout,
                 "nothing comes back from the platform any more: the network path is dead", 0};
  }
  if (stuck >= kDeadReader) {
    return Error{ErrorCode::kTimeout, "the platform's machine answers, but takes nothing any more", 0};
  }
  if (sample.now - server_alive_at_ >= kDeadServer) {
    return Error{ErrorCode::kTimeout,
                 "the platform's machine takes the stream, but the server on it has stopped answering", 0};
  }
  return std::nullopt;
}

}  // namespace vitrine::encoder
