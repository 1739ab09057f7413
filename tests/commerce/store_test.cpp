// SPDX-License-Identifier: Apache-2.0
#include "commerce/store.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/catalogue.h"
#include "commerce/outbox.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const RowRules kRules{kYuan, 10'000'000};

class StoreTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    store_.reset();
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  Catalogue catalogue() { return {*store_, "local", kRules}; }
  Outbox outbox() { return Outbox(*store_); }

  void put(const CatalogueItem& item) {
    const auto applied = catalogue().apply(ReadItems{{item}, {}, {}}, system_now());
    ASSERT_TRUE(applied) << applied.error().message;
  }
  std::string enqueue(const std::string& lane, Operation::Kind kind = Operation::Kind::kPutTimedPrice,
                      Operation::Priority priority = Operation::Priority::kStart) {
    Operation operation;
    operation.backend = "local";
    operation.lane = lane;
    operation.kind = kind;
    operation.priority = priority;
    operation.body = {{"ref", lane}};
    operation.created_at = system_now();
    const auto written = store_->write([&](SQLite::Database& database) -> Status {
      outbox().add(database, operation);
      return {};
    });
    EXPECT_TRUE(written) << written.error().message;
    return operation.id;
  }
  [[nodiscard]] fs::path file() const { return dir_.path() / "store.sqlite3"; }
  /// Overwrites pages in the middle, as a dying disk does.
  void damage(const fs::path& path) const {
    std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto bytes = static_cast<std::streamoff>(fs::file_size(path));
    out.seekp(bytes / 3);
    const std::string noise(static_cast<size_t>(bytes / 3), '\x5a');
    out.write(noise.data(), static_cast<std::streamsize>(noise.size()));
  }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, KeepsWhatWasWrittenAndNothingOfWhatFailed) {
  put(pears("kept"));
  const auto refused = store_->write([&](SQLite::Database& database) -> Status {
    database.exec("DELETE FROM item");
    return fail(ErrorCode::kStopped, "thought better of it");
  });
  EXPECT_FALSE(refused);
  const auto thrown = store_->write([&](SQLite::Database& database) -> Status {
    database.exec("DELETE FROM item");
    database.exec("no such statement");
    return {};
  });
  EXPECT_FALSE(thrown);
  open();
  EXPECT_THAT(*catalogue().list(), SizeIs(1));
  EXPECT_THAT(store_->repairs(), IsEmpty());
}

TEST_F(StoreTest, OfWritesThatComeTogetherEachIsAllThereOrNotAtAll) {
  constexpr int kWriters = 8;
  constexpr int kWrites = 40;
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < kWriters; ++writer)
      writers.emplace_back([this, writer] {
        for (int i = 0; i < kWrites; ++i) {
          const std::string lane = fmt::format("p{}-{}", writer, i);
          const auto written = store_->write([&](SQLite::Database& database) -> Status {
            Operation operation;
            operation.backend = "local";
            operation.lane = lane;
            operation.kind = Operation::Kind::kPutTimedPrice;
            outbox().add(database, operation);
            if (i % 3 == 1) return fail(ErrorCode::kStopped, "thought better of it");
            if (i % 3 == 2) database.exec("no such statement");
            return {};
          });
          EXPECT_EQ(written.has_value(), i % 3 == 0) << lane;
        }
      });
  }
  open();
  const auto operations = *outbox().list("local", 1000);
  EXPECT_THAT(operations, SizeIs(kWriters * ((kWrites + 2) / 3)));
  for (const auto& operation : operations)
    EXPECT_EQ(std::stoi(operation.lane.substr(operation.lane.find('-') + 1)) % 3, 0) << operation.lane;
  size_t noted = 0;
  for (const auto& entry : fs::directory_iterator(dir_.path() / "journal"))
    noted += static_cast<size_t>(std::ranges::count(fakes::read_file(entry.path()), '\n'));
  EXPECT_EQ(noted, operations.size());
}

TEST_F(StoreTest, AReaderSeesOneMomentAndHoldsUpNoWriter) {
  put(pears("a"));
  const auto read = store_->read([&](SQLite::Database& database) -> Status {
    const auto count = [&] { return database.execAndGet("SELECT count(*) FROM item").getInt(); };
    EXPECT_EQ(count(), 1);
    put(pears("b"));
    EXPECT_EQ(count(), 1);
    return {};
  });
  ASSERT_TRUE(read);
  EXPECT_THAT(*catalogue().list(), SizeIs(2));
}

