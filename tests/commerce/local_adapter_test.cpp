// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/adapters/local.h"
#include "commerce/catalogue.h"
#include "commerce/csv_import.h"
#include "commerce/local_shop.h"
#include "core/rfc3339.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const RowRules kRules{kYuan, 10'000'000};
const Adapter::Deadline kSoon{MediaTime::max()};

class LocalTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    store_.reset();
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  [[nodiscard]] LocalShop::Clock clock() const {
    return [this] { return now_.load(); };
  }
  LocalShop shop() { return {*store_, kRules, clock()}; }
  LocalAdapter adapter() { return LocalAdapter(*store_, clock()); }

  LocalShop::Imported bring_in(const std::string& table, LocalShop::Trial trial = LocalShop::Trial::kApply) {
    const auto read = read_item_table(table, {kRules, {}});
    EXPECT_TRUE(read) << read.error().message;
    const auto imported = shop().import_table(*read, trial);
    EXPECT_TRUE(imported) << imported.error().message;
    return imported ? *imported : LocalShop::Imported{};
  }
  /// One item as the adapter gives it now.
  CatalogueItem item(const Ref& ref) {
    const auto read = adapter().read_items(std::span(&ref, 1), kSoon);
    EXPECT_TRUE(read) << read.error().message;
    EXPECT_THAT(read->items, SizeIs(1)) << ref.text();
    return read->items.empty() ? CatalogueItem{} : read->items.front();
  }
  std::optional<int64_t> stock(const Ref& ref) { return item(ref).stock; }
  int64_t price_at(const Ref& ref, Instant instant) {
    now_ = instant;
    return item(ref).price.minor;
  }
  TimedPrice offer(const std::string& operation, int64_t minor, std::chrono::seconds from,
                   std::chrono::seconds until, const Ref& ref = {"A1", ""}) const {
    return {operation, "直播价", {{ref, {minor, kYuan}}}, {kNow + from, kNow + until}};
  }
  std::string put(const TimedPrice& price) {
    const WriteOutcome outcome = adapter().put_timed_price(price, kSoon);
    EXPECT_EQ(outcome.result, WriteResult::kDone) << outcome.text;
    return outcome.handle;
  }
  Result<Order> reserve(const std::string& operation, int64_t quantity, const Ref& ref = {"A1", ""}) {
    return shop().reserve({operation, {{ref, quantity, std::nullopt}}, "张*", ""});
  }
  Payment payment(const std::string& id, int64_t minor) const { return {id, {minor, kYuan}, now_}; }

  const Instant kNow = *parse_rfc3339("2026-11-11T12:00:00Z");
  const std::string kTable =
      "编号,商品名称,类目,售价,库存\nA1,延边苹果梨,水果,39.90,12\nA2,茅台王子酒,酒,1299,\n";
  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
  std::atomic<Instant> now_ = kNow;
};

// ---- what a table does

TEST_F(LocalTest, ATableIsCountedAsAddedChangedUnchangedRefusedAndMissing) {
  const auto first = bring_in(kTable + "A3,坏,,x,\n");
  EXPECT_EQ(first.added, 2);
  ASSERT_THAT(first.refused, SizeIs(1));
  EXPECT_EQ(first.refused[0].row, 4);

  const auto second = bring_in("编号,商品名称,类目,售价,库存\nA1,延边苹果梨,水果,35.90,12\nA4,茶,茶,88,3\n");
  EXPECT_EQ(second.added, 1);
  EXPECT_EQ(second.changed, 1);
  EXPECT_EQ(second.unchanged, 0);
  EXPECT_EQ(second.missing, 1);
  EXPECT_EQ(item({"A1", ""}).price.minor, 3590);
  EXPECT_EQ(item({"A2", ""}).price.minor, 129900) << "who is missing in a table stays as it is";

  const auto third = bring_in("编号,商品名称,类目,售价,库存\nA1,延边苹果梨,水果,35.90,12\nA4,茶,茶,88,3\n");
  EXPECT_EQ(third.added + third.changed, 0);
  EXPECT_EQ(third.unchanged, 2);
}

