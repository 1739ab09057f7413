// SPDX-License-Identifier: Apache-2.0
// What every adapter must do, held against the box's own shop and the real servers. A case leaves the shop as
// it found it.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/adapters/json_at.h"
#include "commerce/item.h"
#include "real_shop.h"
#include "test_items.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::IsEmpty;
using testing::SizeIs;

/// At its end an item has as many pieces as at its beginning, whoever bought some.
class StockAsItWas {
 public:
  StockAsItWas(Adapter& adapter, const CatalogueItem& item) : adapter_(adapter), item_(item) {}
  ~StockAsItWas() { adapter_.set_stock(item_.ref, item_.stock.value_or(0), std::nullopt, in_a_minute()); }
  StockAsItWas(const StockAsItWas&) = delete;
  StockAsItWas& operator=(const StockAsItWas&) = delete;

 private:
  Adapter& adapter_;
  const CatalogueItem item_;
};

class AdapterContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    shop_ = RealShop::find(GetParam());
    ASSERT_FALSE(HasFailure());  // it did not start; behind a failure a skip would not end the test
    if (shop_ == nullptr) GTEST_SKIP() << "no " << GetParam() << " here: see tests/commerce/real_shop.h";
    auto opened = shop_->open();
    ASSERT_TRUE(opened) << opened.error().message;
    adapter_ = std::move(*opened);
  }

  /// Takes what has changed into `items`; gives the next cursor.
  std::string pull(std::string cursor, std::map<Ref, CatalogueItem>& items) {
    for (int pages = 0; pages < 200; ++pages) {
      auto changed = adapter_->changes(cursor, in_a_minute());
      EXPECT_TRUE(changed) << changed.error().message;
      if (!changed) return cursor;
      for (const auto& row : changed->refused)
        ADD_FAILURE() << row.ref.text() << ": " << row.problems.front().text();
      for (auto& item : changed->items) items[item.ref] = item;
      cursor = changed->next_cursor;
      EXPECT_LE(cursor.size(), 4096U);
      if (changed->is_complete) return cursor;
    }
    ADD_FAILURE() << "the catalogue never ends";
    return cursor;
  }
  std::map<std::string, Order> pull_orders(std::string& cursor) {
    std::map<std::string, Order> orders;
    for (bool is_complete = false; !is_complete;) {
      auto changed = adapter_->orders(cursor, in_a_minute());
      EXPECT_TRUE(changed) << changed.error().message;
      if (!changed) break;
      for (const auto& row : changed->refused) ADD_FAILURE() << row.id << ": " << row.problems.front().text();
      for (auto& order : changed->orders) orders[order.id] = order;
      cursor = changed->next_cursor;
      is_complete = changed->is_complete;
    }
    return orders;
  }
  CatalogueItem read(const Ref& ref) {
    const auto found = adapter_->read_items(std::span(&ref, 1), in_a_minute());
    EXPECT_TRUE(found) << found.error().message;
    if (!found || found->items.size() != 1) {
      ADD_FAILURE() << ref.text() << " was not read";
      return {};
    }
    return found->items.front();
  }
  CatalogueItem find(const std::string& sku) {
    if (by_sku_.empty()) {
      std::map<Ref, CatalogueItem> items;
      cursor_ = pull("", items);
      for (const auto& [ref, item] : items) by_sku_[item.sku] = item;
    }
    return by_sku_.at(sku);
  }
  bool can_time_prices() const {
    return adapter_->capabilities().timed_price == Capabilities::TimedPrice::kNative;
  }
  [[nodiscard]] static std::string new_operation() {
    return "op-" + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  }

  RealShop* shop_ = nullptr;
  std::unique_ptr<Adapter> adapter_;
  std::map<std::string, CatalogueItem> by_sku_;
  std::string cursor_;
};

