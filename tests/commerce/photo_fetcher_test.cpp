// SPDX-License-Identifier: Apache-2.0
#include "commerce/photo_fetcher.h"

#include <atomic>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/catalogue.h"
#include "test_items.h"
#include "test_pictures.h"
#include "tests/fakes/http_peer.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using fakes::HttpPeer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A shop's server for photos, and what it was asked.
class PhotoShop {
 public:
  using Answer = HttpPeer::Answer;
  explicit PhotoShop(Answer answer) : answer_(std::move(answer)) {}

  void answer(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  [[nodiscard]] std::string url(const std::string& path) const { return peer_.url() + path; }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  std::mutex mutex_;
  Answer answer_;  // guarded by mutex_
  std::atomic<int> asked_ = 0;
  HttpPeer peer_{[this](const std::string& head) {
    ++asked_;
    const std::lock_guard lock(mutex_);
    return answer_(head);
  }};
};

HttpPeer::Answer always(int status, const std::string& headers, const std::string& body) {
  return [=](const std::string& /*head*/) { return HttpPeer::say(status, headers, body); };
}

class PhotoFetcherTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    open_blobs();
    book_ = std::make_unique<PhotoBook>(*store_, "vendure");
  }
  void open_blobs() {
    auto blobs = BlobStore::open(blob_dir(), *store_);
    ASSERT_TRUE(blobs) << blobs.error().message;
    blobs_ = std::move(*blobs);
  }
  void put_item(const std::string& variant, const std::string& image_url) {
    CatalogueItem item = pears(variant);
    item.image_url = image_url;
    Catalogue catalogue(*store_, "vendure", {kYuan});
    ASSERT_TRUE(catalogue.apply(ReadItems{{item}, {}, {}}, system_now()));
    if (fetcher_) fetcher_->poke();
  }
  void start(std::vector<std::string> other_hosts = {}, std::chrono::milliseconds look_again = 1h) {
    fetcher_ = std::make_unique<PhotoFetcher>(PhotoFetcher::Parts{*book_, *blobs_},
                                              PhotoFetcher::Config{.shop_url = shop_.url(""),
                                                                   .other_hosts = std::move(other_hosts),
                                                                   .timeout = 2s,
                                                                   .first_retry = 10ms,
                                                                   .longest_retry = 20ms,
                                                                   .look_again = look_again});
  }
  PhotoBook::Photo photo(const std::string& variant = "v1") {
    const auto photos = book_->list();
    EXPECT_TRUE(photos) << photos.error().message;
    return photos ? photos->at(pears(variant).ref) : PhotoBook::Photo{};
  }
  bool wait_for_picture(const std::string& bytes, const std::string& variant = "v1") {
    return fakes::wait_for([&] {
      const auto now = photo(variant);
      return now.picture && now.problem.empty() && blobs_->read(now.picture->blob).value_or("") == bytes;
    });
  }
  std::string wait_for_problem(const std::string& part) {
    EXPECT_TRUE(fakes::wait_for([&] { return photo().problem.find(part) != std::string::npos; }))
        << photo().problem;
    return photo().problem;
  }
  [[nodiscard]] std::filesystem::path blob_dir() const { return dir_.path() / "blobs"; }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<PhotoBook> book_;
  const std::string jpeg_ = real_picture("baseline.jpg");
  const std::string png_ = real_picture("small.png");
  PhotoShop shop_{always(200, "", jpeg_)};
  std::unique_ptr<PhotoFetcher> fetcher_;  // last
};

TEST_F(PhotoFetcherTest, APhotoIsFetchedOnceForAllVariantsThatShowIt) {
  for (const char* variant : {"v1", "v2", "v3"}) put_item(variant, shop_.url("/pear.jpg"));
  start();
  for (const char* variant : {"v1", "v2", "v3"})
    ASSERT_TRUE(wait_for_picture(jpeg_, variant)) << photo(variant).problem;
  EXPECT_EQ(photo().picture->size, (Size{48, 32}));
  EXPECT_LT(std::chrono::abs(*photo().fetched_at - system_now()), 1min);
  EXPECT_EQ(shop_.asked(), 1);
}

