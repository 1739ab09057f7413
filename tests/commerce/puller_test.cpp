// SPDX-License-Identifier: Apache-2.0
// The puller's thread, running: over the adapter of a shop without a mall for what works, over a scripted one
// for what a server does when it fails.
#include "commerce/puller.h"

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/adapters/local.h"
#include "commerce/local_shop.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using fakes::wait_for;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A server that fails on command. Everything else it does as a good one would.
class ScriptedShop : public LocalAdapter {
 public:
  explicit ScriptedShop(Store& store) : LocalAdapter(store) {}

  struct Call {
    std::string what;
    std::vector<Ref> refs;
    MediaTime at{};
  };
  /// Looked at before each call; what it returns is the call's failure.
  using Fault = std::function<std::optional<Error>(const Call&)>;

  void put(const CatalogueItem& item) {
    const std::lock_guard lock(mutex_);
    items_[item.ref] = item;
  }
  void remove(const Ref& ref) {
    const std::lock_guard lock(mutex_);
    items_.erase(ref);
  }
  void put(const Order& order) {
    const std::lock_guard lock(mutex_);
    orders_[order.id] = order;
    refused_orders_.clear();
  }
  void refuse_order(const RefusedOrder& order) {
    const std::lock_guard lock(mutex_);
    refused_orders_ = {order};
  }
  void set_fault(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  void set_page(size_t items) {
    const std::lock_guard lock(mutex_);
    page_ = items;
  }
  [[nodiscard]] std::vector<Call> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  [[nodiscard]] size_t count(const std::string& what) const {
    const auto made = calls();
    return static_cast<size_t>(std::ranges::count(made, what, &Call::what));
  }

  [[nodiscard]] Capabilities capabilities() const override {
    Capabilities can;
    can.most_items_a_read = 50;
    return can;
  }
  Result<ChangedItems> changes(const std::string& cursor, Deadline /*deadline*/) override {
    if (auto error = begin({"changes", {}, steady_now()})) return tl::unexpected(*error);
    const std::lock_guard lock(mutex_);
    const size_t from = cursor.empty() ? 0 : std::stoul(cursor);
    ChangedItems changed;
    size_t at = 0;
    for (const auto& [ref, item] : items_)
      if (at++ >= from && changed.items.size() < page_) changed.items.push_back(item);
    changed.next_cursor = std::to_string(from + changed.items.size());
    changed.is_complete = from + changed.items.size() >= items_.size();
    return changed;
  }
  Result<ReadItems> read_items(std::span<const Ref> refs, Deadline /*deadline*/) override {
    if (auto error = begin({"read_items", {refs.begin(), refs.end()}, steady_now()}))
      return tl::unexpected(*error);
    const std::lock_guard lock(mutex_);
    ReadItems read;
    for (const auto& ref : refs) {
      if (const auto found = items_.find(ref); found != items_.end())
        read.items.push_back(found->second);
      else
        read.gone.push_back(ref);
    }
    return read;
  }
  Result<ChangedOrders> orders(const std::string& /*cursor*/, Deadline /*deadline*/) override {
    if (auto error = begin({"orders", {}, steady_now()})) return tl::unexpected(*error);
    const std::lock_guard lock(mutex_);
    return ChangedOrders{{}, "1", true, refused_orders_};
  }
  Result<ReadOrders> read_orders(std::span<const std::string> ids, Deadline /*deadline*/) override {
    if (auto error = begin({"read_orders", {}, steady_now()})) return tl::unexpected(*error);
    const std::lock_guard lock(mutex_);
    ReadOrders read;
    for (const auto& id : ids)
      if (const auto found = orders_.find(id); found != orders_.end()) read.orders.push_back(found->second);
    return read;
  }

 private:
  std::optional<Error> begin(Call call) {
    Fault fault;
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(call);
      fault = fault_;
    }
    return fault ? fault(call) : std::nullopt;
  }

  mutable std::mutex mutex_;
  std::map<Ref, CatalogueItem> items_;
  std::map<std::string, Order> orders_;
  std::vector<RefusedOrder> refused_orders_;
  Fault fault_;
  size_t page_ = 1000;
  std::vector<Call> calls_;
};

