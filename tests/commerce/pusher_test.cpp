// SPDX-License-Identifier: Apache-2.0
// The real pusher and Medusa's adapter against the scripted shop.
#include "commerce/pusher.h"

#include <sys/resource.h>

#include <csignal>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include "commerce/operations.h"
#include "scripted_fixture.h"
#include "test_items.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using State = Operation::State;
using Listing = Adapter::Listing;

constexpr const char* kShop = "medusa";

class PusherTest : public ScriptedShopTest {
 protected:
  std::string add(Operation operation) {
    const auto written = store_->write([&](SQLite::Database& database) -> Status {
      outbox_->add(database, operation);
      return {};
    });
    EXPECT_TRUE(written) << written.error().message;
    if (pusher_) pusher_->poke();
    return operation.id;
  }
  std::string list(const std::string& product, Listing listing) {
    return add(make_operation(kShop, SetListing{{product, product + "v0"}, listing}, system_now()));
  }
  std::string stock(const std::string& product, int64_t stock, std::optional<int64_t> expected = {}) {
    return add(make_operation(kShop, SetStock{{product, product + "v0"}, stock, expected}, system_now()));
  }
  std::string put(const std::string& product, const std::string& id, Instant end = system_now() + 24h) {
    const TimedPrice price{id, "直播价", {{{product, product + "v0"}, {5000, kYuan}}}, {end - 25h, end}};
    return add(make_operation(kShop, price, system_now()));
  }
  std::string end(const std::string& product, const std::string& put) {
    return add(make_operation(kShop, EndTimedPrice{product, put}, system_now()));
  }

  void SetUp() override {
    ScriptedShopTest::SetUp();
    outbox_ = std::make_unique<Outbox>(*store_);
  }
  void push(const Pusher::Config& config) {
    pusher_.reset();
    pusher_ = std::make_unique<Pusher>(Pusher::Parts{*adapter_, *outbox_, freshness_, kShop}, config,
                                       [](const Operation&, State, const std::string&) {});
  }
  static Pusher::Config quick(int threads = 1, std::chrono::milliseconds settle = 0ms) {
    return {.threads = threads, .first_wait = 5ms, .longest_wait = 20ms, .settle = settle};
  }
  [[nodiscard]] Operation find(const std::string& id) const {
    const auto operations = outbox_->list(kShop, 1000);
    for (const auto& operation : *operations)
      if (operation.id == id) return operation;
    ADD_FAILURE() << "no operation " << id;
    return {};
  }
  [[nodiscard]] bool is(const std::string& id, State state) const {
    return fakes::wait_for([&] { return find(id).state == state; });
  }
  /// "products/p0", in the order in which the shop took them.
  std::vector<std::string> taken() {
    std::vector<std::string> paths;
    for (const auto& write : shop_->catalogue().writes()) paths.push_back(write.path.substr(7));
    return paths;
  }
  int64_t writes_asked() {
    const auto requests = shop_->requests();
    return std::ranges::count_if(requests, [](const auto& line) { return line.starts_with("POST /admin/"); });
  }

  std::unique_ptr<Outbox> outbox_;
  Freshness freshness_;
  std::unique_ptr<Pusher> pusher_;
};

TEST_F(PusherTest, KeepsTheOrderOfALaneAndLetsEndsGoFirst) {
  const std::string last = stock("p3", 7);
  list("p1", Listing::kOff);
  put("p0", "offer");
  list("p0", Listing::kOff);  // an end too: what stands before it goes first, and is as urgent
  list("p2", Listing::kOff);
  push(quick());
  ASSERT_TRUE(is(last, State::kDone));
  EXPECT_THAT(taken(), ElementsAre("products/p1", "price-lists", "products/p0", "products/p2",
                                   "inventory-items/p3v0/location-levels/l1"));
}

