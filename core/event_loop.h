// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/error.h"

namespace vitrine {

/// The control thread's loop over sd-event(3): sockets, timers, signals, calls from other threads.
/// Thread: everything on the thread that calls run(), but post() and quit(), which may be called from any.
/// A callback may destroy any Watch, its own included.
class EventLoop {
 public:
  /// Stops watching when it goes.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&&) noexcept = default;
    Watch& operator=(Watch&&) noexcept = default;

   private:
    friend class EventLoop;
    struct Source;
    struct Release {
      void operator()(Source* source) const;
    };
    std::unique_ptr<Source, Release> source_;
  };

  static Result<std::unique_ptr<EventLoop>> create();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// `events` as epoll_ctl(2) takes them; level-triggered.
  [[nodiscard]] Watch watch(int fd, uint32_t events, std::function<void(uint32_t)> callback);
  [[nodiscard]] Watch after(std::chrono::nanoseconds delay, std::function<void()> callback);
  [[nodiscard]] Watch every(std::chrono::nanoseconds interval, std::function<void()> callback);
  /// Blocks the signal for this thread; call before other threads start, so that they inherit the block.
  [[nodiscard]] Watch on_signal(int signal, std::function<void()> callback);

  void post(std::function<void()> call);
  void run();
  void quit();

 private:
  EventLoop();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine
