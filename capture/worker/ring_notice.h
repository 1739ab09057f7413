// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/channel.h"

namespace vitrine::capture {

/// Gives the studio a ring's descriptor, once a ring.
class RingNotice {
 public:
  RingNotice(Channel& channel, const char* type) : channel_(channel), type_(type) {}

  /// Does nothing when this ring was already sent. A studio that doesn't read just now gets it with the next
  /// call.
  Status send(int ring_fd) {
    if (is_sent_) return {};
    auto sent = channel_.send({{"type", type_}}, {&ring_fd, 1});
    is_sent_ = sent.has_value();
    if (!sent && sent.error().code != ErrorCode::kTimeout) return sent;
    return {};
  }
  /// There is another ring now.
  void forget() { is_sent_ = false; }

 private:
  Channel& channel_;
  const char* const type_;
  bool is_sent_ = false;
};

}  // namespace vitrine::capture