/// A call that stands until it is let go.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
  }
  void wait_for_somebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool is_open_ = false;
};

/// Nothing comes by itself.
constexpr Puller::Plan kNever{1h, 1h, 1h, 1h, 0ms};

class PullerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    catalogue_.emplace(*store_, "local", RowRules{kYuan, 10'000'000});
    orders_.emplace(*store_, "local");
    scripted_.emplace(*store_);
  }
  void TearDown() override { puller_.reset(); }

  void start(Adapter& adapter, const Puller::Plan& plan) {
    puller_ = std::make_unique<Puller>(Puller::Parts{adapter, *catalogue_, *orders_, freshness_}, plan,
                                       [this] { ++changes_; });
  }
  /// Until all has been read once.
  void start_and_settle(Adapter& adapter, const Puller::Plan& plan = kNever) {
    start(adapter, plan);
    ASSERT_TRUE(wait_for([&] { return puller_->status().catalogue_at && puller_->status().orders_at; }));
  }
  [[nodiscard]] std::optional<CatalogueItem> stored(const Ref& ref) const {
    const auto row = catalogue_->find(ref);
    return row && *row ? std::optional((*row)->item) : std::nullopt;
  }
  [[nodiscard]] int64_t price(const Ref& ref) const {
    const auto item = stored(ref);
    return item ? item->price.minor : 0;
  }
  static CatalogueItem item(const std::string& variant, int64_t minor = 3990) {
    CatalogueItem made = pears(variant);
    made.price.minor = minor;
    return made;
  }
  static Ref ref(const std::string& variant) { return {"p1", variant}; }
  static Adapter::Event names(std::vector<Ref> refs) { return {"e", std::move(refs), {}, false, false}; }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
  std::optional<Catalogue> catalogue_;
  std::optional<OrderBook> orders_;
  Freshness freshness_;
  std::optional<ScriptedShop> scripted_;
  std::atomic<int> changes_ = 0;
  std::unique_ptr<Puller> puller_;
};

// ---- over a shop that works

class PullerOfLocalShop : public PullerTest {
 protected:
  void SetUp() override {
    PullerTest::SetUp();
    shop_.emplace(*store_, RowRules{kYuan, 10'000'000});
    adapter_.emplace(*store_);
    sell_for(3990);
  }
  void sell_for(int64_t minor) {
    const auto known = shop_->find(kPears);
    LocalItem pear{item("", minor), "门店价", known && *known ? (*known)->edition : 0};
    pear.item.ref = kPears;
    const auto put = shop_->put_item(pear);
    ASSERT_TRUE(put) << put.error().message;
  }

  const Ref kPears{"p1", ""};
  std::optional<LocalShop> shop_;
  std::optional<LocalAdapter> adapter_;
};

TEST_F(PullerOfLocalShop, WhatAnEventNamesIsReadAtOnce) {
  start_and_settle(*adapter_);
  EXPECT_EQ(price(kPears), 3990);
  sell_for(2990);
  puller_->hint(names({{"p1", ""}}));
  EXPECT_TRUE(wait_for([&] { return price(kPears) == 2990; }));
  EXPECT_TRUE(wait_for([&] { return puller_->status().hinted == 0; }));
}

TEST_F(PullerOfLocalShop, WhatIsOnAirIsReadAgainAndAgainAndConfirmed) {
  Puller::Plan plan = kNever;
  plan.watched = 1ms;
  start_and_settle(*adapter_, plan);
  EXPECT_EQ(freshness_.confirmed_at(kPears), std::nullopt) << "a list confirms no price";
  puller_->watch({kPears});
  ASSERT_TRUE(wait_for([&] { return freshness_.confirmed_at(kPears).has_value(); }));
  const MediaTime changed_at = steady_now();
  sell_for(2990);
  EXPECT_TRUE(wait_for([&] { return price(kPears) == 2990; }));
  EXPECT_TRUE(wait_for([&] { return freshness_.confirmed_at(kPears) > changed_at; }));
}