TEST_F(PusherTest, AtWorkInSeveralLanesKeepsTheOrderOfEach) {
  push(quick(4));
  std::vector<std::string> ids;
  for (int round = 0; round < 5; ++round)
    for (const char* product : {"p0", "p1", "p2", "p3"}) {
      const std::string id = std::string(product) + "r" + std::to_string(round);
      put(product, id);
      ids.push_back(end(product, id));
    }
  for (const auto& id : ids) ASSERT_TRUE(is(id, State::kDone)) << id;
  std::map<std::string, std::vector<std::string>> by_product;
  std::map<std::string, std::string> product_of;  // by price list
  for (const auto& write : shop_->catalogue().writes()) {
    if (write.path == "/admin/price-lists") {
      const std::string operation = write.body["description"].get<std::string>().substr(8);
      product_of[write.answer["price_list"]["id"]] = operation.substr(0, 2);
      by_product[operation.substr(0, 2)].push_back("put");
    } else {
      by_product[product_of[write.path.substr(write.path.rfind('/') + 1)]].push_back("end");
    }
  }
  for (const auto& [product, order] : by_product)
    EXPECT_THAT(order, ElementsAre("put", "end", "put", "end", "put", "end", "put", "end", "put", "end"))
        << product;
}

TEST_F(PusherTest, AsksNothingOfTheShopBeforeItsRetryAfterIsOver) {
  shop_->script(
      {.method = "POST", .path = "/admin/products/p0", .bytes = answer(429, "retry-after: 1\r\n", "{}")});
  push(quick(2));
  const auto began = steady_now();
  const std::string refused = list("p0", Listing::kOff);
  ASSERT_TRUE(
      fakes::wait_for([&] { return find(refused).attempts == 1 && find(refused).state == State::kQueued; }));
  const auto asked = shop_->requests().size();
  const std::string other = list("p1", Listing::kOff);
  ASSERT_TRUE(fakes::wait_for([&] { return shop_->requests().size() > asked; }));
  EXPECT_GE(steady_now() - began, 1s);
  EXPECT_TRUE(is(refused, State::kDone));
  EXPECT_TRUE(is(other, State::kDone));
}

TEST_F(PusherTest, WaitsLongerEachTimeTheShopIsAway) {
  shop_->script({.times = 3, .bytes = answer(500, "", "{}")});
  const auto began = steady_now();
  push({.threads = 1, .first_wait = 100ms, .longest_wait = 10s, .settle = 0ms});
  const std::string id = list("p0", Listing::kOff);
  ASSERT_TRUE(is(id, State::kDone));
  EXPECT_GE(steady_now() - began, (100ms + 200ms + 400ms) / 2);
  EXPECT_EQ(find(id).attempts, 4);
}

struct Lost {
  using Does = fakes::ScriptedShop::Fault::Does;
  using Says = fakes::ScriptedShop::Fault::Says;
  const char* name;
  Does does;
  Says says;
  std::string bytes;
};
class PusherLostAnswer : public PusherTest, public testing::WithParamInterface<Lost> {};

TEST_P(PusherLostAnswer, IsResolvedByReadingAndNothingIsDoneTwice) {
  const auto& [name, does, says, bytes] = GetParam();
  if (says == Says::kNothing) open_shop(2s);
  for (const char* path : {"/admin/products", "/admin/inventory-items", "/admin/price-lists"})
    shop_->script({.method = "POST", .path = path, .does = does, .says = says, .bytes = bytes});
  push(quick(3));
  const std::vector<std::string> ids = {list("p0", Listing::kOff), stock("p1", 7, 50), put("p2", "offer")};
  for (const auto& id : ids) ASSERT_TRUE(is(id, State::kDone)) << id << ": " << find(id).result;
  EXPECT_EQ(shop_->catalogue().status_of("p0"), "draft");
  EXPECT_EQ(shop_->catalogue().stock_of("p1v0"), 7);
  EXPECT_EQ(shop_->catalogue().price_lists("vitrine:offer"), 1);
  EXPECT_THAT(shop_->catalogue().writes(), SizeIs(3)) << "each once";
  EXPECT_EQ(writes_asked(), does == Does::kActs ? 3 : 6);
}

const std::string kServerError = fakes::ScriptedShop::answer(500, "", "{}");
const Lost kLostAnswers[] = {
    {"ResetBefore", Lost::Does::kIgnores, Lost::Says::kReset, ""},
    {"ResetAfter", Lost::Does::kActs, Lost::Says::kReset, ""},
    {"TimeoutBefore", Lost::Does::kIgnores, Lost::Says::kNothing, ""},
    {"TimeoutAfter", Lost::Does::kActs, Lost::Says::kNothing, ""},
    {"HalfAnAnswer", Lost::Does::kActs, Lost::Says::kHalf, ""},
    {"ErrorBefore", Lost::Does::kIgnores, Lost::Says::kSomething, kServerError},
    {"ErrorAfter", Lost::Does::kActs, Lost::Says::kSomething, kServerError},
};
INSTANTIATE_TEST_SUITE_P(Pusher, PusherLostAnswer, testing::ValuesIn(kLostAnswers),
                         [](const auto& tested) { return tested.param.name; });

