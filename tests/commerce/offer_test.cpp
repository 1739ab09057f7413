// SPDX-License-Identifier: Apache-2.0
// Offers and listings from the wish to what the shop says, with every thread running: a shop without a mall
// is the backend, and where a test says so it knows no timed price, or is away.
#include <atomic>
#include <fstream>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/adapters/local.h"
#include "commerce/csv_import.h"
#include "commerce/local_shop.h"
#include "commerce/shop_data.h"
#include "commerce/shop_sync.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Ref kPears{"A1", ""};
const Ref kLiquor{"A2", ""};
const Adapter::Deadline kNoDeadline{MediaTime::max()};

/// The shop's server on a bad day.
class ShopOfTheTest : public LocalAdapter {
 public:
  ShopOfTheTest(Store& store, bool knows_timed_prices)
      : LocalAdapter(store), knows_timed_prices_(knows_timed_prices) {}

  [[nodiscard]] Capabilities capabilities() const override {
    auto can = LocalAdapter::capabilities();
    if (!knows_timed_prices_) can.timed_price = Capabilities::TimedPrice::kEmulated;
    return can;
  }
  Result<ReadItems> read_items(std::span<const Ref> refs, Deadline deadline) override {
    if (is_away) return fail(ErrorCode::kConnectRefused, "away");
    return LocalAdapter::read_items(refs, deadline);
  }
  WriteOutcome set_price(const Ref& ref, const Money& price, const Money& expected,
                         Deadline deadline) override {
    if (is_away) return {WriteResult::kUnavailable, "away", "", 50ms, ""};
    return LocalAdapter::set_price(ref, price, expected, deadline);
  }
  WriteOutcome put_timed_price(const TimedPrice& price, Deadline deadline) override {
    if (is_away) return {WriteResult::kUnavailable, "away", "", 50ms, ""};
    if (!knows_timed_prices_) return {WriteResult::kUnsupported, "", "", std::nullopt, ""};
    return LocalAdapter::put_timed_price(price, deadline);
  }

  std::atomic<bool> is_away = false;

 private:
  const bool knows_timed_prices_;
};

enum class Kind { kNative, kEmulated };

/// All that vitrine-desk runs; it may be killed (its end is as good: nothing is written in it) and begun
/// again.
struct Desk {
  Desk(const std::filesystem::path& directory, Kind kind)
      : store(Store::open({directory, 3}).value()), shop(*store, kind == Kind::kNative) {}

  std::unique_ptr<Store> store;
  ShopOfTheTest shop;
  LocalShop staff{*store, {kYuan}};
  ShopData data{*store, "local", {kYuan}};
  ShopSync sync{data, shop, {100ms, 100ms, 500ms, 60s}, {[] {}, [](const auto&, auto, const auto&) {}}};
};

class OfferTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    open(GetKind());
    const auto table = read_item_table(
        "编号,商品名称,类目,售价,库存\nA1,延边苹果梨,水果,39.90,12\nA2,茅台王子酒,酒,1299,5\n",
        {{kYuan}, {}});
    ASSERT_TRUE(table) << table.error().message;
    ASSERT_TRUE(desk_->staff.import_table(*table, LocalShop::Trial::kApply));
    ASSERT_TRUE(fakes::wait_for([&] { return desk_->data.catalogue.list()->size() == 2; }));
  }
  virtual Kind GetKind() { return GetParam(); }
  void open(Kind kind) {
    desk_.reset();
    desk_ = std::make_unique<Desk>(dir_.path(), kind);
  }

  [[nodiscard]] static OfferBook::Wish wish(int64_t minor, Instant::duration from, Instant::duration until,
                                            const Ref& ref = kPears) {
    const Instant now = system_now();
    return {"开播特价", {{ref, {minor, kYuan}}}, {now + from, now + until}, std::nullopt, ""};
  }
  Offer ask(const OfferBook::Wish& wish) {
    auto offer = desk_->data.offers.ask(wish, desk_->shop.capabilities());
    EXPECT_TRUE(offer) << offer.error().message;
    desk_->sync.poke();
    return offer ? *offer : Offer{};
  }
  void end(int64_t id, const std::string& why) {
    const auto ended = desk_->data.offers.end(id, why);
    EXPECT_TRUE(ended) << ended.error().message;
    desk_->sync.poke();
  }
  Offer offer(int64_t id) {
    const auto all = desk_->data.offers.list(100).value();
    for (const auto& known : all)
      if (known.id == id) return known;
    ADD_FAILURE() << "no offer " << id;
    return {};
  }
  [[nodiscard]] testing::AssertionResult becomes(int64_t id, OfferState state) {
    if (fakes::wait_for([&] { return offer(id).state == state; })) return testing::AssertionSuccess();
    const Offer now = offer(id);
    return testing::AssertionFailure() << "it is " << to_string(now.state) << ": " << now.why;
  }
  /// As a customer sees it.
  int64_t price(const Ref& ref = kPears) {
    return desk_->shop.LocalAdapter::read_items(std::span(&ref, 1), kNoDeadline)->items.at(0).price.minor;
  }
  Operation::State state_of(const std::string& operation) {
    auto state = Operation::State::kUnknown;
    const auto read = desk_->store->read([&](SQLite::Database& database) -> Status {
      state = Outbox::find(database, operation)->state;
      return {};
    });
    EXPECT_TRUE(read);
    return state;
  }
  void sell(int64_t quantity, const std::string& operation, const Ref& ref) {
    const auto order = desk_->staff.reserve({operation, {{ref, quantity, std::nullopt}}, "张*", ""});
    ASSERT_TRUE(order) << order.error().message;
    const auto paid = desk_->staff.pay(order->id, {operation + "-p", order->total, system_now()});
    ASSERT_TRUE(paid) << paid.error().message;
  }

  fakes::TempDir dir_;
  std::unique_ptr<Desk> desk_;
};