TEST_F(PhotoFetcherTest, ANewAddressIsFetchedWhenPoked) {
  put_item("v1", shop_.url("/pear.jpg"));
  start();
  ASSERT_TRUE(wait_for_picture(jpeg_));
  shop_.answer(always(200, "", png_));
  put_item("v1", shop_.url("/pear.png"));
  EXPECT_TRUE(wait_for_picture(png_)) << photo().problem;
}

TEST_F(PhotoFetcherTest, AnUnchangedPhotoIsNotSentAgain) {
  std::atomic<int> unchanged = 0;
  shop_.answer([&](const std::string& head) {
    if (head.find("if-none-match: \"e1\"\r\n") == std::string::npos)
      return HttpPeer::say(200, "ETag: \"e1\"\r\n", jpeg_);
    ++unchanged;
    return std::string("HTTP/1.1 304 x\r\netag: \"e1\"\r\nconnection: close\r\n\r\n");
  });
  put_item("v1", shop_.url("/pear.jpg"));
  start({}, 5ms);
  ASSERT_TRUE(fakes::wait_for([&] { return unchanged >= 2; }));
  EXPECT_TRUE(wait_for_picture(jpeg_));
  put_item("v2", shop_.url("/pear.jpg"));  // known from the other variant's row
  EXPECT_TRUE(wait_for_picture(jpeg_, "v2")) << photo("v2").problem;
}

TEST_F(PhotoFetcherTest, TheLastGoodPhotoStaysWhenTheShopHasNoneAnyMore) {
  put_item("v1", shop_.url("/pear.jpg"));
  start({}, 5ms);
  ASSERT_TRUE(wait_for_picture(jpeg_));
  const std::string blob = photo().picture->blob;
  shop_.answer(always(404, "", "gone"));
  EXPECT_THAT(wait_for_problem("status 404"), HasSubstr("/pear.jpg"));
  EXPECT_EQ(photo().picture->blob, blob);
  shop_.answer(always(200, "", png_));
  EXPECT_TRUE(wait_for_picture(png_)) << "it heals by itself: " << photo().problem;
}

TEST_F(PhotoFetcherTest, WhatIsNoPictureIsAProblemOfItsItemAlone) {
  put_item("v1", shop_.url("/pear.jpg"));
  put_item("v2", shop_.url("/other.jpg"));
  shop_.answer([&](const std::string& head) {
    return HttpPeer::say(200, "content-type: image/jpeg\r\n",
                         head.find("/other.jpg") != std::string::npos ? png_ : "<html>maintenance</html>");
  });
  start();
  EXPECT_TRUE(wait_for_picture(png_, "v2")) << photo("v2").problem;
  EXPECT_THAT(wait_for_problem("web page"), HasSubstr("a JPEG, PNG or WebP picture"));
  EXPECT_EQ(photo().picture, std::nullopt);
}

TEST_F(PhotoFetcherTest, OneThatIsTooLargeIsNotTakenWhole) {
  put_item("v1", shop_.url("/pear.jpg"));
  shop_.answer([&](const std::string& /*head*/) {
    return "HTTP/1.1 200 x\r\nconnection: close\r\n\r\n" + jpeg_ + std::string(size_t{9} << 20, 'x');
  });
  start();
  wait_for_problem("larger than 8388608 bytes");
}

TEST_F(PhotoFetcherTest, NobodyButTheShopAndTheAllowedHostsIsAsked) {
  PhotoShop other(always(200, "", png_));
  put_item("v1", other.url("/pear.png?signature=SECRET"));
  start();
  EXPECT_THAT(wait_for_problem("not asked"), AllOf(HasSubstr("photo_hosts"), Not(HasSubstr("SECRET"))));
  EXPECT_EQ(other.asked(), 0) << "another port is another server";
  fetcher_.reset();
  start({other.url("").substr(7)});
  EXPECT_TRUE(wait_for_picture(png_)) << photo().problem;
}