TEST_F(PullerOfLocalShop, AnEventThatNamesNothingHasTheListsRead) {
  start_and_settle(*adapter_);
  ASSERT_TRUE(shop_->reserve({"form-1", {{kPears, 1, std::nullopt}}, "张*", ""}));
  puller_->hint({"e1", {}, {}, false, true});
  EXPECT_TRUE(wait_for([&] { return orders_->list(OrderBook::Which::kAll, 9)->size() == 1; }));
  sell_for(1990);
  puller_->hint({"e2", {}, {}, true, false});
  EXPECT_TRUE(wait_for([&] { return price(kPears) == 1990; }));
}

TEST_F(PullerOfLocalShop, AnOrderThatAnEventNamesIsRead) {
  start_and_settle(*adapter_);
  const auto order = shop_->reserve({"form-1", {{kPears, 1, std::nullopt}}, "张*", ""});
  ASSERT_TRUE(order);
  puller_->hint({"e1", {}, {order->id}, false, false});
  EXPECT_TRUE(wait_for([&] { return orders_->list(OrderBook::Which::kUnpaid, 9)->size() == 1; }));
}

TEST_F(PullerOfLocalShop, AnOpenOrderIsReadByItsId) {
  Puller::Plan plan = kNever;
  plan.orders = 1ms;
  start_and_settle(*adapter_, plan);
  const auto order = shop_->reserve({"form-1", {{kPears, 1, std::nullopt}}, "张*", ""});
  ASSERT_TRUE(order);
  ASSERT_TRUE(wait_for([&] { return orders_->list(OrderBook::Which::kUnpaid, 9)->size() == 1; }));
  ASSERT_TRUE(shop_->pay(order->id, {"pay-1", order->total, system_now()}));
  EXPECT_TRUE(wait_for([&] { return orders_->list(OrderBook::Which::kUnshipped, 9)->size() == 1; }));
}

// ---- what is read first

