// SPDX-License-Identifier: Apache-2.0
#include "commerce/blob_store.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/photo_book.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BlobStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    open();
  }
  void open() {
    auto opened = BlobStore::open(blob_dir(), *store_);
    ASSERT_TRUE(opened) << opened.error().message;
    blobs_ = std::move(*opened);
  }
  std::string put(const std::string& bytes) {
    auto hash = blobs_->put(blobs_->begin_adding(), bytes);
    EXPECT_TRUE(hash) << hash.error().message;
    return hash.value_or("");
  }
  [[nodiscard]] fs::path blob_dir() const { return dir_.path() / "blobs"; }
  [[nodiscard]] fs::path file(const std::string& hash) const {
    return blob_dir() / hash.substr(0, 2) / hash.substr(2);
  }
  /// The other way round than now: everything is old.
  static Instant tomorrow() { return system_now() + std::chrono::hours(24); }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<BlobStore> blobs_;
};

TEST_F(BlobStoreTest, EqualBytesAreOneFileNamedByTheirHash) {
  const std::string hash = put("abc");
  // BLAKE2b-256 of "abc", as b2sum -l 256 says.
  EXPECT_EQ(hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  EXPECT_EQ(put("abc"), hash);
  EXPECT_EQ(fakes::read_file(file(hash)), "abc");
  EXPECT_EQ(blobs_->read(hash).value(), "abc");
  open();
  EXPECT_EQ(blobs_->read(hash).value(), "abc");
}

TEST_F(BlobStoreTest, WhatIsNotThereIsSaidAndANameIsNeverAPath) {
  EXPECT_EQ(blobs_->read(std::string(64, 'a')).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(blobs_->has("../store.sqlite3"));
  EXPECT_EQ(blobs_->read("../store.sqlite3").error().code, ErrorCode::kNotFound);
}

TEST_F(BlobStoreTest, AFileThatTheDiskChangedIsNotGivenOutAndIsMendedByPuttingItAgain) {
  const std::string hash = put("what was scanned");
  std::ofstream(file(hash), std::ios::binary) << "what was Scanned";
  EXPECT_EQ(blobs_->read(hash).error().code, ErrorCode::kIo);
  EXPECT_THAT(blobs_->read(hash).error().message, HasSubstr("the disk has changed it"));
  EXPECT_EQ(put("what was scanned"), hash);
  EXPECT_EQ(blobs_->read(hash).value(), "what was scanned");
}

TEST_F(BlobStoreTest, WhatACrashLeftHalfWrittenIsGoneAfterTheNextStart) {
  std::ofstream(blob_dir() / ".unfinished-abc123") << "half";
  open();
  EXPECT_FALSE(fs::exists(blob_dir() / ".unfinished-abc123"));
}

TEST_F(BlobStoreTest, TheSweepTakesOnlyWhatNoRowNamesAndIsOld) {
  PhotoBook book(*store_, "local");
  const std::string kept = put("named");
  const std::string gone = put("not named");
  ASSERT_TRUE(book.put_shop_photo("a.jpg", {kept, {48, 32}}, system_now()));
  EXPECT_EQ(blobs_->sweep(system_now() - std::chrono::hours(24)).value(), 0) << "a backup may name it";
  EXPECT_EQ(blobs_->sweep(tomorrow()).value(), 1);
  EXPECT_TRUE(blobs_->has(kept));
  EXPECT_FALSE(blobs_->has(gone));
}

TEST_F(BlobStoreTest, PuttingWhatIsThereMakesItYoungAgain) {
  const std::string hash = put("shown again");
  fs::last_write_time(file(hash), fs::file_time_type::clock::now() - std::chrono::hours(48));
  EXPECT_EQ(put("shown again"), hash);
  EXPECT_EQ(blobs_->sweep(system_now() - std::chrono::hours(24)).value(), 0);
}

TEST_F(BlobStoreTest, TheSweepNeverTakesWhatIsJustBeingAdded) {
  PhotoBook book(*store_, "local");
  std::atomic<bool> is_over = false;
  std::jthread sweeper([&] {
    while (!is_over) EXPECT_TRUE(blobs_->sweep(tomorrow()));
  });
  for (int i = 0; i < 60; ++i) {
    const auto adding = blobs_->begin_adding();
    const auto hash = blobs_->put(adding, "photo " + std::to_string(i % 3));
    ASSERT_TRUE(hash) << hash.error().message;
    std::this_thread::yield();
    ASSERT_TRUE(book.put_shop_photo("a.jpg", {*hash, {1, 1}}, system_now()));
    ASSERT_TRUE(blobs_->has(*hash)) << "round " << i;
  }
  is_over = true;
}

}  // namespace
}  // namespace vitrine::commerce