TEST_P(AdapterContract, AFullPullIsTheWholeCatalogueToTheFen) {
  std::map<Ref, CatalogueItem> items;
  pull("", items);
  std::set<std::string> products;
  std::map<std::string, CatalogueItem> by_sku;
  for (const auto& [ref, item] : items) {
    products.insert(ref.product);
    by_sku[item.sku] = item;
    EXPECT_THAT(check_row(item, {kYuan}), IsEmpty()) << item.sku;
  }
  EXPECT_THAT(items, SizeIs(236));
  EXPECT_THAT(products, SizeIs(128));
  const auto rows = shop_catalogue();
  ASSERT_THAT(rows, SizeIs(236));
  for (const auto& row : rows) {
    SCOPED_TRACE(row.sku);
    ASSERT_TRUE(by_sku.contains(row.sku));
    const auto& item = by_sku[row.sku];
    const auto expected = shop_->expected(row);
    EXPECT_EQ(item.title, row.title);
    EXPECT_EQ(item.option, row.option);
    EXPECT_EQ(item.category, row.category);
    EXPECT_EQ(item.price, expected.price);
    EXPECT_EQ(item.base_price, expected.base_price);
    EXPECT_EQ(item.reference_price, expected.reference_price);
    EXPECT_EQ(item.stock, row.stock);
    EXPECT_EQ(item.availability, row.is_listed ? Availability::kListed : Availability::kDelisted);
    EXPECT_EQ(item.is_presale, row.is_presale);
    EXPECT_THAT(item.image_url, testing::StartsWith(shop_->photo_prefix()));
  }
}

TEST_P(AdapterContract, WhatIsReadByIdIsWhatThePullBrought) {
  const auto one = find("LS-0002-1");
  const auto other = find("LS-0006-1");
  EXPECT_EQ(read(one.ref), one);
  EXPECT_EQ(read(other.ref), other);
  const std::vector<Ref> whole = {{one.ref.product, ""}, {"", other.ref.variant}};
  const auto found = adapter_->read_items(whole, in_a_minute());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->items, SizeIs(testing::Ge(2U)));
  EXPECT_THAT(found->items, testing::IsSupersetOf({one, other}));
  EXPECT_THAT(found->gone, IsEmpty());
}

TEST_P(AdapterContract, WhatIsNotThereIsGone) {
  Ref ref = find("LS-0002-1").ref;
  ref.variant = shop_->name() == "vendure" ? "999999" : "variant_01NOTTHERE";
  const auto found = adapter_->read_items(std::span(&ref, 1), in_a_minute());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->items, IsEmpty());
  EXPECT_THAT(found->gone, testing::ElementsAre(ref));
}

TEST_P(AdapterContract, AChangedTitleIsSeen) {
  const auto item = find("LS-0003-1");
  shop_->rename(item.ref, "改名 " + item.title);
  std::map<Ref, CatalogueItem> changed;
  cursor_ = pull(cursor_, changed);
  EXPECT_EQ(changed[item.ref].title, "改名 " + item.title);
  shop_->rename(item.ref, item.title);
  pull(cursor_, changed);
  EXPECT_EQ(changed[item.ref].title, item.title);
}

TEST_P(AdapterContract, AChangedPriceIsSeen) {
  const auto item = find("LS-0002-1");
  ASSERT_FALSE(item.reference_price) << "its base price is its price, in every shop";
  shop_->set_price(item.ref, 12345);
  std::map<Ref, CatalogueItem> changed;
  cursor_ = pull(cursor_, changed);
  EXPECT_EQ(changed[item.ref].price, (Money{12345, kYuan}));
  shop_->set_price(item.ref, item.price.minor);
  pull(cursor_, changed);
  EXPECT_EQ(changed[item.ref].price, item.price);
}

TEST_P(AdapterContract, AListingIsSetOnceHoweverOften) {
  const auto item = find("LS-0004-1");
  const auto set = [&](Adapter::Listing listing) {
    return adapter_->set_listing(item.ref, listing, in_a_minute());
  };
  EXPECT_EQ(set(Adapter::Listing::kOff).result, WriteResult::kDone);
  EXPECT_EQ(set(Adapter::Listing::kOff).result, WriteResult::kAlready);
  EXPECT_EQ(read(item.ref).availability, Availability::kDelisted);
  std::map<Ref, CatalogueItem> changed;
  cursor_ = pull(cursor_, changed);
  EXPECT_EQ(changed[item.ref].availability, Availability::kDelisted);
  EXPECT_EQ(set(Adapter::Listing::kOn).result, WriteResult::kDone);
  EXPECT_EQ(set(Adapter::Listing::kOn).result, WriteResult::kAlready);
  EXPECT_EQ(read(item.ref).availability, Availability::kListed);
}