TEST_F(StoreTest, RefusesAFileOfANewerVersionAndLeavesItAlone) {
  put(pears());
  store_.reset();
  { SQLite::Database(file().string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 999"); }
  const auto opened = Store::open({dir_.path(), 3});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(SQLite::Database(file().string()).execAndGet("SELECT count(*) FROM item").getInt(), 1);
}

TEST_F(StoreTest, KeepsTheNewestBackupsAndTheJournalsTheyNeed) {
  for (int i = 0; i < 5; ++i) {
    enqueue("p" + std::to_string(i));
    ASSERT_TRUE(store_->back_up());
  }
  const auto count = [&](const char* directory) {
    return std::distance(fs::directory_iterator(dir_.path() / directory), fs::directory_iterator());
  };
  EXPECT_EQ(count("backups"), 3);
  EXPECT_EQ(count("journal"), 3);
}

TEST_F(StoreTest, ADamagedFileIsSetAsideAndTheNewestWholeBackupComesBackWithTheOutbox) {
  put(pears("before"));
  const std::string before = enqueue("p1");
  ASSERT_TRUE(store_->back_up());
  put(pears("later"));
  ASSERT_TRUE(store_->back_up());
  const std::string after = enqueue("p2");
  const std::string ended = enqueue("p3");
  const auto operations = *outbox().list("local", 10);
  for (const auto& operation : operations)
    if (operation.id == ended) {
      ASSERT_TRUE(outbox().end(operation, Operation::State::kDone, "done", system_now()));
    }
  for (int i = 0; i < 200; ++i) put(pears("bulk" + std::to_string(i)));  // so that there are pages to lose
  store_.reset();
  std::vector<fs::path> backups;
  for (const auto& entry : fs::directory_iterator(dir_.path() / "backups")) backups.push_back(entry.path());
  damage(*std::ranges::max_element(backups));
  damage(file());

  open();
  EXPECT_THAT(store_->repairs(), SizeIs(3)) << "damaged, one backup damaged, the other took its place";
  std::map<std::string, Operation::State> states;
  const auto restored = *outbox().list("local", 10);
  for (const auto& operation : restored) states[operation.id] = operation.state;
  EXPECT_EQ(states[before], Operation::State::kQueued);
  EXPECT_EQ(states[after], Operation::State::kUnknown) << "it may have been sent";
  EXPECT_EQ(states[ended], Operation::State::kDone);
  ASSERT_THAT(*catalogue().list(), SizeIs(1));
  EXPECT_EQ(catalogue().list()->front().item.ref.variant, "before");
  EXPECT_TRUE(std::ranges::any_of(fs::directory_iterator(dir_.path()), [](const auto& entry) {
    return entry.path().filename().string().starts_with("store.sqlite3.damaged-");
  }));
}

TEST_F(StoreTest, WithoutAnyWholeBackupItBeginsEmptyAndKeepsTheOutbox) {
  const std::string id = enqueue("p1");
  for (int i = 0; i < 200; ++i) put(pears(std::to_string(i)));
  store_.reset();
  std::ofstream(file(), std::ios::trunc) << "this is not a database, and was never one";
  open();
  EXPECT_THAT(store_->repairs(), testing::Contains(HasSubstr("begins empty")));
  ASSERT_THAT(*outbox().list("local", 10), SizeIs(1));
  EXPECT_EQ(outbox().list("local", 10)->front().id, id);
}

TEST_F(StoreTest, OutboxKeepsTheOrderOfALaneAndLetsEndsGoFirst) {
  enqueue("p0");
  const std::string other = enqueue("p2", Operation::Kind::kEndTimedPrice, Operation::Priority::kEnd);
  enqueue("p1");
  enqueue("p1", Operation::Kind::kEndTimedPrice, Operation::Priority::kEnd);
  auto next = *outbox().next("local", system_now());
  ASSERT_TRUE(next);
  EXPECT_EQ(next->id, other) << "p1's end waits for p1's start, and both for p2's, which is older";
  ASSERT_TRUE(outbox().begin(*next, system_now()));
  open();  // a crash: it is there, and says that it was under way
  next = *outbox().next("local", system_now());
  EXPECT_EQ(next->id, other);
  EXPECT_EQ(next->state, Operation::State::kSending);
  EXPECT_EQ(next->attempts, 1);
  const Instant later = system_now() + std::chrono::seconds(10);
  ASSERT_TRUE(outbox().postpone(*next, Operation::State::kUnknown, "no answer", later));
  next = *outbox().next("local", system_now());
  ASSERT_TRUE(next);
  EXPECT_EQ(next->lane, "p1") << "as urgent as the end that waits behind it";
  EXPECT_EQ(next->kind, Operation::Kind::kPutTimedPrice);
  EXPECT_EQ(outbox().counts("local")->unknown, 1);
}

TEST_F(StoreTest, OutboxSendsOnlyTheNewestOfWishesThatReplaceEachOther) {
  enqueue("p1", Operation::Kind::kSetListing);
  const std::string elsewhere = enqueue("p2", Operation::Kind::kSetListing);
  const std::string newest = enqueue("p1", Operation::Kind::kSetListing);
  EXPECT_EQ(outbox().next("local", system_now())->value().id, elsewhere);
  EXPECT_EQ(outbox().counts("local")->open, 2);
  EXPECT_EQ(outbox().list("local", 1)->front().id, newest);
}

TEST_F(StoreTest, ABadRowNeverReplacesAGoodOneAndIsShown) {
  put(pears());
  CatalogueItem bad = pears();
  bad.price.minor = -100;
  CatalogueItem good = pears("other");
  const auto applied = catalogue().apply(ChangedItems{{bad, good}, {}, {}, "after", true}, system_now());
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->refused, 1);
  EXPECT_EQ(applied->added, 1);
  EXPECT_EQ(catalogue().find(pears().ref)->value().item, pears());
  ASSERT_THAT(*catalogue().refused(), SizeIs(1));
  EXPECT_EQ(catalogue().refused()->front().problems.front().where, "price");
  EXPECT_EQ(*catalogue().cursor(), "after");
  put(pears());
  EXPECT_THAT(*catalogue().refused(), IsEmpty()) << "a good row ends the refusal";
}

TEST_F(StoreTest, RowsThatClaimOneIdAndDifferAreAllRefused) {
  CatalogueItem cheap = pears();
  cheap.price.minor = 100;
  const auto applied =
      catalogue().apply(ReadItems{{pears(), cheap, pears("x"), pears("x")}, {}, {}}, system_now());
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->refused, 2);
  EXPECT_FALSE(catalogue().find(pears().ref)->has_value());
  EXPECT_TRUE(catalogue().find(pears("x").ref)->has_value());
}