TEST_F(PusherTest, WhatComesInAfterWeGaveUpIsNotDoneTwice) {
  open_shop(1s);
  shop_->script({.method = "POST",
                 .path = "/admin/price-lists",
                 .does = Does::kActs,
                 .says = Says::kAnswer,
                 .delay = 3s});
  push(quick(1, 10s));
  const std::string id = put("p0", "offer");
  ASSERT_TRUE(is(id, State::kDone)) << find(id).result;
  EXPECT_EQ(shop_->catalogue().price_lists("vitrine:offer"), 1);
  EXPECT_EQ(find(id).attempts, 1);
}

TEST_F(PusherTest, WhatACrashFoundUnderWayIsReadAndNotSentAgain) {
  const std::string id = put("p0", "offer");
  ASSERT_TRUE(outbox_->begin(find(id), system_now()));
  ASSERT_EQ(adapter_->put_timed_price(*timed_price_of(find(id)), {steady_now() + 60s}).result,
            WriteResult::kDone);
  push(quick());
  ASSERT_TRUE(is(id, State::kDone));
  EXPECT_EQ(find(id).attempts, 1);
  EXPECT_EQ(writes_asked(), 1);
}

TEST_F(PusherTest, WhatACrashFoundUnderWayAndIsNotThereMayStillComeIn) {
  const std::string id = put("p0", "offer");
  const auto began = steady_now();
  ASSERT_TRUE(outbox_->begin(find(id), system_now()));
  push(quick(1, 2s));
  ASSERT_TRUE(fakes::wait_for([&] { return writes_asked() == 1; }));
  EXPECT_GE(steady_now() - began, 1900ms) << "two clocks";
  EXPECT_TRUE(is(id, State::kDone));
}

TEST_F(PusherTest, AnEndGoesAgainAtOnceAndNothingFollowsItTooEarly) {
  push(quick(2, 2s));
  ASSERT_TRUE(is(put("p0", "first"), State::kDone));
  shop_->script({.method = "POST", .path = "/admin/price-lists/", .says = Says::kReset});
  const auto began = steady_now();
  const std::string ended = end("p0", "first");
  const std::string next = put("p0", "second");
  ASSERT_TRUE(fakes::wait_for([&] { return shop_->catalogue().writes().size() == 2; })) << "ended";
  EXPECT_NE(find(ended).state, State::kDone);
  EXPECT_EQ(find(next).attempts, 0);
  ASSERT_TRUE(is(next, State::kDone));
  EXPECT_GE(steady_now() - began, 1900ms) << "two clocks";
  EXPECT_TRUE(is(ended, State::kDone));
  EXPECT_THAT(shop_->catalogue().writes(), SizeIs(3));
}

TEST_F(PusherTest, AStockThatMovedIsAConflictAndStaysAsItIs) {
  shop_->catalogue().sell("p0v0", 8);
  push(quick());
  const std::string id = stock("p0", 100, 50);
  ASSERT_TRUE(is(id, State::kRejected));
  EXPECT_THAT(find(id).result, HasSubstr("42 are left, not 50"));
  EXPECT_EQ(shop_->catalogue().stock_of("p0v0"), 42);
}

TEST_F(PusherTest, WhatTheShopRefusesIsNotTriedAgainAndHoldsUpNobody) {
  shop_->script({.method = "POST",
                 .path = "/admin/products/p0",
                 .times = -1,
                 .bytes = answer(400, "", R"({"type":"invalid_data","message":"no such status"})")});
  push(quick());
  const std::string refused = list("p0", Listing::kOff);
  const std::string behind = stock("p0", 3);
  ASSERT_TRUE(is(behind, State::kDone));
  EXPECT_EQ(find(refused).state, State::kRejected);
  EXPECT_EQ(find(refused).attempts, 1);
  EXPECT_THAT(find(refused).result, HasSubstr("no such status (invalid_data)"));
}