TEST_P(AdapterContract, ASaleIsSeenByReadingTheItemAndStockIsSetOnlyWhereItIsAsExpected) {
  const auto item = find("LS-0005-1");
  ASSERT_TRUE(item.stock);
  const StockAsItWas stock_as_it_was(*adapter_, item);
  const int64_t before = *item.stock;
  shop_->sell(item.sku, 2, "");
  EXPECT_EQ(read(item.ref).stock, before - 2);
  const auto set = [&](int64_t stock, std::optional<int64_t> expected) {
    return adapter_->set_stock(item.ref, stock, expected, in_a_minute()).result;
  };
  EXPECT_EQ(set(before, before), WriteResult::kConflict);
  EXPECT_EQ(set(-1, before - 2), WriteResult::kRejected);
  EXPECT_EQ(set(before, before - 2), WriteResult::kDone);
  EXPECT_EQ(set(before, std::nullopt), WriteResult::kAlready);
  EXPECT_EQ(read(item.ref).stock, before);
}

TEST_P(AdapterContract, ThePriceItselfIsSetOnlyWhereItIsAsExpected) {
  const auto item = find("LS-0015-1");
  const Money lower{item.price.minor - 100, kYuan};
  const auto set = [&](const Money& price, const Money& expected) {
    return adapter_->set_price(item.ref, price, expected, in_a_minute()).result;
  };
  const auto first = set(lower, item.price);
  if (first == WriteResult::kUnsupported) GTEST_SKIP() << "not in this shop";
  EXPECT_EQ(first, WriteResult::kDone);
  EXPECT_EQ(read(item.ref).price, lower);
  EXPECT_EQ(set(lower, item.price), WriteResult::kAlready);
  EXPECT_EQ(set({lower.minor - 100, kYuan}, item.price), WriteResult::kConflict);
  EXPECT_EQ(set({0, kYuan}, lower), WriteResult::kRejected);
  EXPECT_EQ(set({lower.minor, {'U', 'S', 'D'}}, lower), WriteResult::kRejected);
  EXPECT_EQ(set(item.price, lower), WriteResult::kDone);
  EXPECT_EQ(read(item.ref).price, item.price);
}

TEST_P(AdapterContract, ATimedPriceStartsAndEndsByItself) {
  if (!can_time_prices()) GTEST_SKIP() << "not in this shop";
  const auto item = find("LS-0008-1");
  const Money price{item.price.minor - 500, kYuan};
  const Instant now = system_now() + adapter_->capabilities().clock_offset;
  const TimedPrice wish{new_operation(), "开播特价", {{item.ref, price}}, {now + 3s, now + 7s}};
  const auto put = adapter_->put_timed_price(wish, in_a_minute());
  ASSERT_EQ(put.result, WriteResult::kDone) << put.text;
  EXPECT_EQ(read(item.ref).price, item.price) << "it has not begun";
  const auto seconds_from_now = [&] { return system_now() + adapter_->capabilities().clock_offset - now; };
  ASSERT_TRUE(fakes::wait_for([&] { return read(item.ref).price == price; }));
  EXPECT_GT(seconds_from_now(), 2500ms);
  EXPECT_LT(seconds_from_now(), 4500ms);
  ASSERT_TRUE(fakes::wait_for([&] { return read(item.ref).price == item.price; }));
  EXPECT_GT(seconds_from_now(), 6500ms);
  EXPECT_LT(seconds_from_now(), 8500ms);
  adapter_->end_timed_price(put.handle, in_a_minute());
}

