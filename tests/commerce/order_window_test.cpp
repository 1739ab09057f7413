// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/catalogue.h"
#include "commerce/order_book.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;

constexpr Instant kBegin{1'000'000s};
constexpr Window kShow{kBegin, kBegin + 1h};

class OrderWindowTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void put_item(const Ref& ref, const std::string& sku) {
    CatalogueItem item = pears();
    item.ref = ref;
    item.sku = sku;
    Catalogue catalogue(*store_, "medusa", {kYuan});
    ASSERT_TRUE(catalogue.apply(ReadItems{{item}, {}, {}}, kBegin));
  }
  void put_order(const std::string& id, Instant placed_at, const std::string& room, const Ref& ref,
                 const std::string& sku = "", OrderState state = OrderState::kPaid) {
    Order order;
    order.id = id;
    order.number = "#" + id;
    order.state = state;
    order.total = {3990, kYuan};
    order.lines = {{"1", ref, sku, 2, {1995, kYuan}}};
    order.room = room;
    order.placed_at = placed_at;
    ASSERT_TRUE(OrderBook(*store_, "medusa").apply(ReadOrders{{order}, {}}, kBegin));
  }
  std::vector<OrderBook::ShowLine> in_show(const std::string& room = "room-1") {
    auto lines = OrderBook(*store_, "medusa").in_window(kShow, room);
    EXPECT_TRUE(lines) << lines.error().message;
    return lines.value_or(std::vector<OrderBook::ShowLine>{});
  }
  static auto of(const std::string& order) { return Field(&OrderBook::ShowLine::order, order); }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_F(OrderWindowTest, AShowHasTheOrdersOfItsTimeButThoseOfAnotherRoom) {
  put_order("before", kBegin - 1us, "", {"p1", "v1"});
  put_order("last", kBegin + 1h - 1us, "", {"p1", "v1"});
  put_order("first", kBegin, "room-1", {"p1", "v1"});
  put_order("elsewhere", kBegin + 1min, "room-2", {"p1", "v1"});
  put_order("after", kBegin + 1h, "room-1", {"p1", "v1"});
  EXPECT_THAT(in_show(), ElementsAre(of("first"), of("last")));
  EXPECT_THAT(in_show(""), ElementsAre(of("last")));
}

TEST_F(OrderWindowTest, TheNewestAreThoseThatStand) {
  put_order("before", kBegin - 1us, "", {"p1", "v1"});
  put_order("first", kBegin, "", {"p1", "v1"});
  put_order("second", kBegin + 1s, "room-1", {"p1", "v1"}, "", OrderState::kOpen);
  put_order("elsewhere", kBegin + 2s, "room-2", {"p1", "v1"});
  put_order("third", kBegin + 3s, "", {"p1", "v1"});
  const auto newest = [&](int most) {
    auto lines = OrderBook(*store_, "medusa").newest(kBegin, "room-1", most);
    EXPECT_TRUE(lines) << lines.error().message;
    return lines.value_or(std::vector<OrderBook::ShowLine>{});
  };
  EXPECT_THAT(newest(2), ElementsAre(of("second"), of("third")));
  put_order("third", kBegin + 3s, "", {"p1", "v1"}, "", OrderState::kRefunded);
  put_order("second", kBegin + 1s, "room-1", {"p1", "v1"}, "", OrderState::kCancelled);
  EXPECT_THAT(newest(2), ElementsAre(of("first"))) << "who went back to nothing is told of no more";
}

TEST_F(OrderWindowTest, ALineIsMatchedByItsIdsElseByASkuThatOneItemHasElseNot) {
  put_item({"p1", "v1"}, "A1");
  put_item({"p2", "v2"}, "A2");
  put_item({"p3", "v3"}, "TWICE");
  put_item({"p4", "v4"}, "TWICE");
  put_item({"p5", "v5"}, "");
  put_order("1-by-id", kBegin, "", {"p1", "v1"}, "A2");
  put_order("2-by-sku", kBegin + 1s, "", {"gone", "gone"}, "A2");
  put_order("3-two-have-it", kBegin + 2s, "", {"gone", "gone"}, "TWICE");
  put_order("4-no-sku", kBegin + 3s, "", {"gone", "gone"}, "");
  const auto lines = in_show();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].item, (Ref{"p1", "v1"}));
  EXPECT_EQ(lines[1].item, (Ref{"p2", "v2"}));
  EXPECT_EQ(lines[2].item, std::nullopt);
  EXPECT_EQ(lines[3].item, std::nullopt);
  EXPECT_EQ(lines[1].line.quantity, 2);
  EXPECT_EQ(lines[1].line.unit_price, (Money{1995, kYuan}));
  EXPECT_EQ(lines[1].state, OrderState::kPaid);
  EXPECT_EQ(lines[1].number, "#2-by-sku");
}

}  // namespace
}  // namespace vitrine::commerce
