// SPDX-License-Identifier: Apache-2.0
#include "core/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <mutex>
#include <signal.h>
#include <utility>
#include <vector>

#include <systemd/sd-event.h>

#include "core/unique_fd.h"

namespace vitrine {
namespace {

uint64_t microseconds(std::chrono::nanoseconds time) {
  return static_cast<uint64_t>(
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
}

constexpr uint64_t kTimerAccuracyUs = 1000;

}  // namespace

/// sd-event keeps a pointer to this; the callback may release the Watch that owns it, so the callable is
/// shared and held while it runs.
struct EventLoop::Watch::Source {
  sd_event_source* event_source = nullptr;
  std::chrono::nanoseconds interval{};
  std::shared_ptr<std::function<void(uint32_t)>> callback;
};

void EventLoop::Watch::Release::operator()(Source* source) const {
  const std::unique_ptr<Source> freed(source);
  sd_event_source_disable_unref(source->event_source);
}

struct EventLoop::Impl {
  using Source = Watch::Source;

  sd_event* event = nullptr;
  UniqueFd wake;
  Watch wake_watch;
  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex
  bool is_quitting = false;                   // guarded by mutex

  ~Impl() {
    wake_watch = Watch();
    sd_event_unref(event);
  }

  static int on_io(sd_event_source*, int, uint32_t events, void* data) {
    const auto callback = static_cast<Source*>(data)->callback;
    (*callback)(events);
    return 0;
  }

  static int on_time(sd_event_source* event_source, uint64_t, void* data) {
    auto* source = static_cast<Source*>(data);
    const auto callback = source->callback;
    if (source->interval.count() > 0) {
      sd_event_source_set_time_relative(event_source, microseconds(source->interval));
      sd_event_source_set_enabled(event_source, SD_EVENT_ONESHOT);
    }
    (*callback)(0);
    return 0;
  }

  static int on_signal(sd_event_source*, const signalfd_siginfo*, void* data) {
    const auto callback = static_cast<Source*>(data)->callback;
    (*callback)(0);
    return 0;
  }

  static Watch adopt(std::unique_ptr<Source> source) {
    Watch watch;
    watch.source_.reset(source.release());
    return watch;
  }

  void run_posted() {
    eventfd_t ignored = 0;
    eventfd_read(wake.get(), &ignored);
    std::vector<std::function<void()>> calls;
    {
      const std::lock_guard lock(mutex);
      calls.swap(posted);
    }
    for (auto& call : calls) call();
    const std::lock_guard lock(mutex);
    if (is_quitting) sd_event_exit(event, 0);
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
}
EventLoop::~EventLoop() = default;

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  std::unique_ptr<EventLoop> loop(new EventLoop());
  if (const int rc = sd_event_new(&loop->impl_->event); rc < 0)
    return fail_errno(ErrorCode::kIo, "sd_event_new", -rc);
  loop->impl_->wake = UniqueFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!loop->impl_->wake.is_open()) return fail_errno(ErrorCode::kIo, "eventfd");
  loop->impl_->wake_watch = loop->watch(loop->impl_->wake.get(), EPOLLIN,
                                        [impl = loop->impl_.get()](uint32_t) { impl->run_posted(); });
  return loop;
}

EventLoop::Watch EventLoop::watch(int fd, uint32_t events, std::function<void(uint32_t)> callback) {
  auto source = std::make_unique<Watch::Source>();
  source->callback = std::make_shared<std::function<void(uint32_t)>>(std::move(callback));
  sd_event_add_io(impl_->event, &source->event_source, fd, events, &Impl::on_io, source.get());
  return Impl::adopt(std::move(source));
}

EventLoop::Watch EventLoop::after(std::chrono::nanoseconds delay, std::function<void()> callback) {
  auto source = std::make_unique<Watch::Source>();
  source->callback =
      std::make_shared<std::function<void(uint32_t)>>([call = std::move(callback)](uint32_t) { call(); });
  sd_event_add_time_relative(impl_->event, &source->event_source, CLOCK_MONOTONIC, microseconds(delay),
                             kTimerAccuracyUs, &Impl::on_time, source.get());
  return Impl::adopt(std::move(source));
}

EventLoop::Watch EventLoop::every(std::chrono::nanoseconds interval, std::function<void()> callback) {
  Watch watch = after(interval, std::move(callback));
  watch.source_->interval = interval;
  return watch;
}

EventLoop::Watch EventLoop::on_signal(int signal, std::function<void()> callback) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  auto source = std::make_unique<Watch::Source>();
  source->callback =
      std::make_shared<std::function<void(uint32_t)>>([call = std::move(callback)](uint32_t) { call(); });
  sd_event_add_signal(impl_->event, &source->event_source, signal, &Impl::on_signal, source.get());
  return Impl::adopt(std::move(source));
}

void EventLoop::post(std::function<void()> call) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->posted.push_back(std::move(call));
  }
  eventfd_write(impl_->wake.get(), 1);
}

void EventLoop::run() {
  sd_event_loop(impl_->event);
}

void EventLoop::quit() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->is_quitting = true;
  }
  eventfd_write(impl_->wake.get(), 1);
}

}  // namespace vitrine