TEST_P(AdapterContract, ATimedPriceIsPutOnceHoweverOftenAndEndsWhenTold) {
  if (!can_time_prices()) GTEST_SKIP() << "not in this shop";
  const auto item = find("LS-0009-1");
  const Money price{item.price.minor - 1, kYuan};
  const Instant now = system_now() + adapter_->capabilities().clock_offset;
  const TimedPrice wish{new_operation(), "开播特价", {{item.ref, price}}, {now - 1s, now + 1h}};
  EXPECT_EQ(adapter_->find_timed_price(wish.operation, in_a_minute()).value(), std::nullopt);
  const auto first = adapter_->put_timed_price(wish, in_a_minute());
  ASSERT_EQ(first.result, WriteResult::kDone) << first.text;
  const auto second = adapter_->put_timed_price(wish, in_a_minute());
  EXPECT_EQ(second.result, WriteResult::kAlready) << second.text;
  EXPECT_EQ(second.handle, first.handle);
  EXPECT_EQ(adapter_->find_timed_price(wish.operation, in_a_minute()).value(), first.handle);
  EXPECT_EQ(shop_->timed_prices(wish.operation), 1U);
  EXPECT_EQ(read(item.ref).price, price);
  EXPECT_EQ(adapter_->end_timed_price(first.handle, in_a_minute()).result, WriteResult::kDone);
  EXPECT_EQ(read(item.ref).price, item.price);
  EXPECT_EQ(adapter_->end_timed_price(first.handle, in_a_minute()).result, WriteResult::kAlready);
}

TEST_P(AdapterContract, ATimedPriceThatMakesNoSenseIsRefusedAndNothingIsSent) {
  if (!can_time_prices()) GTEST_SKIP() << "not in this shop";
  const auto item = find("LS-0010-1");
  const Instant now = system_now();
  const Money price{item.price.minor - 100, kYuan};
  const TimedPrice good{new_operation(), "", {{item.ref, price}}, {now, now + 1h}};
  std::map<std::string, TimedPrice> bad;
  bad["ends before it begins"] = good;
  bad["ends before it begins"].window = {now + 1h, now + 30min};
  bad["is over"] = good;
  bad["is over"].window = {now - 2h, now - 1h};
  bad["negative"] = good;
  bad["negative"].prices[item.ref].minor = -1;
  bad["foreign"] = good;
  bad["foreign"].prices[item.ref].currency = {'U', 'S', 'D'};
  bad["dearer"] = good;
  bad["dearer"].prices[item.ref].minor = 10'000'000;
  bad["for nothing"] = good;
  bad["for nothing"].prices.clear();
  for (const auto& [name, wish] : bad)
    EXPECT_EQ(adapter_->put_timed_price(wish, in_a_minute()).result, WriteResult::kRejected) << name;
  EXPECT_EQ(shop_->timed_prices(good.operation), 0U);
}

TEST_P(AdapterContract, AnOrderIsSeenWithItsLinesAndADepositBeforeItsBalance) {
  std::string cursor;
  pull_orders(cursor);
  const auto item = find("LS-0011-1");
  const StockAsItWas stock(*adapter_, item);
  const json sold = shop_->sell(item.sku, 2, shop_->name() == "medusa" ? "paid" : "");
  const json reserved = shop_->sell(item.sku, 1, "deposit");
  auto orders = pull_orders(cursor);
  const auto find_order = [&](const json& said) -> Order {
    for (const auto& [id, order] : orders)
      if (order.number == text_at(said, {"number"})) return order;
    ADD_FAILURE() << said.dump() << " was not seen";
    return {};
  };
  const Order paid = find_order(sold);
  ASSERT_THAT(paid.lines, SizeIs(1));
  EXPECT_EQ(paid.lines.front().ref, item.ref);
  EXPECT_EQ(paid.lines.front().sku, item.sku);
  EXPECT_EQ(paid.lines.front().quantity, 2);
  EXPECT_EQ(paid.lines.front().unit_price, item.price);
  EXPECT_EQ(paid.total, (Money{json_at(sold, {"total_minor"}).get<int64_t>(), kYuan}));
  EXPECT_EQ(paid.state, OrderState::kPaid);
  EXPECT_EQ(paid.balance().minor, 0);
  EXPECT_EQ(paid.masked_name, "王*");
  EXPECT_LT(std::chrono::abs(paid.placed_at - system_now()), 1h);

  const Order deposit = find_order(reserved);
  EXPECT_EQ(deposit.state, OrderState::kDepositPaid);
  ASSERT_THAT(deposit.payments, SizeIs(1));
  EXPECT_EQ(deposit.payments.front().amount.minor, json_at(reserved, {"paid_minor"}).get<int64_t>());
  EXPECT_EQ(deposit.balance().minor, deposit.total.minor - deposit.payments.front().amount.minor);

  const std::vector<std::string> ids = {paid.id, deposit.id, "NOSUCHORDER"};
  const auto again = adapter_->read_orders(ids, in_a_minute());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(again->orders, SizeIs(2));
  EXPECT_THAT(again->refused, IsEmpty());
  EXPECT_EQ(read(item.ref).stock.value() - item.stock.value(), shop_->name() == "vendure" ? -2 : -3)
      << "Vendure keeps nothing back for a deposit";
}