TEST_F(LocalTest, APreviewSaysTheSameAndWritesNothing) {
  const auto preview = bring_in(kTable, LocalShop::Trial::kPreview);
  EXPECT_EQ(preview.added, 2);
  EXPECT_THAT(adapter().changes("", kSoon)->items, IsEmpty());
  EXPECT_EQ(bring_in(kTable).added, 2);
}

TEST_F(LocalTest, NothingOfATableStaysWhenTheStoreFailsInTheMiddle) {
  ASSERT_TRUE(store_->write([](SQLite::Database& database) -> Status {
    database.exec(
        "CREATE TRIGGER broken BEFORE INSERT ON local_item WHEN NEW.product = 'A2' BEGIN SELECT RAISE(ABORT, "
        "'disk'); END");
    return {};
  }));
  const auto table = read_item_table(kTable, {kRules, {}});
  EXPECT_FALSE(shop().import_table(*table, LocalShop::Trial::kApply));
  EXPECT_THAT(adapter().changes("", kSoon)->items, IsEmpty());
}

TEST_F(LocalTest, TheSameTableAgainDoesNotBringBackWhatWasSold) {
  bring_in(kTable);
  ASSERT_TRUE(reserve("form-1", 5));
  EXPECT_EQ(bring_in(kTable).unchanged, 2);
  EXPECT_EQ(stock({"A1", ""}), 7);
  // Another number is news: somebody has counted.
  bring_in("编号,商品名称,类目,售价,库存\nA1,延边苹果梨,水果,39.90,20\n");
  EXPECT_EQ(stock({"A1", ""}), 20);
}

TEST_F(LocalTest, AColumnThatIsNotThereLeavesAndAnEmptyCellEmpties) {
  bring_in("编号,商品名称,类目,售价,划线价,划线价依据,库存\nA1,延边苹果梨,水果,39.90,59.90,门店价,12\n");
  bring_in("编号,商品名称,售价\nA1,延边苹果梨 大果,39.90\n");
  const auto found = *shop().find({"A1", ""});
  EXPECT_EQ(found->item.title, "延边苹果梨 大果");
  EXPECT_EQ(found->item.category, "水果");
  EXPECT_EQ(found->item.reference_price, (Money{5990, kYuan}));
  EXPECT_EQ(found->reference_basis, "门店价");
  EXPECT_EQ(found->item.stock, 12);
  bring_in("编号,商品名称,售价,类目,划线价,库存\nA1,延边苹果梨 大果,39.90,,,\n");
  EXPECT_EQ(item({"A1", ""}).category, "");
  EXPECT_EQ(item({"A1", ""}).reference_price, std::nullopt);
  EXPECT_EQ(stock({"A1", ""}), std::nullopt) << "not counted any more";
}

TEST_F(LocalTest, ATableCanDeleteAndBringBack) {
  bring_in(kTable);
  bring_in("编号,商品名称,售价,状态\nA1,延边苹果梨,39.90,删除\n");
  EXPECT_EQ(item({"A1", ""}).availability, Availability::kDeleted);
  EXPECT_EQ(bring_in("编号,商品名称,售价\nA2,茅台王子酒,1299\n").missing, 0)
      << "what is deleted is not missed";
  bring_in("编号,商品名称,售价\nA1,延边苹果梨,39.90\n");
  EXPECT_EQ(item({"A1", ""}).availability, Availability::kListed);
}

TEST_F(LocalTest, ARowBelowItsTimedPriceIsRefusedUntilThatHasEnded) {
  bring_in(kTable);
  const std::string handle = put(offer("op-1", 2990, 60s, 120s));
  const std::string cheap = "编号,商品名称,售价\nA1,延边苹果梨,29.90\n";
  const auto refused = bring_in(cheap);
  ASSERT_THAT(refused.refused, SizeIs(1));
  EXPECT_THAT(refused.refused[0].problems, ElementsAre(Field(&Problem::where, "row 2, 售价")));
  EXPECT_EQ(item({"A1", ""}).price.minor, 3990);
  now_ = kNow + 120s;
  EXPECT_EQ(bring_in(cheap).changed, 1);
}

// ---- what staff type

