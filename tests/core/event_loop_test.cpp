// SPDX-License-Identifier: Apache-2.0
#include "core/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <signal.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/unique_fd.h"

namespace vitrine {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, RunsPostedCallsOfOtherThreadsInTheirOrder) {
  auto loop = std::move(*EventLoop::create());
  std::vector<int> seen;
  std::jthread poster([&] {
    for (int i = 0; i < 100; ++i) loop->post([&seen, i] { seen.push_back(i); });
    loop->post([&] { loop->quit(); });
  });
  loop->run();
  ASSERT_EQ(seen.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(EventLoop, AWatchMayEndItselfFromItsOwnCallback) {
  auto loop = std::move(*EventLoop::create());
  const UniqueFd fd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));  // readable for ever
  int calls = 0;
  EventLoop::Watch watch;
  watch = loop->watch(fd.get(), EPOLLIN, [&](uint32_t) {
    ++calls;
    watch = {};
  });
  const auto end = loop->after(50ms, [&] { loop->quit(); });
  loop->run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, ATimerMayReplaceItself) {
  auto loop = std::move(*EventLoop::create());
  int calls = 0;
  EventLoop::Watch timer;
  std::function<void()> again = [&] {
    if (++calls == 5) return loop->quit();
    timer = loop->after(1ms, again);
  };
  timer = loop->after(1ms, again);
  loop->run();
  EXPECT_EQ(calls, 5);
}

TEST(EventLoop, EveryComesAgainAndAgainUntilItsWatchGoes) {
  auto loop = std::move(*EventLoop::create());
  int calls = 0;
  EventLoop::Watch timer = loop->every(2ms, [&] {
    if (++calls == 3) timer = {};
  });
  const auto end = loop->after(100ms, [&] { loop->quit(); });
  loop->run();
  EXPECT_EQ(calls, 3);
}

TEST(EventLoop, HearsSignals) {
  auto loop = std::move(*EventLoop::create());
  bool is_heard = false;
  const auto watch = loop->on_signal(SIGUSR1, [&] {
    is_heard = true;
    loop->quit();
  });
  ::kill(::getpid(), SIGUSR1);
  loop->run();
  EXPECT_TRUE(is_heard);
}

}  // namespace
}  // namespace vitrine