TEST_P(AdapterContract, NothingIsLostWhileSomebodyEditsWhatIsBeingRead) {
  find("LS-0001-1");
  std::vector<CatalogueItem> edited;
  for (const char* number : {"0012", "0040", "0070", "0100", "0120"})
    edited.push_back(by_sku_.at(std::string("LS-") + number + "-1"));
  std::map<Ref, CatalogueItem> mirror;
  std::atomic<bool> is_over = false;
  std::thread owner([&] {
    for (int round = 0; round < 6; ++round)
      for (const auto& item : edited) shop_->rename(item.ref, item.title + " " + std::to_string(round));
    is_over = true;
  });
  std::string cursor;
  do cursor = pull(cursor, mirror);
  while (!is_over);
  owner.join();
  cursor = pull(cursor, mirror);
  for (const auto& item : edited) EXPECT_EQ(mirror[item.ref].title, item.title + " 5");
  EXPECT_THAT(mirror, SizeIs(236));
  for (const auto& item : edited) shop_->rename(item.ref, item.title);
}

TEST_P(AdapterContract, AWrongPasswordIsSaidAndNotTriedAgainAtOnce) {
  if (!shop_->has_server()) GTEST_SKIP() << "no server, no network";
  const auto opened = shop_->open_at(shop_->url(), shop_->user() + ":wrong");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kAuthRejected) << opened.error().message;
  EXPECT_THAT(opened.error().message, testing::Not(testing::HasSubstr("wrong")));
}

TEST_P(AdapterContract, AServerThatIsGoneIsSaid) {
  if (!shop_->has_server()) GTEST_SKIP() << "no server, no network";
  const auto opened =
      shop_->open_at("http://127.0.0.1:" + std::to_string(fakes::free_port()), shop_->user() + ":any");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kConnectRefused) << opened.error().message;
}

TEST_P(AdapterContract, TheClockOfThisMachineIsItsOwn) {
  EXPECT_LT(std::chrono::abs(adapter_->capabilities().clock_offset), 600ms);
}

TEST_P(AdapterContract, ACursorOfSomethingElseIsRefused) {
  for (const char* cursor : {"nonsense", "{}", R"({"backend":"other","format":1,"streams":{}})"}) {
    const auto changed = adapter_->changes(cursor, in_a_minute());
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, ErrorCode::kInvalidInput);
  }
}

TEST_P(AdapterContract, AnAnswerThatIsLostLeavesAWriteUnknownAndDoneOnce) {
  if (!shop_->has_server()) GTEST_SKIP() << "no server, no network";
  if (!can_time_prices()) GTEST_SKIP() << "not in this shop";
  BrokenPath path(*shop_);
  auto opened = shop_->open_through(path.url());
  ASSERT_TRUE(opened) << opened.error().message;
  Adapter& adapter = **opened;
  const auto item = find("LS-0013-1");
  for (const char* action : {"lose-reply", "truncate"}) {
    SCOPED_TRACE(action);
    const Instant now = system_now();
    const TimedPrice wish{
        new_operation(), "", {{item.ref, {item.price.minor - 1, kYuan}}}, {now - 1s, now + 1h}};
    path.set(shop_->on_writes({{"times", 1}, {"action", action}}));
    EXPECT_EQ(adapter.put_timed_price(wish, in_a_minute()).result, WriteResult::kUnknown);
    const auto found = adapter.find_timed_price(wish.operation, in_a_minute());
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_TRUE(*found) << "the shop has got it";
    EXPECT_EQ(adapter.put_timed_price(wish, in_a_minute()).result, WriteResult::kAlready);
    EXPECT_EQ(shop_->timed_prices(wish.operation), 1U);
    EXPECT_EQ(adapter.end_timed_price(**found, in_a_minute()).result, WriteResult::kDone);
  }
}

