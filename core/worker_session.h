// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "core/channel.h"

namespace vitrine {

/// The descriptor at which a worker finds its channel.
inline constexpr int kWorkerChannelFd = 3;

/// The child's half of Worker: its channel, and the promise to die with the studio.
class WorkerSession {
 public:
  /// Errors: kInvalidInput when this process was not started by the studio.
  static Result<WorkerSession> open();

  [[nodiscard]] Channel& channel() { return channel_; }

  /// Hands every message to `on_message` and beats four times a second, with what `heartbeat` adds to each
  /// beat. Returns when the studio is gone or a handler returned an error, which is then announced to the
  /// studio. Thread: main.
  Status run(const std::function<Status(Channel::Message)>& on_message,
             const std::function<nlohmann::json()>& heartbeat);

  /// Tells the studio why this worker ends.
  void announce_end(const Error& cause);

 private:
  explicit WorkerSession(Channel channel) : channel_(std::move(channel)) {}
  Channel channel_;
};

}  // namespace vitrine