TEST_F(LocalTest, ATypedItemIsKeptAndTypedTwiceIsOnce) {
  LocalItem typed{pears(), "门店价", 0};
  const auto first = shop().put_item(typed);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*shop().put_item(typed), *first) << "the answer was lost, the form is sent again";
  open();
  const auto found = *shop().find(pears().ref);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->edition, *first);
  EXPECT_EQ(found->reference_basis, "门店价");
  EXPECT_EQ(found->item.price, pears().price);
}

TEST_F(LocalTest, AFormThatSomebodyElseOvertookIsRefused) {
  ASSERT_TRUE(shop().put_item({pears(), "门店价", 0}));
  LocalItem mine = **shop().find(pears().ref);
  LocalItem theirs = mine;
  theirs.item.price.minor = 4500;
  ASSERT_TRUE(shop().put_item(theirs));
  mine.item.title = "苹果梨";
  const auto late = shop().put_item(mine);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kStaleRevision);
  EXPECT_EQ(item(pears().ref).price.minor, 4500);
}

TEST_F(LocalTest, ASaleDoesNotOvertakeAFormAndTheFormDoesNotUndoTheSale) {
  ASSERT_TRUE(shop().put_item({pears(), "门店价", 0}));
  LocalItem mine = **shop().find(pears().ref);
  ASSERT_TRUE(reserve("form-1", 2, pears().ref));
  mine.item.title = "苹果梨";
  ASSERT_TRUE(shop().put_item(mine));
  EXPECT_EQ(stock(pears().ref), 10);
  EXPECT_EQ(item(pears().ref).title, "苹果梨");
}

TEST_F(LocalTest, ATypedItemIsHeldAgainstTheSameRulesAsARow) {
  LocalItem bad{pears(), "门店价", 0};
  bad.item.reference_price = bad.item.price;
  EXPECT_EQ(shop().put_item(bad).error().code, ErrorCode::kInvalidInput);
  bad = {pears(), "门店价", 0};
  bad.item.title = "梨\u202e";
  EXPECT_EQ(shop().put_item(bad).error().code, ErrorCode::kInvalidInput);
  EXPECT_FALSE(shop().find(pears().ref)->has_value());
  bad = {pears(), "门店价", 7};
  EXPECT_EQ(shop().put_item(bad).error().code, ErrorCode::kNotFound);
}

// ---- what the rest of the program sees