TEST_P(OfferTest, IsConfirmedWhenTheShopChargesItAndEndsByItself) {
  const auto wished = wish(2990, 0s, 4s);
  const Offer asked = ask(wished);
  EXPECT_EQ(asked.state, OfferState::kRequested);
  ASSERT_TRUE(becomes(asked.id, OfferState::kConfirmed));
  EXPECT_EQ(price(), 2990);
  EXPECT_LT(system_now(), wished.window.end) << "the machine was too slow for this test";
  ASSERT_TRUE(becomes(asked.id, OfferState::kEnded));
  EXPECT_GE(system_now(), wished.window.end);
  EXPECT_EQ(price(), 3990);
  EXPECT_EQ(offer(asked.id).why, "its time is over");
  EXPECT_EQ(state_of(asked.end), Operation::State::kDone);
}

TEST_P(OfferTest, ThatBeginsLaterChangesNothingBefore) {
  const auto wished = wish(2990, 2s, 60s);
  const Offer asked = ask(wished);
  ASSERT_TRUE(fakes::wait_for([&] { return price() == 2990; }));
  EXPECT_GE(system_now(), wished.window.begin);
  ASSERT_TRUE(becomes(asked.id, OfferState::kConfirmed));
  end(asked.id, "stopped by hand");
  ASSERT_TRUE(becomes(asked.id, OfferState::kEnded));
  EXPECT_EQ(price(), 3990);
  EXPECT_EQ(offer(asked.id).why, "stopped by hand");
}

TEST_P(OfferTest, ThatTheShopNeverHeardOfIsWithdrawn) {
  desk_->shop.is_away = true;
  const Offer asked = ask(wish(2990, 3600s, 7200s));
  if (GetParam() == Kind::kNative) {
    // It was tried: that the shop has not got it is known, and is made sure of.
    ASSERT_TRUE(fakes::wait_for([&] { return !desk_->sync.pusher().status().fault.value_or("").empty(); }));
  }
  end(asked.id, "stopped by hand");
  EXPECT_EQ(state_of(asked.put), Operation::State::kSuperseded);
  desk_->shop.is_away = false;
  ASSERT_TRUE(becomes(asked.id, OfferState::kEnded));
  EXPECT_EQ(price(), 3990);
}

TEST_P(OfferTest, GoesBackAfterACrashInItsMiddle) {
  const auto wished = wish(2990, 0s, 3s);
  const Offer asked = ask(wished);
  ASSERT_TRUE(becomes(asked.id, OfferState::kConfirmed));
  desk_.reset();
  ASSERT_TRUE(fakes::wait_for([&] { return system_now() > wished.window.end; }));
  open(GetParam());
  ASSERT_TRUE(becomes(asked.id, OfferState::kEnded));
  EXPECT_EQ(price(), 3990);
}

TEST_P(OfferTest, WhosePriceTheShopChangesIsEndedHere) {
  const Offer asked = ask(wish(2990, 0s, 60s));
  ASSERT_TRUE(becomes(asked.id, OfferState::kConfirmed));
  if (GetParam() == Kind::kNative) {
    const auto handle = desk_->shop.find_timed_price(asked.put, kNoDeadline).value();
    EXPECT_EQ(desk_->shop.end_timed_price(*handle, kNoDeadline).result, WriteResult::kDone);
  } else {
    EXPECT_EQ(desk_->shop.LocalAdapter::set_price(kPears, {3500, kYuan}, {2990, kYuan}, kNoDeadline).result,
              WriteResult::kDone);
  }
  ASSERT_TRUE(becomes(asked.id, OfferState::kEnded));
  EXPECT_THAT(offer(asked.id).why, HasSubstr("ended there"));
  EXPECT_EQ(price(), GetParam() == Kind::kNative ? 3990 : 3500) << "somebody else's price is left as it is";
}