TEST_F(StoreTest, AnItemIsFoundByItsNumberOrItsRefAndStandsFirstWhereItsNumberWasTyped) {
  CatalogueItem small = pears("v2");
  small.sku = "0001";
  CatalogueItem same = pears("v3");
  for (const auto& item : {pears(), small, same}) put(item);
  const auto refs = [](const auto& rows) {
    std::vector<std::string> found;
    for (const auto& row : rows) found.push_back(row.item.ref.text());
    return found;
  };
  using Refs = std::vector<std::string>;
  EXPECT_EQ(refs(*catalogue().called("p1/v2")), Refs{"p1/v2"});
  EXPECT_EQ(refs(*catalogue().called("0001")), Refs{"p1/v2"});
  EXPECT_EQ(refs(*catalogue().called("LS-0001-1")), (Refs{"p1/v1", "p1/v3"})) << "they share it";
  EXPECT_EQ(refs(*catalogue().called("p1")), Refs{}) << "a product is none of its variants";
  small.sku = "A-0001";
  same.sku = "0001";
  for (const auto& item : {small, same}) put(item);
  EXPECT_EQ(refs(catalogue().page("0001", 0, 10)->rows).front(), "p1/v3");
}

TEST_F(StoreTest, EveryChangeIsOneMoreVersionAndNoChangeIsNone) {
  put(pears());
  put(pears());
  EXPECT_EQ(catalogue().find(pears().ref)->value().version, 1);
  CatalogueItem sold = pears();
  sold.stock = 11;
  put(sold);
  EXPECT_EQ(catalogue().find(pears().ref)->value().version, 2);
  ASSERT_TRUE(catalogue().apply(ReadItems{{}, {}, {{"p1", ""}}}, system_now()));
  EXPECT_EQ(catalogue().find(pears().ref)->value().item.availability, Availability::kDeleted);
  EXPECT_EQ(catalogue().find(pears().ref)->value().version, 3);
}

}  // namespace
}  // namespace vitrine::commerce