TEST_F(PusherTest, WithoutAccessItWaitsAndGoesOnWhenItIsBack) {
  shop_->script({.method = "POST", .path = "/admin/products", .times = -1, .bytes = answer(401, "", "{}")});
  push(quick());
  const std::string id = list("p0", Listing::kOff);
  ASSERT_TRUE(fakes::wait_for([&] { return find(id).attempts >= 3; }));
  EXPECT_EQ(find(id).unanswered, 0);
  EXPECT_THAT(pusher_->status().fault.value_or(""), HasSubstr("401"));
  shop_->heal();
  ASSERT_TRUE(is(id, State::kDone));
  EXPECT_FALSE(pusher_->status().fault);
}

TEST_F(PusherTest, OfWishesThatWaitedOnlyTheNewestIsSent) {
  const std::string old = stock("p0", 1);
  const std::string newest = stock("p0", 2);
  push(quick());
  ASSERT_TRUE(is(newest, State::kDone));
  EXPECT_EQ(find(old).state, State::kSuperseded);
  EXPECT_THAT(shop_->catalogue().writes(), SizeIs(1));
}

TEST_F(PusherTest, GivesUpWhatTheShopNeverTakes) {
  shop_->script({.method = "POST", .path = "/admin/price-lists", .times = -1, .says = Says::kReset});
  push(quick());
  const std::string id = put("p0", "offer");
  ASSERT_TRUE(is(id, State::kRejected));
  EXPECT_EQ(find(id).attempts, 20);
  EXPECT_THAT(find(id).result, HasSubstr("never took it"));
}

TEST_F(PusherTest, AShopThatWasLongAwayIsNoReasonToGiveUp) {
  shop_->script({.path = "/admin/price-lists", .times = 30, .bytes = answer(503, "", "{}")});
  shop_->script({.method = "POST", .path = "/admin/price-lists", .says = Says::kReset});
  push(quick());
  const std::string id = put("p0", "offer");
  ASSERT_TRUE(is(id, State::kDone)) << find(id).result;
  EXPECT_GT(find(id).attempts, 20);
}

TEST_F(PusherTest, ARetryIsNotHeldUpByWhatWaitsBehindIt) {
  shop_->script({.times = 1, .bytes = answer(500, "", "{}")});
  list("p0", Listing::kOff);
  const std::string behind = stock("p0", 3);
  push(quick());
  EXPECT_TRUE(fakes::wait_for([&] { return find(behind).state == State::kDone; }, 40s)) << "nobody pokes it";
}

TEST_F(PusherTest, ACallThatHangsHoldsUpItsLaneAlone) {
  shop_->script({.path = "/admin/products/p0", .says = Says::kNothing});
  push(quick(2));
  const std::string hangs = list("p0", Listing::kOff);
  ASSERT_TRUE(is(hangs, State::kSending));
  EXPECT_TRUE(is(list("p1", Listing::kOff), State::kDone));
  EXPECT_EQ(find(hangs).state, State::kSending);
  shop_.reset();  // ends the call
}

TEST_F(PusherTest, APriceWhoseWindowIsOverIsNotSent) {
  push(quick());
  const std::string id = put("p0", "offer", system_now() - 1s);
  ASSERT_TRUE(is(id, State::kRejected));
  EXPECT_THAT(find(id).result, HasSubstr("window is over"));
  EXPECT_EQ(writes_asked(), 0);
}

TEST_F(PusherTest, AnUnknownChangeOfWhatIsGoneEnds) {
  shop_->script({.method = "POST", .path = "/admin/products/p0", .says = Says::kReset});
  const std::string id = list("p0", Listing::kOn);
  ASSERT_TRUE(outbox_->begin(find(id), system_now()));
  shop_->catalogue().remove("p0");
  push(quick());
  ASSERT_TRUE(is(id, State::kRejected));
  EXPECT_THAT(find(id).result, HasSubstr("not in the shop any more"));
}

/// As on a full disk: no file may grow.
class FullDisk {
 public:
  FullDisk() : was_ignored_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, was_ignored_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*was_ignored_)(int);
  rlimit before_{};
};

TEST_F(PusherTest, SendsNothingThatItCantRecord) {
  const std::string id = list("p0", Listing::kOff);
  const auto asked = shop_->requests().size();
  {
    const FullDisk full;
    push(quick());
    ASSERT_TRUE(fakes::wait_for([&] { return pusher_->status().fault.has_value(); }));
    EXPECT_THAT(*pusher_->status().fault, HasSubstr("writing the store"));
    EXPECT_EQ(shop_->requests().size(), asked);
  }
  ASSERT_TRUE(is(id, State::kDone));
}

}  // namespace
}  // namespace vitrine::commerce