TEST_F(LocalTest, ChangesComeInPagesAndThenOnlyWhatIsNew) {
  std::string table = "编号,商品名称,售价\n";
  for (int i = 0; i < 1'200; ++i) table += "A" + std::to_string(i) + ",梨,10\n";
  bring_in(table);
  std::string cursor;
  size_t items = 0;
  int pages = 0;
  for (bool is_complete = false; !is_complete; ++pages) {
    const auto page = adapter().changes(cursor, kSoon);
    ASSERT_TRUE(page) << page.error().message;
    items += page->items.size();
    cursor = page->next_cursor;
    is_complete = page->is_complete;
  }
  EXPECT_EQ(items, 1'200U);
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(adapter().changes(cursor, kSoon)->items, IsEmpty());
  adapter().set_stock({"A7", ""}, 3, std::nullopt, kSoon);
  open();  // a cursor outlives the program
  const auto later = adapter().changes(cursor, kSoon);
  ASSERT_THAT(later->items, SizeIs(1));
  EXPECT_EQ(later->items[0].ref.product, "A7");
}

TEST_F(LocalTest, ACursorOfAnotherLifeBeginsAgainAndNonsenseIsRefused) {
  bring_in(kTable);
  EXPECT_THAT(adapter().changes("999", kSoon)->items, SizeIs(2)) << "the store was restored from a backup";
  EXPECT_EQ(adapter().changes("x", kSoon).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(adapter().orders("-1", kSoon).error().code, ErrorCode::kInvalidInput);
}

TEST_F(LocalTest, NoChangeIsLostToOneThatReadsMeanwhile) {
  std::string table = "编号,商品名称,售价,库存\n";
  for (int i = 0; i < 20; ++i) table += "A" + std::to_string(i) + ",梨,10,1000\n";
  bring_in(table);
  std::atomic<bool> is_done = false;
  std::jthread staff([&] {
    for (int i = 0; i < 200; ++i)
      adapter().set_stock({"A" + std::to_string(i % 20), ""}, i, std::nullopt, kSoon);
    is_done = true;
  });
  std::map<Ref, CatalogueItem> seen;
  std::string cursor;
  for (bool is_last = false; !is_last;) {
    is_last = is_done;
    const auto page = adapter().changes(cursor, kSoon);
    ASSERT_TRUE(page) << page.error().message;
    for (const auto& one : page->items) seen[one.ref] = one;
    cursor = page->next_cursor;
  }
  ASSERT_THAT(seen, SizeIs(20));
  for (const auto& [ref, one] : seen) EXPECT_EQ(one, item(ref));
}

TEST_F(LocalTest, TheCatalogueTakesAllOfItAndADeletedProductLeavesItsVariants) {
  bring_in("编号,SKU,商品名称,售价\nT1,,衫,59\nT1,T1-R,衫 红,59\n");
  Catalogue catalogue(*store_, "local", kRules);
  ASSERT_TRUE(catalogue.apply(*adapter().changes("", kSoon), now_));
  bring_in("编号,SKU,商品名称,售价,状态\nT1,,衫,59,删除\n");
  const auto applied = catalogue.apply(*adapter().changes(*catalogue.cursor(), kSoon), now_);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->changed, 1);
  EXPECT_EQ(catalogue.find({"T1", ""})->value().item.availability, Availability::kDeleted);
  EXPECT_EQ(catalogue.find({"T1", "T1-R"})->value().item.availability, Availability::kListed);
}

TEST_F(LocalTest, AnItemIsFoundByItsPinyin) {
  bring_in(
      "编号,商品名称,售价\nA1,延边苹果梨 5 斤装,39.90\nA2,老坛山楂罐头,45.80\nYB3,茶,99\nA4,Ｐro 杯,9\n");
  Catalogue catalogue(*store_, "local", kRules);
  ASSERT_TRUE(catalogue.apply(*adapter().changes("", kSoon), now_));
  const auto found = [&](const std::string& search) {
    std::vector<std::string> skus;
    const auto page = catalogue.page(search, 0, 10);
    for (const auto& row : page->rows) skus.push_back(row.item.ref.product);
    EXPECT_EQ(page->total, static_cast<int64_t>(skus.size()));
    return skus;
  };
  EXPECT_THAT(found("ybpgl"), ElementsAre("A1"));
  EXPECT_THAT(found("YBPGL 5j"), ElementsAre("A1"));
  EXPECT_THAT(found("shanzha"), ElementsAre("A2"));
  EXPECT_THAT(found("yb"), ElementsAre("A1", "YB3")) << "the number too";
  EXPECT_THAT(found("苹果"), ElementsAre("A1"));
  EXPECT_THAT(found("y%b"), IsEmpty());
  EXPECT_THAT(found(""), SizeIs(4));
}

TEST_F(LocalTest, ReadingSaysWhatIsGoneAndTakesNoMoreThanItSaid) {
  bring_in("编号,SKU,商品名称,售价\nT1,T1-R,衫 红,59\n");
  const std::vector<Ref> refs = {{"T1", "T1-R"}, {"T1", "T1-B"}, {"T9", ""}, {"T1", ""}};
  const auto read = adapter().read_items(refs, kSoon);
  EXPECT_THAT(read->items, SizeIs(2)) << "T1-R by its id, and for its product";
  EXPECT_THAT(read->gone, ElementsAre(Ref{"T1", "T1-B"}, Ref{"T9", ""}));
  EXPECT_THAT(read->refused, IsEmpty());
  const std::vector<Ref> many(adapter().capabilities().most_items_a_read + 1, Ref{"T1", ""});
  EXPECT_EQ(adapter().read_items(many, kSoon).error().code, ErrorCode::kInvalidInput);
}

TEST_F(LocalTest, ADeadlineThatIsOverIsKept) {
  bring_in(kTable);
  const Adapter::Deadline over{steady_now() - 1ms};
  EXPECT_EQ(adapter().changes("", over).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(adapter().set_stock({"A1", ""}, 1, std::nullopt, over).result, WriteResult::kUnavailable);
  EXPECT_EQ(stock({"A1", ""}), 12);
}

// ---- timed prices

TEST_F(LocalTest, ATimedPriceHoldsFromItsBeginToJustBeforeItsEnd) {
  bring_in(kTable);
  put(offer("op-1", 2990, 60s, 120s));
  const Ref ref{"A1", ""};
  EXPECT_EQ(price_at(ref, kNow + 60s - 1us), 3990);
  EXPECT_EQ(price_at(ref, kNow + 60s), 2990);
  EXPECT_EQ(item(ref).base_price, (Money{3990, kYuan}));
  EXPECT_EQ(price_at(ref, kNow + 120s - 1us), 2990);
  EXPECT_EQ(price_at(ref, kNow + 120s), 3990);
  EXPECT_EQ(item({"A2", ""}).price.minor, 129900);
}

TEST_F(LocalTest, EqualVersionsAreEqualRows) {
  bring_in(kTable);
  put(offer("op-1", 2990, 60s, 120s));
  const CatalogueItem before = item({"A1", ""});
  now_ = kNow + 60s;
  const CatalogueItem during = item({"A1", ""});
  now_ = kNow + 120s;
  EXPECT_NE(before.version, during.version);
  EXPECT_EQ(item({"A1", ""}), before);
}

TEST_F(LocalTest, WindowsMayTouchAndNotOverlap) {
  bring_in(kTable);
  put(offer("op-1", 2990, 60s, 120s));
  put(offer("op-2", 1990, 120s, 180s));
  put(offer("op-3", 3490, 0s, 60s));
  for (const auto& overlapping :
       {offer("op-4", 990, 119s, 130s), offer("op-4", 990, 0s, 1h), offer("op-4", 990, 61s, 62s)}) {
    const auto outcome = adapter().put_timed_price(overlapping, kSoon);
    EXPECT_EQ(outcome.result, WriteResult::kRejected);
    EXPECT_EQ(outcome.code, "overlap");
  }
  EXPECT_EQ(price_at({"A1", ""}, kNow + 119s), 2990);
  EXPECT_EQ(price_at({"A1", ""}, kNow + 120s), 1990);
}

TEST_F(LocalTest, ATimedPriceSentTwiceIsOneAndItsOperationIsFoundAgain) {
  bring_in(kTable);
  const std::string handle = put(offer("op-1", 2990, 0s, 120s));
  open();
  const auto again = adapter().put_timed_price(offer("op-1", 2990, 0s, 120s), kSoon);
  EXPECT_EQ(again.result, WriteResult::kAlready);
  EXPECT_EQ(again.handle, handle);
  EXPECT_EQ(*adapter().find_timed_price("op-1", kSoon), handle);
  EXPECT_EQ(*adapter().find_timed_price("op-2", kSoon), std::nullopt);
  EXPECT_EQ(adapter().put_timed_price(offer("op-1", 2890, 0s, 120s), kSoon).result, WriteResult::kRejected)
      << "one operation says one thing";
  EXPECT_EQ(item({"A1", ""}).price.minor, 2990);
}

TEST_F(LocalTest, ATimedPriceThatIsWrongIsRefusedWhole) {
  bring_in("编号,SKU,商品名称,售价\nT1,T1-R,衫 红,59\nT1,T1-B,衫 蓝,49\nT2,,帽,39\n");
  const auto wrong = [&](const char* code, std::map<Ref, Money> prices, std::chrono::seconds from,
                         std::chrono::seconds until, const char* operation = "op-1") {
    const auto outcome =
        adapter().put_timed_price({operation, "", std::move(prices), {kNow + from, kNow + until}}, kSoon);
    EXPECT_EQ(outcome.result, WriteResult::kRejected) << code;
    EXPECT_EQ(outcome.code, code) << outcome.text;
  };
  const Ref red{"T1", "T1-R"};
  const Ref blue{"T1", "T1-B"};
  const Money low{990, kYuan};
  wrong("price", {{red, low}, {blue, {4900, kYuan}}}, 0s, 60s);
  wrong("price", {{red, {0, kYuan}}}, 0s, 60s);
  wrong("price", {{red, {990, {'U', 'S', 'D'}}}}, 0s, 60s);
  wrong("prices", {}, 0s, 60s);
  wrong("prices", {{red, low}, {{"T2", ""}, low}}, 0s, 60s);
  wrong("not_found", {{red, low}, {{"T1", "T1-G"}, low}}, 0s, 60s);
  wrong("window", {{red, low}}, 60s, 60s);
  wrong("window", {{red, low}}, -60s, 0s);
  wrong("operation", {{red, low}}, 0s, 60s, "");
  EXPECT_EQ(item(red).price.minor, 5900) << "nothing of them was written";
  EXPECT_EQ(*adapter().find_timed_price("op-1", kSoon), std::nullopt);
}

TEST_F(LocalTest, ATimedPriceEndsAtOnceAndOnlyOnce) {
  bring_in(kTable);
  const std::string handle = put(offer("op-1", 2990, 0s, 120s));
  EXPECT_EQ(price_at({"A1", ""}, kNow + 30s), 2990);
  EXPECT_EQ(adapter().end_timed_price(handle, kSoon).result, WriteResult::kDone);
  EXPECT_EQ(item({"A1", ""}).price.minor, 3990);
  EXPECT_EQ(adapter().end_timed_price(handle, kSoon).result, WriteResult::kAlready);
  EXPECT_EQ(adapter().end_timed_price("999", kSoon).result, WriteResult::kAlready);
  EXPECT_EQ(adapter().end_timed_price("of another shop", kSoon).result, WriteResult::kAlready);
  put(offer("op-2", 1990, 30s, 60s));
  EXPECT_EQ(item({"A1", ""}).price.minor, 1990) << "the time is free again";
}

TEST_F(LocalTest, ATimedPriceThatIsEndedBeforeItBeginsNeverHolds) {
  bring_in(kTable);
  const std::string handle = put(offer("op-1", 2990, 60s, 120s));
  EXPECT_EQ(adapter().end_timed_price(handle, kSoon).result, WriteResult::kDone);
  EXPECT_EQ(adapter().end_timed_price(handle, kSoon).result, WriteResult::kAlready);
  EXPECT_EQ(price_at({"A1", ""}, kNow + 90s), 3990);
  now_ = kNow;
  put(offer("op-2", 1990, 0s, 180s));
  EXPECT_EQ(bring_in("编号,商品名称,售价\nA1,延边苹果梨,25\n").changed, 1)
      << "above 19.90, and 29.90 is no more";
}

// ---- listing and stock

TEST_F(LocalTest, ListingIsAbsolute) {
  bring_in(kTable);
  const Ref ref{"A1", ""};
  EXPECT_EQ(adapter().set_listing(ref, Adapter::Listing::kOn, kSoon).result, WriteResult::kAlready);
  EXPECT_EQ(adapter().set_listing(ref, Adapter::Listing::kOff, kSoon).result, WriteResult::kDone);
  EXPECT_EQ(item(ref).availability, Availability::kDelisted);
  EXPECT_EQ(adapter().set_listing(ref, Adapter::Listing::kOff, kSoon).result, WriteResult::kAlready);
  EXPECT_EQ(adapter().set_listing({"A9", ""}, Adapter::Listing::kOn, kSoon).result, WriteResult::kRejected);
}

TEST_F(LocalTest, ChangingListingOrStockUnderATimedPriceKeepsThePrice) {
  bring_in(kTable);
  put(offer("op-1", 2990, 0s, 120s));
  adapter().set_listing({"A1", ""}, Adapter::Listing::kOff, kSoon);
  adapter().set_stock({"A1", ""}, 3, 12, kSoon);
  ASSERT_TRUE(reserve("form-1", 1));
  EXPECT_EQ(price_at({"A1", ""}, kNow + 119s), 2990);
  EXPECT_EQ(price_at({"A1", ""}, kNow + 120s), 3990);
}

TEST_F(LocalTest, StockIsSetOnlyWhereItIsWhatWasExpected) {
  bring_in(kTable);
  const Ref ref{"A1", ""};
  ASSERT_TRUE(reserve("form-1", 5));
  const auto conflict = adapter().set_stock(ref, 30, 12, kSoon);
  EXPECT_EQ(conflict.result, WriteResult::kConflict);
  EXPECT_THAT(conflict.text, HasSubstr("7"));
  EXPECT_EQ(stock(ref), 7);
  EXPECT_EQ(adapter().set_stock(ref, 30, 7, kSoon).result, WriteResult::kDone);
  EXPECT_EQ(adapter().set_stock(ref, 30, 7, kSoon).result, WriteResult::kAlready)
      << "sent again after a lost answer";
  EXPECT_EQ(adapter().set_stock(ref, -1, std::nullopt, kSoon).result, WriteResult::kRejected);
  EXPECT_EQ(adapter().set_stock({"A2", ""}, 5, 4, kSoon).result, WriteResult::kConflict)
      << "it is not counted";
  EXPECT_EQ(adapter().set_stock({"A2", ""}, 5, std::nullopt, kSoon).result, WriteResult::kDone);
}

// ---- orders by hand

TEST_F(LocalTest, AReservationHoldsTheStockAtThePriceOfTheMoment) {
  bring_in(kTable);
  put(offer("op-1", 2990, 0s, 60s));
  const auto order = reserve("form-1", 3);
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(order->state, OrderState::kOpen);
  EXPECT_EQ(order->total, (Money{8970, kYuan}));
  EXPECT_EQ(order->balance(), (Money{8970, kYuan}));
  ASSERT_THAT(order->lines, SizeIs(1));
  EXPECT_EQ(order->lines[0].unit_price.minor, 2990);
  EXPECT_EQ(order->placed_at, kNow);
  EXPECT_EQ(stock({"A1", ""}), 9);
}

TEST_F(LocalTest, AReservationSentTwiceIsOne) {
  bring_in(kTable);
  const auto first = reserve("form-1", 3);
  open();
  const auto again = reserve("form-1", 3);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(stock({"A1", ""}), 9);
  EXPECT_EQ(reserve("form-1", 4).error().code, ErrorCode::kInvalidInput) << "one form says one thing";
  EXPECT_THAT(adapter().orders("", kSoon)->orders, SizeIs(1));
}

TEST_F(LocalTest, AReservationThatCantBeHeldWholeHoldsNothing) {
  bring_in(kTable);
  const auto order =
      shop().reserve({"form-1", {{{"A1", ""}, 2, {}}, {{"A9", ""}, 1, {}}, {{"A1", ""}, 11, {}}}, "", ""});
  ASSERT_FALSE(order);
  EXPECT_THAT(order.error().message, HasSubstr("at most 10"));
  EXPECT_THAT(order.error().message, HasSubstr("A9"));
  EXPECT_EQ(stock({"A1", ""}), 12);
  EXPECT_THAT(adapter().orders("", kSoon)->orders, IsEmpty());
}

TEST_F(LocalTest, AReservationThatIsWrongIsRefused) {
  bring_in(kTable);
  const auto refused = [&](const LocalShop::Reservation& reservation, const char* where) {
    const auto order = shop().reserve(reservation);
    ASSERT_FALSE(order) << where;
    EXPECT_THAT(order.error().message, testing::StartsWith(where));
  };
  const Ref ref{"A1", ""};
  refused({"", {{ref, 1, {}}}, "", ""}, "operation");
  refused({"form-1", {}, "", ""}, "lines");
  refused({"form-1", {{ref, 0, {}}}, "", ""}, "line A1");
  refused({"form-1", {{ref, 1, Money{0, kYuan}}}, "", ""}, "line A1");
  refused({"form-1", {{ref, 1, Money{100, {'U', 'S', 'D'}}}}, "", ""}, "line A1");
  refused({"form-1", {{ref, 1, {}}}, "张三", ""}, "name");
}

TEST_F(LocalTest, TwelveBuyersOfFivePiecesGetFive) {
  bring_in("编号,商品名称,售价,库存\nA1,延边苹果梨,39.90,5\n");
  std::atomic<int> served = 0;
  {
    std::vector<std::jthread> buyers;
    buyers.reserve(12);
    for (int i = 0; i < 12; ++i)
      buyers.emplace_back([&, i] {
        if (reserve("form-" + std::to_string(i), 1)) ++served;
      });
  }
  EXPECT_EQ(served.load(), 5);
  EXPECT_EQ(stock({"A1", ""}), 0);
}

TEST_F(LocalTest, ADepositAndItsBalanceAreOneSale) {
  bring_in(kTable);
  const auto order = reserve("form-1", 1, {"A2", ""});
  const auto deposit = shop().pay(order->id, payment("pay-1", 20000));
  ASSERT_TRUE(deposit) << deposit.error().message;
  EXPECT_EQ(deposit->state, OrderState::kDepositPaid);
  EXPECT_EQ(deposit->balance(), (Money{109900, kYuan}));
  const auto seen = *adapter().orders("", kSoon);

  EXPECT_EQ(shop().pay(order->id, payment("pay-1", 20000))->payments.size(), 1U) << "sent twice";
  EXPECT_FALSE(shop().pay(order->id, payment("pay-1", 30000))) << "one form says one thing";
  EXPECT_FALSE(shop().pay(order->id, payment("pay-2", 109901))) << "more than is owed";
  EXPECT_FALSE(shop().pay(order->id, payment("pay-2", 0)));
  const auto balance = shop().pay(order->id, payment("pay-2", 109900));
  ASSERT_TRUE(balance) << balance.error().message;
  EXPECT_EQ(balance->state, OrderState::kPaid);
  EXPECT_EQ(balance->balance().minor, 0);
  EXPECT_FALSE(shop().pay(order->id, payment("pay-3", 1)));

  const auto later = *adapter().orders(seen.next_cursor, kSoon);  // a payment moves the cursor here
  ASSERT_THAT(later.orders, SizeIs(1));
  EXPECT_THAT(later.orders[0].payments, SizeIs(2));
  const std::vector<std::string> ids = {order->id, "77", "x"};
  EXPECT_THAT(adapter().read_orders(ids, kSoon)->orders, SizeIs(1));
  EXPECT_EQ(shop().pay("77", payment("pay-1", 1)).error().code, ErrorCode::kNotFound);
}

TEST_F(LocalTest, WhatIsCancelledOrRefundedGoesBackIntoTheStockOnceUnlessItWasShipped) {
  bring_in(kTable);
  const Ref ref{"A1", ""};
  const std::string open_order = reserve("form-1", 2)->id;
  const std::string paid = reserve("form-2", 3)->id;
  const std::string shipped = reserve("form-3", 4)->id;
  for (const auto& id : {paid, shipped})
    ASSERT_TRUE(shop().pay(
        id, payment("pay", adapter().read_orders(std::span(&id, 1), kSoon)->orders[0].total.minor)));
  EXPECT_EQ(stock(ref), 3);

  EXPECT_FALSE(shop().close(open_order, OrderState::kShipped)) << "nothing was paid";
  ASSERT_TRUE(shop().close(open_order, OrderState::kCancelled));
  ASSERT_TRUE(shop().close(open_order, OrderState::kCancelled));
  EXPECT_EQ(stock(ref), 5);
  EXPECT_FALSE(shop().close(open_order, OrderState::kRefunded));

  EXPECT_FALSE(shop().close(paid, OrderState::kCancelled)) << "the money must go back";
  ASSERT_TRUE(shop().close(paid, OrderState::kRefunded));
  EXPECT_EQ(stock(ref), 8);

  ASSERT_TRUE(shop().close(shipped, OrderState::kShipped));
  ASSERT_TRUE(shop().close(shipped, OrderState::kRefunded));
  EXPECT_EQ(stock(ref), 8) << "whether it came back whole, staff must see";
}

TEST_F(LocalTest, WhatWasNotCountedWhenItWasReservedIsNotGivenBack) {
  bring_in(kTable);
  const Ref ref{"A2", ""};
  const std::string order = reserve("form-1", 2, ref)->id;
  adapter().set_stock(ref, 10, std::nullopt, kSoon);
  ASSERT_TRUE(shop().close(order, OrderState::kCancelled));
  EXPECT_EQ(stock(ref), 10);
}

TEST_F(LocalTest, KnowsNoEvents) {
  EXPECT_EQ(adapter().decode_event({}, "{}", now_).error().code, ErrorCode::kProtocol);
  EXPECT_FALSE(adapter().capabilities().has_events);
}

}  // namespace
}  // namespace vitrine::commerce