TEST_F(PhotoFetcherTest, ARedirectIsNotFollowed) {
  PhotoShop other(always(200, "", png_));
  put_item("v1", shop_.url("/pear.jpg"));
  shop_.answer(always(302, "location: " + other.url("/pear.png") + "\r\n", ""));
  start({other.url("").substr(7)});
  wait_for_problem("302");
  EXPECT_EQ(other.asked(), 0);
}

TEST_F(PhotoFetcherTest, AnAddressThatIsNoneOfTheWebIsNotOpened) {
  const auto secret = dir_.write("secret.png", png_);
  const std::vector<std::string> addresses = {"file://" + secret.string(), "not an address",
                                              "http://user:TOPSECRET@127.0.0.1/a.png"};
  for (const auto& address : addresses) {
    put_item("v1", address);
    if (!fetcher_) start();
    ASSERT_TRUE(fakes::wait_for([&] { return photo().problem.find("its address is none") == 0; }))
        << photo().problem;
    put_item("v1", "");
    EXPECT_EQ(photo().problem, "the shop has none");
  }
}

TEST_F(PhotoFetcherTest, AHostThatIsDownIsNotAskedForEachOfItsPhotos) {
  const std::string down = "127.0.0.1:" + std::to_string(fakes::free_port());
  for (int i = 0; i < 30; ++i)
    put_item("v" + std::to_string(i), "http://" + down + "/" + std::to_string(i) + ".jpg");
  put_item("w1", shop_.url("/pear.jpg"));
  start({down});
  ASSERT_TRUE(wait_for_picture(jpeg_, "w1")) << "the shop's own are not held up";
  const auto tried = [&] {
    const auto photos = book_->list();
    return std::ranges::count_if(*photos, [](const auto& entry) {
      return entry.second.problem.find("not fetched yet") == std::string::npos && !entry.second.picture;
    });
  };
  ASSERT_TRUE(fakes::wait_for([&] { return tried() >= 1; }));
  EXPECT_LE(tried(), 5) << "a pause after each failure, a second at first";
}

TEST_F(PhotoFetcherTest, AServerThatAsksForAPauseGetsIt) {
  put_item("v1", shop_.url("/a.jpg"));
  put_item("v2", shop_.url("/b.jpg"));
  shop_.answer(always(429, "retry-after: 3600\r\n", ""));
  start();
  wait_for_problem("status 429");
  put_item("v3", shop_.url("/c.jpg"));
  const auto next = book_->next_due();
  EXPECT_EQ(shop_.asked(), 1);
  ASSERT_TRUE(next && *next);
}

TEST_F(PhotoFetcherTest, ABlobThatIsGoneIsFetchedAgainThoughTheShopsIsUnchanged) {
  shop_.answer([&](const std::string& head) {
    return head.find("if-none-match") == std::string::npos ? HttpPeer::say(200, "etag: \"e1\"\r\n", jpeg_)
                                                           : HttpPeer::say(304, "", "");
  });
  put_item("v1", shop_.url("/pear.jpg"));
  start();
  ASSERT_TRUE(wait_for_picture(jpeg_));
  fetcher_.reset();
  std::filesystem::remove_all(blob_dir());
  open_blobs();
  start();
  EXPECT_TRUE(wait_for_picture(jpeg_)) << photo().problem;
}

TEST_F(PhotoFetcherTest, AShopsOwnFolderIsReadFromWhatWasBroughtIn) {
  put_item("v1", "photo:A001.jpg");
  start();
  EXPECT_THAT(wait_for_problem("A001.jpg"), HasSubstr("bring the table in again"));
  {
    const auto adding = blobs_->begin_adding();
    const auto blob = blobs_->put(adding, png_);
    ASSERT_TRUE(book_->put_shop_photo("A001.jpg", {*blob, {48, 32}}, system_now()));
  }
  fetcher_->poke();
  EXPECT_TRUE(wait_for_picture(png_)) << photo().problem;
}

}  // namespace
}  // namespace vitrine::commerce
