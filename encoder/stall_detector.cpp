// SPDX-License-Identifier: Apache-2.0
#include "encoder/stall_detector.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;

// With the kernel's probes of a full receiver at 0.2, 0.6, 1.4 and 3.0 s a peer that reads at all is seen to
// before this.
constexpr MediaTime kDeadPath = 3700ms;
constexpr MediaTime kDeadServer = 5s;

}  // namespace

std::optional<Error> StallDetector::check(const Sample& sample) {
  if (!has_started_ || sample.confirmed_bytes != confirmed_bytes_ || sample.waiting_bytes == 0) {
    confirmed_bytes_ = sample.confirmed_bytes;
    path_alive_at_ = sample.now;
  }
  if (!has_started_ || sample.acknowledgements != acknowledgements_) {
    acknowledgements_ = sample.acknowledgements;
    sent_at_acknowledgement_ = sample.sent_bytes;
  }
  const bool is_owed = sample.sent_bytes - sent_at_acknowledgement_ > 2 * ack_window_bytes_;
  if (!has_started_ || acknowledgements_ == 0 || !is_owed) server_alive_at_ = sample.now;
  has_started_ = true;
  if (sample.now - path_alive_at_ >= kDeadPath) {
    return Error{
        ErrorCode::kTimeout,
        "nothing arrives at the platform any more: the network path is dead, or the server takes nothing", 0};
  }
  if (sample.now - server_alive_at_ >= kDeadServer) {
    return Error{ErrorCode::kTimeout,
                 "the platform's machine takes the stream, but the server on it has stopped answering", 0};
  }
  return std::nullopt;
}

}  // namespace vitrine::encoder