TEST_P(AdapterContract, WhatTheShopNeverHeardOfIsNotThere) {
  if (!shop_->has_server()) GTEST_SKIP() << "no server, no network";
  if (!can_time_prices()) GTEST_SKIP() << "not in this shop";
  BrokenPath path(*shop_);
  auto opened = shop_->open_through(path.url());
  ASSERT_TRUE(opened) << opened.error().message;
  Adapter& adapter = **opened;
  const auto item = find("LS-0014-1");
  const Instant now = system_now();
  const TimedPrice wish{
      new_operation(), "", {{item.ref, {item.price.minor - 1, kYuan}}}, {now - 1s, now + 1h}};
  const auto put = [&] { return adapter.put_timed_price(wish, in_a_minute()); };
  path.set(shop_->on_writes({{"action", "status"}, {"status", 429}, {"headers", {{"retry-after", "2"}}}}));
  const auto throttled = put();
  EXPECT_EQ(throttled.result, WriteResult::kThrottled);
  EXPECT_EQ(throttled.retry_after, 2s);
  // Nobody asks it anything before that is over.
  ASSERT_TRUE(
      fakes::wait_for([&] { return adapter.find_timed_price(wish.operation, in_a_minute()).has_value(); }));
  path.set(shop_->on_writes({{"action", "status"}, {"status", 500}}));
  EXPECT_EQ(put().result, WriteResult::kUnknown);
  path.set(shop_->on_writes({{"action", "reset"}}));
  EXPECT_EQ(put().result, WriteResult::kUnknown);
  path.set({{"action", "pass"}});
  const auto found = adapter.find_timed_price(wish.operation, in_a_minute());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, std::nullopt);
  EXPECT_EQ(read(item.ref).price, item.price);
}

TEST_P(AdapterContract, AReadThatFailsSaysWhyAndABrokenTokenIsRenewed) {
  if (!shop_->has_server()) GTEST_SKIP() << "no server, no network";
  BrokenPath path(*shop_);
  auto opened = shop_->open_through(path.url());
  ASSERT_TRUE(opened) << opened.error().message;
  Adapter& adapter = **opened;
  const auto opened_at = steady_now();
  const auto item = find("LS-0013-1");
  const auto code_of_read = [&] {
    const auto found = adapter.read_items(std::span(&item.ref, 1), in_a_minute());
    return found ? ErrorCode::kUnknown : found.error().code;
  };
  path.set({{"action", "status"}, {"status", 429}});
  EXPECT_EQ(code_of_read(), ErrorCode::kRateLimited);
  path.set({{"action", "truncate"}});
  EXPECT_EQ(code_of_read(), ErrorCode::kProtocol);
  path.set({{"action", "status"}, {"status", 200}, {"reply", "<html>maintenance</html>"}});
  EXPECT_EQ(code_of_read(), ErrorCode::kProtocol);
  path.set({{"action", "hang"}});
  EXPECT_EQ(adapter.read_items(std::span(&item.ref, 1), {steady_now() + 500ms}).error().code,
            ErrorCode::kTimeout);
  // A token that is refused within ten seconds is not the problem; after that a new one is asked for.
  ASSERT_TRUE(fakes::wait_for([&] { return steady_now() - opened_at > 11s; }));
  path.set(shop_->refuse_token_once());
  EXPECT_EQ(code_of_read(), ErrorCode::kUnknown) << "it was read";
}

INSTANTIATE_TEST_SUITE_P(With, AdapterContract, testing::Values("local", "vendure", "medusa"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace vitrine::commerce