TEST_F(PullerTest, AStormOfEventsDoesNotStarveWhatIsOnAirNorTheReverse) {
  scripted_->put(item("on-air"));
  Puller::Plan plan = kNever;
  plan.watched = 0ms;  // always due
  start_and_settle(*scripted_, plan);
  puller_->watch({ref("on-air")});
  std::vector<Ref> storm;
  for (int i = 0; i < 10'000; ++i) storm.push_back(ref("s" + std::to_string(i)));
  const size_t before = scripted_->calls().size();
  puller_->hint(names(storm));
  constexpr size_t kPages = 200;
  const auto is_page = [](const auto& call) { return call.refs.size() > 1; };
  ASSERT_TRUE(wait_for(
      [&] {
        const auto calls = scripted_->calls();
        return !is_page(calls.back()) && std::ranges::count_if(calls, is_page) >= std::ptrdiff_t{kPages};
      },
      120s));
  const auto calls = scripted_->calls();
  size_t pages = 0;
  for (size_t i = before; i + 1 < calls.size(); ++i) {
    const bool is_storm = is_page(calls[i]);
    pages += is_storm ? 1 : 0;
    if (is_storm) {
      EXPECT_THAT(calls[i + 1].refs, ElementsAre(ref("on-air"))) << "after page " << pages;
    }
  }
  EXPECT_EQ(pages, kPages);
}

TEST_F(PullerTest, WhatIsOnAirOvertakesWhatWasNamedBefore) {
  scripted_->put(item("on-air"));
  scripted_->put(item("first"));
  start_and_settle(*scripted_);
  puller_->watch({ref("on-air")});
  Gate gate;
  scripted_->set_fault([&](const auto& call) -> std::optional<Error> {
    if (!call.refs.empty() && call.refs.front() == ref("first")) gate.pass();
    return std::nullopt;
  });
  puller_->hint(names({ref("first")}));
  gate.wait_for_somebody();
  const size_t before = scripted_->calls().size();
  for (int i = 0; i < 500; ++i) puller_->hint(names({ref("s" + std::to_string(i))}));
  puller_->hint(names({ref("on-air")}));
  gate.open();
  ASSERT_TRUE(wait_for([&] { return puller_->status().hinted == 0; }));
  EXPECT_THAT(scripted_->calls().at(before).refs, ElementsAre(ref("on-air")));
}

TEST_F(PullerTest, ALongListLetsWhatIsOnAirThrough) {
  for (int i = 0; i < 20; ++i) scripted_->put(item("v" + std::to_string(i)));
  scripted_->set_page(1);
  Gate gate;
  scripted_->set_fault([&](const auto& call) -> std::optional<Error> {
    if (call.what == "changes") gate.pass();
    return std::nullopt;
  });
  Puller::Plan plan = kNever;
  plan.watched = 0ms;
  start(*scripted_, plan);
  puller_->watch({ref("v0")});
  gate.wait_for_somebody();
  gate.open();
  ASSERT_TRUE(wait_for([&] { return puller_->status().catalogue_at.has_value(); }));
  const auto calls = scripted_->calls();
  const auto first = std::ranges::find(calls, "changes", &ScriptedShop::Call::what);
  for (auto call = first; call + 1 != calls.end() && (call + 1)->at != MediaTime{}; ++call)
    if (call->what == "changes") {
      EXPECT_NE((call + 1)->what, "changes");
    }
  EXPECT_EQ(scripted_->count("changes"), 20U);
}

TEST_F(PullerTest, ManyEventsThatNameNothingAreAFewLists) {
  start_and_settle(*scripted_);
  Puller::Plan plan = kNever;
  plan.hinted = 1h;
  puller_.reset();
  start_and_settle(*scripted_, plan);
  const size_t before = scripted_->count("changes");
  for (int i = 0; i < 1000; ++i) puller_->hint({"e", {}, {}, true, false});
  puller_->hint(names({ref("v1")}));  // behind them
  ASSERT_TRUE(wait_for([&] { return puller_->status().hinted == 0; }));
  EXPECT_EQ(scripted_->count("changes"), before) << "one was asked for less than an hour ago";
}

// ---- faults

TEST_F(PullerTest, ARowThatCouldNotBeReadStaysHinted) {
  scripted_->put(item("v1"));
  start_and_settle(*scripted_);
  std::atomic<bool> is_failing = true;
  scripted_->set_fault([&](const auto& call) -> std::optional<Error> {
    if (call.what != "read_items" || !is_failing) return std::nullopt;
    return Error{ErrorCode::kTimeout, "no answer"};
  });
  scripted_->put(item("v1", 2990));
  puller_->hint(names({ref("v1")}));
  ASSERT_TRUE(wait_for([&] { return puller_->status().fault.has_value(); }));
  EXPECT_EQ(puller_->status().hinted, 1U);
  EXPECT_EQ(puller_->status().fault->code, ErrorCode::kTimeout);
  EXPECT_GT(puller_->status().next_attempt_in, 0ms);
  EXPECT_EQ(price(ref("v1")), 3990);
  is_failing = false;
  EXPECT_TRUE(wait_for([&] { return price(ref("v1")) == 2990; }));
  EXPECT_TRUE(wait_for([&] { return !puller_->status().fault; }));
}

TEST_F(PullerTest, AServerThatCanNotBeReachedIsLeftAloneAndNobodySpinsMeanwhile) {
  scripted_->set_fault([&](const auto& /*call*/) {
    return std::optional(Error{ErrorCode::kRateLimited, "slower"});
  });
  start(*scripted_, kNever);
  ASSERT_TRUE(wait_for([&] { return puller_->status().fault.has_value(); }));
  puller_->hint({"e", {ref("v1")}, {"o1"}, true, true});
  const auto cpu = [] {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  };
  const auto cpu_before = cpu();
  const auto before = steady_now();
  ASSERT_TRUE(wait_for([&] { return scripted_->calls().size() >= 3; }));
  EXPECT_LT(cpu() - cpu_before, (steady_now() - before) / 2) << "a thread that waits uses nothing";
  const auto calls = scripted_->calls();
  for (size_t i = 1; i < calls.size(); ++i) EXPECT_GE(calls[i].at - calls[i - 1].at, 500ms);
}

TEST_F(PullerTest, AListThatFailsDoesNotHoldUpWhatIsOnAir) {
  scripted_->put(item("on-air"));
  scripted_->set_fault([](const auto& call) -> std::optional<Error> {
    if (call.what != "orders") return std::nullopt;
    return Error{ErrorCode::kProtocol, "500"};
  });
  Puller::Plan plan = kNever;
  plan.watched = 1ms;
  start(*scripted_, plan);
  puller_->watch({ref("on-air")});
  ASSERT_TRUE(wait_for([&] { return scripted_->count("orders") >= 2; }));
  const auto calls = scripted_->calls();
  const auto first = std::ranges::find(calls, "orders", &ScriptedShop::Call::what);
  const auto second = std::find_if(first + 1, calls.end(), [](const auto& c) { return c.what == "orders"; });
  EXPECT_GE(std::count_if(first, second, [](const auto& c) { return c.what == "read_items"; }), 3);
  EXPECT_EQ(puller_->status().fault->code, ErrorCode::kProtocol);
  EXPECT_FALSE(puller_->status().orders_at);
}

TEST_F(PullerTest, ARowOnWhichTheServerFailsIsRefusedAndThoseBesideItAreRead) {
  std::vector<Ref> on_air;
  for (int i = 0; i < 40; ++i) {
    on_air.push_back(ref("v" + std::to_string(i)));
    scripted_->put(item(on_air.back().variant));
  }
  start_and_settle(*scripted_);
  scripted_->set_fault([](const auto& call) -> std::optional<Error> {
    if (std::ranges::find(call.refs, ref("v7")) == call.refs.end()) return std::nullopt;
    return Error{ErrorCode::kProtocol, "500"};
  });
  puller_->watch(on_air);
  ASSERT_TRUE(wait_for([&] { return catalogue_->refused()->size() == 1; }));
  EXPECT_EQ(catalogue_->refused()->front().ref, ref("v7"));
  for (const auto& each : on_air)
    EXPECT_EQ(freshness_.confirmed_at(each).has_value(), each != ref("v7")) << each.text();
  EXPECT_EQ(price(ref("v7")), 3990) << "the last good one stays";
}

TEST_F(PullerTest, AServerThatFailsOnEverythingRefusesNoRow) {
  scripted_->put(item("v1"));
  scripted_->put(item("v2"));
  start_and_settle(*scripted_);
  scripted_->set_fault([](const auto& call) -> std::optional<Error> {
    if (call.what != "read_items") return std::nullopt;
    return Error{ErrorCode::kProtocol, "500"};
  });
  puller_->hint(names({ref("v1"), ref("v2")}));
  ASSERT_TRUE(wait_for([&] { return puller_->status().fault.has_value(); }));
  EXPECT_THAT(*catalogue_->refused(), IsEmpty());
  EXPECT_EQ(puller_->status().hinted, 2U);
}

TEST_F(PullerTest, ABadRowIsRefusedAndConfirmsNothing) {
  scripted_->put(item("v1"));
  start_and_settle(*scripted_);
  scripted_->put(item("v1", -1));
  puller_->watch({ref("v1")});
  ASSERT_TRUE(wait_for([&] { return catalogue_->refused()->size() == 1; }));
  EXPECT_EQ(price(ref("v1")), 3990);
  EXPECT_EQ(freshness_.confirmed_at(ref("v1")), std::nullopt);
}

TEST_F(PullerTest, APriceIsConfirmedAsOfTheQuestionAndNotOfTheAnswer) {
  scripted_->put(item("v1"));
  start_and_settle(*scripted_);
  Gate gate;
  scripted_->set_fault([&](const auto& call) -> std::optional<Error> {
    if (!call.refs.empty()) gate.pass();
    return std::nullopt;
  });
  puller_->watch({ref("v1")});
  gate.wait_for_somebody();
  const MediaTime answered_at = steady_now();
  gate.open();
  ASSERT_TRUE(wait_for([&] { return freshness_.confirmed_at(ref("v1")).has_value(); }));
  EXPECT_LT(*freshness_.confirmed_at(ref("v1")), answered_at);
}

TEST_F(PullerTest, AnEventDuringTheReadThatItIsAboutHasItReadAgain) {
  scripted_->put(item("v1"));
  start_and_settle(*scripted_);
  Gate gate;
  std::atomic<bool> is_first = true;
  scripted_->set_fault([&](const auto& call) -> std::optional<Error> {
    if (!call.refs.empty() && is_first.exchange(false)) gate.pass();
    return std::nullopt;
  });
  puller_->hint(names({ref("v1")}));
  gate.wait_for_somebody();
  puller_->hint(names({ref("v1")}));
  gate.open();
  EXPECT_TRUE(wait_for([&] { return scripted_->count("read_items") == 2; }));
}

TEST_F(PullerTest, AnOrderThatCanNotBeReadIsKeptUntilItCan) {
  scripted_->refuse_order({"o1", {{"total", "\"x\"", "an amount"}}});
  Puller::Plan plan = kNever;
  plan.orders = 1ms;
  start_and_settle(*scripted_, plan);
  const auto refused = orders_->refused();
  ASSERT_TRUE(refused);
  ASSERT_THAT(*refused, SizeIs(1));
  EXPECT_EQ(refused->front().id, "o1");
  EXPECT_EQ(refused->front().problems.front().text(), "total: found \"x\", allowed: an amount");
  Order order;
  order.id = order.number = "o1";
  order.state = OrderState::kPaid;
  order.total = {3990, kYuan};
  scripted_->put(order);  // no list names it again
  EXPECT_TRUE(wait_for([&] { return orders_->refused()->empty(); }));
  EXPECT_THAT(*orders_->list(OrderBook::Which::kAll, 9), SizeIs(1));
}

TEST_F(PullerTest, AnOrderWithALineTwiceIsRefusedAndTheOthersAreTaken) {
  start_and_settle(*scripted_);
  Order bad;
  bad.id = "bad";
  bad.total = {3990, kYuan};
  bad.lines = {{"l1", ref("v1"), "", 1, {3990, kYuan}}, {"l1", ref("v1"), "", 2, {3990, kYuan}}};
  Order good = bad;
  good.id = "good";
  good.lines.pop_back();
  scripted_->put(bad);
  scripted_->put(good);
  puller_->hint({"e", {}, {"bad", "good"}, false, false});
  ASSERT_TRUE(wait_for([&] { return orders_->list(OrderBook::Which::kAll, 9)->size() == 1; }));
  EXPECT_EQ(orders_->list(OrderBook::Which::kAll, 9)->front().id, "good");
  EXPECT_EQ(orders_->refused()->front().id, "bad");
}

TEST_F(PullerTest, WhatIsInNoListAnyMoreIsAskedForByItself) {
  scripted_->put(item("v1"));
  scripted_->put(item("v2"));
  start_and_settle(*scripted_);
  scripted_->remove(ref("v2"));
  puller_->reconcile_now();
  ASSERT_TRUE(wait_for([&] { return stored(ref("v2"))->availability == Availability::kDeleted; }));
  EXPECT_EQ(stored(ref("v1"))->availability, Availability::kListed);
  for (const auto& call : scripted_->calls())
    if (!call.refs.empty()) {
      EXPECT_THAT(call.refs, ElementsAre(ref("v2"))) << "v1 was in the list";
    }
}

TEST_F(PullerTest, AVariantThatAnEventNamesWithoutItsProductCanBeGone) {
  scripted_->put(item("v1"));
  scripted_->put(item("v2"));
  start_and_settle(*scripted_);
  puller_->hint(names({{"", "v1"}}));  // the scripted shop knows it under its whole name only
  EXPECT_TRUE(wait_for([&] { return stored(ref("v1"))->availability == Availability::kDeleted; }));
  EXPECT_EQ(stored(ref("v2"))->availability, Availability::kListed);
}

TEST_F(PullerTest, EndsAfterTheCallThatIsUnderWay) {
  Gate gate;
  scripted_->set_fault([&](const auto& /*call*/) -> std::optional<Error> {
    gate.pass();
    return std::nullopt;
  });
  start(*scripted_, kNever);
  gate.wait_for_somebody();
  std::thread opener([&] { gate.open(); });
  puller_.reset();
  opener.join();
  EXPECT_LE(scripted_->calls().size(), 2U);
}

}  // namespace
}  // namespace vitrine::commerce
