// SPDX-License-Identifier: Apache-2.0
#include "core/latest_slot.h"

#include <thread>

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(LatestSlot, IsEmptyBeforeTheFirstStore) {
  const LatestSlot<int> slot;
  EXPECT_EQ(slot.load(), nullptr);
}

TEST(LatestSlot, NewestWinsAndOldValuesStayWithTheirReaders) {
  LatestSlot<int> slot;
  slot.store(std::make_shared<int>(1));
  const auto held = slot.load();
  slot.store(std::make_shared<int>(2));
  EXPECT_EQ(*held, 1);
  EXPECT_EQ(*slot.load(), 2);
}

TEST(LatestSlot, ReadersNeverSeeAnOlderValueThanBefore) {
  LatestSlot<int> slot;
  slot.store(std::make_shared<int>(0));
  std::jthread writer([&] {
    for (int i = 1; i <= 20'000; ++i) slot.store(std::make_shared<int>(i));
  });
  int last = 0;
  while (last < 20'000) {
    const int now = *slot.load();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace vitrine
