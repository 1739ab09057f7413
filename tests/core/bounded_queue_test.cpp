// SPDX-License-Identifier: Apache-2.0
#include "core/bounded_queue.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(BoundedQueue, DropsTheOldestWhenFull) {
  BoundedQueue<int> queue(2, Overflow::kDropOldest);
  EXPECT_EQ(queue.push(1), PushResult::kQueued);
  EXPECT_EQ(queue.push(2), PushResult::kQueued);
  EXPECT_EQ(queue.push(3), PushResult::kDroppedOldest);
  EXPECT_EQ(queue.pop({}), 2);
  EXPECT_EQ(queue.pop({}), 3);
  const auto stats = queue.stats();
  EXPECT_EQ(stats.pushed, 3U);
  EXPECT_EQ(stats.dropped, 1U);
  EXPECT_EQ(stats.high_water, 2U);
  EXPECT_EQ(stats.depth, 0U);
}

TEST(BoundedQueue, LeavesTheItemWithTheCallerWhenItRefuses) {
  BoundedQueue<std::unique_ptr<int>> queue(1, Overflow::kRefuse);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_EQ(queue.push(std::move(first)), PushResult::kQueued);
  EXPECT_EQ(queue.push(std::move(second)), PushResult::kFull);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
  queue.close();
  EXPECT_EQ(queue.push(std::move(second)), PushResult::kClosed);
  EXPECT_NE(second, nullptr);
}

TEST(BoundedQueue, PopDrainsRemainingItemsAfterClose) {
  BoundedQueue<int> queue(4, Overflow::kRefuse);
  queue.push(1);
  queue.push(2);
  queue.close();
  queue.close();
  EXPECT_EQ(queue.pop({}), 1);
  EXPECT_EQ(queue.pop({}), 2);
  EXPECT_EQ(queue.pop({}), std::nullopt);
}

TEST(BoundedQueue, StopEndsAWaitingPopAndLeavesTheItems) {
  BoundedQueue<int> queue(4, Overflow::kRefuse);
  std::stop_source stop;
  std::jthread consumer([&] { EXPECT_EQ(queue.pop(stop.get_token()), std::nullopt); });
  stop.request_stop();
  consumer.join();
  queue.push(7);
  EXPECT_EQ(queue.pop(stop.get_token()), std::nullopt);
  EXPECT_EQ(queue.pop({}), 7);
}

TEST(BoundedQueue, CloseWakesEveryWaitingConsumer) {
  BoundedQueue<int> queue(1, Overflow::kRefuse);
  std::vector<std::jthread> consumers;
  for (int i = 0; i < 3; ++i) consumers.emplace_back([&] { EXPECT_EQ(queue.pop({}), std::nullopt); });
  queue.close();
}

TEST(BoundedQueue, TwoProducersLoseNothingAndKeepTheirOrder) {
  constexpr int kItems = 20'000;
  BoundedQueue<std::pair<int, int>> queue(64, Overflow::kRefuse);
  const auto produce = [&](int producer) {
    for (int i = 0; i < kItems; ++i) {
      std::pair<int, int> item(producer, i);
      while (queue.push(std::move(item)) == PushResult::kFull) std::this_thread::yield();
    }
  };
  std::jthread first(produce, 0);
  std::jthread second(produce, 1);
  std::array<int, 2> next{};
  for (int i = 0; i < 2 * kItems; ++i) {
    const auto item = queue.pop({});
    ASSERT_TRUE(item);
    ASSERT_EQ(item->second, next[static_cast<size_t>(item->first)]++);
  }
}

}  // namespace
}  // namespace vitrine
