// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/channel.h"
#include "core/event_loop.h"

namespace vitrine {

struct WorkerSpec {
  std::string name;  // "source counter": for logs and status
  std::filesystem::path executable;
  std::vector<std::string> args;  // never secrets: those go over the channel
};

struct WorkerPolicy {
  std::chrono::milliseconds start_timeout{10'000};     // to the first message
  std::chrono::milliseconds heartbeat_timeout{1'500};  // between messages after that; then it is killed
  std::chrono::milliseconds max_backoff{5'000};
  // After kAuthRejected: cameras lock an account after a few wrong passwords, and only a person can mend it.
  std::chrono::milliseconds rejected_backoff{60'000};
  std::chrono::milliseconds healthy_after{
      10'000};  // running this long makes the next restart immediate again
};

struct WorkerStatus {
  enum class State { kStopped = 0, kStarting, kRunning, kWaiting };
  State state = State::kStopped;
  int pid = 0;
  int restarts = 0;
  Error last_error;  // of the last end; its code is kUnknown while none happened
};

/// One child process, kept alive: spawned with a Channel at descriptor 3, killed when it hangs, started again
/// with backoff (at once the first time, then doubling with jitter), without end. The child dies with its
/// parent. A worker that must give up says {"type":"ended","code":…,"message":…} and exits: that becomes
/// last_error. Thread: the loop's.
class Worker {
 public:
  struct Events {
    std::function<void()> on_spawned;                  // send it its work
    std::function<void(Channel::Message)> on_message;  // everything but heartbeats' keeping alive and "ended"
    std::function<void(const Error& cause, std::chrono::milliseconds retry_in)> on_ended;
  };

  Worker(EventLoop& loop, WorkerSpec spec, WorkerPolicy policy, Events events);
  ~Worker();  // kills and reaps
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// Starts now when it is waiting for its turn: the device came, the network is back.
  void retry_now();
  /// Ends this incarnation as a fault (the caller found its messages broken) and starts another.
  void fail_now(Error cause);
  Status send(const nlohmann::json& body, std::span<const int> fds = {});
  [[nodiscard]] const WorkerStatus& status() const { return status_; }

 private:
  void spawn();
  void read_channel();
  void reap();
  void ended(Error cause);
  void arm_heartbeat(std::chrono::milliseconds timeout);

  EventLoop& loop_;
  const WorkerSpec spec_;
  const WorkerPolicy policy_;
  const Events events_;
  WorkerStatus status_;
  std::unique_ptr<Channel> channel_;
  UniqueFd pidfd_;
  EventLoop::Watch channel_watch_;
  EventLoop::Watch exit_watch_;
  EventLoop::Watch heartbeat_timer_;
  EventLoop::Watch retry_timer_;
  std::chrono::steady_clock::time_point spawned_at_{};
  std::chrono::milliseconds backoff_{0};
  Error announced_;  // what an "ended" message said
};

}  // namespace vitrine