TEST_P(OfferTest, EndsWhenItsPiecesAreSoldAndSaysSoWhenThereWereMore) {
  auto wished = wish(99'900, 0s, 60s, kLiquor);
  wished.quantity = 2;
  const Offer asked = ask(wished);
  ASSERT_TRUE(becomes(asked.id, OfferState::kConfirmed));
  sell(1, "form-1", kLiquor);
  EXPECT_THAT(desk_->sync.alarms(), IsEmpty());
  desk_->shop.is_away = true;  // the shop sells on, and hears of the end late
  sell(2, "form-2", kLiquor);
  ASSERT_TRUE(becomes(asked.id, OfferState::kEnding));
  ASSERT_TRUE(fakes::wait_for([&] { return !desk_->sync.alarms().empty(); }));
  EXPECT_THAT(desk_->sync.alarms(), ElementsAre(HasSubstr("for 2 pieces, 3 are sold")));
  desk_->shop.is_away = false;
  ASSERT_TRUE(becomes(asked.id, OfferState::kEnded));
  EXPECT_EQ(offer(asked.id).why, "3 of 2 are sold");
  desk_->sync.poke();
  EXPECT_TRUE(fakes::wait_for([&] { return desk_->sync.alarms().size() == 1; }))
      << "it is not undone by its end";
  EXPECT_EQ(price(kLiquor), 129'900);
}

TEST_P(OfferTest, ThatMakesNoSenseIsRefusedWithEveryReasonAndNothingIsWritten) {
  auto none = wish(2990, 0s, 60s);
  none.prices.clear();
  auto free = wish(0, 0s, 60s);
  auto two = wish(2990, 0s, 60s);
  two.prices[kLiquor] = {99'900, kYuan};
  auto foreign = wish(2990, 0s, 60s);
  foreign.prices[kPears].currency = {'U', 'S', 'D'};
  auto hidden = wish(2990, 0s, 60s);
  hidden.name = "\u202e99";
  auto nothing_to_sell = wish(2990, 0s, 60s);
  nothing_to_sell.quantity = 0;
  for (const auto& bad :
       {none, free, two, foreign, hidden, nothing_to_sell, wish(3990, 0s, 60s), wish(2990, 60s, 0s),
        wish(2990, -60s, -1s), wish(2990, 0s, 24h * 60), wish(2990, 0s, 60s, {"A9", ""})}) {
    const auto asked = desk_->data.offers.ask(bad, desk_->shop.capabilities());
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, ErrorCode::kInvalidInput) << asked.error().message;
  }
  auto twice_wrong = wish(4990, 60s, 0s);
  EXPECT_THAT(desk_->data.offers.ask(twice_wrong, desk_->shop.capabilities()).error().message,
              testing::AllOf(HasSubstr("below its price of ¥39.90"), HasSubstr("window")));
  auto cart = desk_->shop.capabilities();
  cart.timed_price = Capabilities::TimedPrice::kCartOnly;
  EXPECT_THAT(desk_->data.offers.ask(wish(2990, 0s, 60s), cart).error().message, HasSubstr("cart"));
  EXPECT_THAT(desk_->data.offers.list(10).value(), IsEmpty());
  EXPECT_THAT(desk_->data.outbox.list("local", 10).value(), IsEmpty());
  ask(wish(2990, 0s, 60s));
  EXPECT_THAT(desk_->data.offers.ask(wish(1990, 0s, 60s), desk_->shop.capabilities()).error().message,
              HasSubstr("end it first"));
}

TEST_P(OfferTest, IsTakenBackEvenWhenOnlyABackupAndTheJournalAreLeft) {
  ASSERT_TRUE(desk_->store->back_up());
  const auto wished = wish(2990, 3600s, 7200s);
  const Offer asked = ask(wished);
  desk_.reset();
  {
    std::fstream file(dir_.path() / "store.sqlite3", std::ios::in | std::ios::out | std::ios::binary);
    const std::string damage(200, '\x5a');
    file.write(damage.data(), 100);
  }
  for (const char* suffix : {"-wal", "-shm"})
    std::filesystem::remove(dir_.path() / (std::string("store.sqlite3") + suffix));
  auto store = Store::open({dir_.path(), 3});
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_THAT((*store)->repairs(), testing::Not(IsEmpty()));
  const auto read = (*store)->read([&](SQLite::Database& database) -> Status {
    const auto end = Outbox::find(database, asked.end);
    EXPECT_TRUE(end) << "the offer is forgotten, and nothing would take its price back";
    return end && end->due_at == wished.window.end ? Status{}
                                                   : fail(ErrorCode::kUnknown, "due at another time");
  });
  EXPECT_TRUE(read) << read.error().message;
}

INSTANTIATE_TEST_SUITE_P(With, OfferTest, testing::Values(Kind::kNative, Kind::kEmulated),
                         [](const auto& kind) {
                           return kind.param == Kind::kNative ? "TimedPrices" : "PricesThatAreSetBack";
                         });

class ListingTest : public OfferTest {
 protected:
  Kind GetKind() override { return Kind::kNative; }
  Listing listing(int64_t id) {
    const auto all = desk_->data.listings.of_show("show-1").value();
    for (const auto& known : all)
      if (known.id == id) return known;
    ADD_FAILURE() << "no listing " << id;
    return {};
  }
  [[nodiscard]] testing::AssertionResult becomes(int64_t id, ListingState state) {
    if (fakes::wait_for([&] { return listing(id).state == state; })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "it is " << to_string(listing(id).state) << ": " << listing(id).why;
  }
  Availability availability(const Ref& ref) {
    return desk_->shop.LocalAdapter::read_items(std::span(&ref, 1), kNoDeadline)->items.at(0).availability;
  }
};

TEST_F(ListingTest, GoesFromTheQueueToTheShopAndOffAgain) {
  ASSERT_EQ(desk_->shop.LocalAdapter::set_listing(kPears, Adapter::Listing::kOff, kNoDeadline).result,
            WriteResult::kDone);
  auto& book = desk_->data.listings;
  const auto queued = book.queue("show-1", kPears, std::nullopt);
  ASSERT_TRUE(queued) << queued.error().message;
  EXPECT_FALSE(book.queue("show-1", kPears, std::nullopt)) << "it is in the show already";
  EXPECT_FALSE(book.queue("show-1", {"A9", ""}, std::nullopt));
  EXPECT_FALSE(book.queue("show-1", kLiquor, 0));
  EXPECT_FALSE(book.set_air(queued->id, ListingBook::Air::kOn)) << "nobody can buy it yet";
  ASSERT_TRUE(book.list(queued->id));
  desk_->sync.poke();
  ASSERT_TRUE(becomes(queued->id, ListingState::kListed));
  EXPECT_EQ(availability(kPears), Availability::kListed);
  ASSERT_TRUE(book.set_air(queued->id, ListingBook::Air::kOn));
  EXPECT_EQ(listing(queued->id).state, ListingState::kOnAir);
  ASSERT_TRUE(book.delist(queued->id));
  desk_->sync.poke();
  ASSERT_TRUE(becomes(queued->id, ListingState::kDelisted));
  EXPECT_EQ(availability(kPears), Availability::kDelisted);
}

TEST_F(ListingTest, IsSoldOutWithTheLastPieceAndBackWithTheNext) {
  auto& book = desk_->data.listings;
  const auto queued = book.queue("show-1", kLiquor, std::nullopt);
  ASSERT_TRUE(queued && book.list(queued->id));
  desk_->sync.poke();
  ASSERT_TRUE(becomes(queued->id, ListingState::kListed));
  ASSERT_TRUE(book.set_air(queued->id, ListingBook::Air::kOn));
  sell(5, "form-1", kLiquor);
  ASSERT_TRUE(becomes(queued->id, ListingState::kSoldOut));
  EXPECT_THAT(desk_->sync.alarms(), IsEmpty()) << "all that was there was sold, and no more";
  EXPECT_EQ(desk_->shop.set_stock(kLiquor, 3, 0, kNoDeadline).result, WriteResult::kDone);
  ASSERT_TRUE(becomes(queued->id, ListingState::kListed));
}

TEST(JudgeListing, RaisesTheAlarmWhenMoreWasSoldThanWasThereHoweverLateOrdersCome) {
  Listing listing;
  listing.state = ListingState::kOnAir;
  listing.listed_at = system_now();
  const auto see = [&](int64_t stock, int64_t sold) {
    ListingSight sight;
    sight.availability = Availability::kListed;
    sight.stock = stock;
    sight.sold = sold;
    sight.is_fresh = true;
    listing = judge(listing, sight);
    return listing.is_oversold(sold);
  };
  EXPECT_FALSE(see(5, 0));
  EXPECT_FALSE(see(2, 0)) << "three orders are not known yet";
  EXPECT_FALSE(see(0, 3));
  EXPECT_FALSE(see(0, 5));
  EXPECT_EQ(listing.state, ListingState::kSoldOut);
  EXPECT_TRUE(see(0, 6));
  EXPECT_FALSE(see(4, 6)) << "somebody has brought more";
  EXPECT_TRUE(see(0, 11));
}

}  // namespace
}  // namespace vitrine::commerce
