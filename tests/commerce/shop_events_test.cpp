// SPDX-License-Identifier: Apache-2.0
// What a real shop's server says of its own changes, and what becomes of it here. Nothing is asked for at
// intervals: what arrives has come by an event.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "live_shop.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using fakes::wait_for;

class ShopEvents : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    live_ = LiveShop::start(GetParam(), {1h, 1h, 1h, 1h, 100ms}, [] {});
    if (!live_ && !HasFailure())
      GTEST_SKIP() << "no " << GetParam() << " here: see tests/commerce/real_shop.h";
    ASSERT_TRUE(live_);
    items_ = live_->plain_items(4);
    ASSERT_EQ(items_.size(), 4U);
    // What is in the show is read when an event can't say what has changed.
    live_->puller().watch({items_[2].ref, items_[3].ref});
    ASSERT_TRUE(wait_for([&] { return live_->data().freshness.confirmed_at(items_[3].ref).has_value(); }));
  }
  void TearDown() override {
    if (!live_) return;
    EXPECT_EQ(live_->events().refused, 0) << live_->events().last_refusal;
    EXPECT_GT(live_->events().taken, 0);
  }
  [[nodiscard]] CatalogueItem now(size_t at) const { return live_->item(items_[at].ref); }

  std::unique_ptr<LiveShop> live_;
  std::vector<CatalogueItem> items_;
};

TEST_P(ShopEvents, EveryKindOfChangeArrives) {
  live_->real().set_price(items_[0].ref, items_[0].price.minor + 100);
  EXPECT_TRUE(wait_for([&] { return now(0).price.minor == items_[0].price.minor + 100; })) << "a price";

  live_->real().rename(items_[1].ref, "换了名字");
  EXPECT_TRUE(wait_for([&] { return now(1).title == "换了名字"; })) << "a title";

  const auto sold = live_->real().sell(items_[2].sku, 2, "");
  const auto number = sold.value("number", nlohmann::json());
  EXPECT_TRUE(wait_for([&] {
    const auto orders = live_->data().orders.list(OrderBook::Which::kAll, 100);
    return std::ranges::any_of(*orders, [&](const Order& order) {
      return order.lines.size() == 1 && order.lines[0].ref == items_[2].ref && order.lines[0].quantity == 2;
    });
  })) << "an order, "
      << number.dump();
  EXPECT_TRUE(wait_for([&] { return now(2).stock == items_[2].stock.value() - 2; })) << "its stock";

  if (live_->adapter().capabilities().timed_price == Capabilities::TimedPrice::kNative) {
    const Instant at = system_now() + live_->adapter().capabilities().clock_offset;
    const TimedPrice wish{
        "op-events", "", {{items_[3].ref, {items_[3].price.minor - 100, kYuan}}}, {at - 1s, at + 1h}};
    ASSERT_EQ(live_->adapter().put_timed_price(wish, in_a_minute()).result, WriteResult::kDone);
    EXPECT_TRUE(wait_for([&] { return now(3).price.minor == items_[3].price.minor - 100; }))
        << "a timed price";
  }
}

INSTANTIATE_TEST_SUITE_P(With, ShopEvents, testing::Values("vendure", "medusa"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace vitrine::commerce
