// SPDX-License-Identifier: Apache-2.0
// A show with a real shop behind it: what its owner does in the shop's own admin is what the viewers of every
// platform see. Judged by the decoded pictures that an RTMP server recorded.
#include <algorithm>
#include <iostream>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rfc3339.h"
#include "judge.h"
#include "show.h"
#include "tests/commerce/real_shop.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::e2e {
namespace {

using namespace std::chrono_literals;
using commerce::RealShop;
using nlohmann::json;

constexpr Size kCanvas{1280, 720};
constexpr int kFps = 30;
constexpr double kSame = 6;     // mean, of a whole tile: what x264 does to it
constexpr double kFigure = 20;  // mean, where two figures differ: the right one is nearer than this
constexpr int kPriceChanges = 8;

struct Item {
  commerce::Ref ref;
  std::string sku;
  int64_t price = 0;
  int64_t stock = 0;
};

struct PriceChange {
  int64_t price = 0;
  Instant asked_at;     // the owner pressed Save
  Instant answered_at;  // the shop said that it is saved
};

class ShopShow : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(people_clip())) GTEST_SKIP() << "opencv-doc is not installed";
    const int port = fakes::free_port();
    shop_ = RealShop::find_with_events("vendure", fmt::format("http://127.0.0.1:{}/events", port));
    if (shop_ == nullptr) GTEST_SKIP() << "no Vendure here: see tests/commerce/real_shop.h";
    ShowConfig config;
    config.cameras = {{"counter", fmt::format("file={},video=h264", people_clip().string()), "tcp", ""},
                      {"door", fmt::format("file={},video=h264", people_clip().string()), "udp", ""}};
    config.size = kCanvas;
    config.desk =
        DeskConfig{.commerce = fmt::format(
                       "backend = \"vendure\"\nurl = \"{}\"\ncredential = \"shop\"\nprice_lasts_s = 20\n"
                       "events_listen = \"127.0.0.1:{}\"\nevents_credential = \"shop-events\"\n"
                       "presale_field = \"presale\"",
                       shop_->url(), port),
                   .more =
                       "[commerce.vendure]\nreference_price_field = \"compareAtPrice\"\ntimed_price_fields = "
                       "[\"promoPrice\", \"promoStartsAt\", \"promoEndsAt\", \"promoOperation\"]",
                   .credentials = {{"shop", shop_->credential()}, {"shop-events", shop_->events_secret()}}};
    show_ = std::make_unique<Show>(config);
    ASSERT_TRUE(show_->wait_for_cameras()) << show_->status().dump(2);
    ASSERT_TRUE(fakes::wait_for([&] { return api("GET", "/items?limit=1")["total"] == 236; }))
        << api("GET", "/sync").dump(2);
  }
  void TearDown() override {
    if (HasFailure() && show_) std::cerr << fakes::read_file(show_->directory() / "desk.log") << show_->log();
  }
  json api(const std::string& method, const std::string& path, const json& body = nullptr) const {
    return show_->api(method, path, body);
  }
  [[nodiscard]] Item find_item(const std::string& sku) const {
    const json all = api("GET", "/items?limit=1000");
    for (const auto& row : all["items"])
      if (row["sku"] == sku)
        return {{row["product"], row["variant"]}, sku, row["price"]["minor"], row["stock"]};
    ADD_FAILURE() << "no item " << sku;
    return {};
  }
  void start_show(const std::vector<Item>& items) {
    json rundown = json::array();
    for (const auto& item : items)
      rundown.push_back(
          {{"kind", "item"}, {"item", {{"product", item.ref.product}, {"variant", item.ref.variant}}}});
    const json plan = {{"title", "晚场"}, {"host", "小李"}, {"rundown", rundown}};
    const json show = api("POST", "/shows", {{"plan", plan}});
    const json live = api("POST", "/live/start", {{"show", show["id"]}});
    ASSERT_EQ(live["is_shown"], true) << live.dump(2);
    anchor_ = show_->call({{"op", "state"}}).body.at("state");
  }
  void next() const {
    const json live = api("POST", "/live/go", {{"to", "next"}});
    ASSERT_EQ(live["is_shown"], true) << live.dump(2);
  }
  [[nodiscard]] json card() const { return layer_in(show_->on_screen(), "card"); }
  /// Until the card is in that form, with that price where one is given.
  bool wait_for_card(const std::string& form, int64_t price = 0, std::chrono::seconds patience = 60s) const {
    return fakes::wait_for(
        [&] {
          const json on = card();
          return on.is_object() && on["form"] == form &&
                 (price == 0 || on["data"]["price"]["minor"] == price);
        },
        patience);
  }
  [[nodiscard]] bool keeps_showing(std::chrono::seconds time) const {
    return show_->wait_for_frames(static_cast<int>(time.count()) * kFps);
  }

  /// Ends it, and reads what the first platform received; the second got the same.
  void finish() {
    api("POST", "/live/stop", json::object());
    ASSERT_TRUE(
        show_->wait_until([](const json& status) { return status["programs"][0]["state"] == "off air"; }));
    const json verdict = api("POST", "/evidence/verify");
    EXPECT_EQ(verdict["ok"], true) << verdict.dump(2);
    show_->first().stop();
    show_->second().stop();
    show_->stop_studio();
    const auto files = show_->first().recordings("show");
    ASSERT_EQ(files.size(), 1U);
    keep_pictures(files[0], "shop");
    const auto video = [](const std::filesystem::path& file) {
      std::vector<std::string> hashes;
      for (const auto& packet : probe_packets(file))
        if (packet.is_video) hashes.push_back(packet.md5);
      return hashes;
    };
    EXPECT_EQ(video(files[0]), video(show_->second().recordings("show").at(0))) << "the other platform";
    for (auto& record : show_->records())
      if (record["type"] == "visible") seen_.push_back(std::move(record));
    ASSERT_FALSE(seen_.empty());
    file_ = files[0];
  }
  /// By the show clock, which follows the shop's: from the newest record before it.
  [[nodiscard]] Instant instant_of(uint64_t frame) const {
    const auto behind = std::ranges::find_if(
        seen_, [&](const json& record) { return record["frame"].get<uint64_t>() > frame; });
    const json& record = behind == seen_.begin() ? *behind : *(behind - 1);
    const auto utc = *parse_rfc3339(record["utc"].get<std::string>());
    const auto frames = static_cast<int64_t>(frame) - record["frame"].get<int64_t>();
    return utc + std::chrono::microseconds(frames * 1'000'000 / kFps);
  }
  /// By this machine's clock, from the one state of which both are known.
  [[nodiscard]] Instant here(uint64_t frame) const {
    for (const auto& record : seen_)
      if (record["revision"] == anchor_["revision"]) {
        const auto utc = *parse_rfc3339(record["utc"].get<std::string>());
        const auto frames = static_cast<int64_t>(frame) - record["frame"].get<int64_t>();
        return utc - std::chrono::milliseconds(anchor_["clock_offset_ms"].get<int64_t>()) +
               std::chrono::microseconds(frames * 1'000'000 / kFps);
      }
    throw std::runtime_error("the state after the start was never on screen");
  }
  [[nodiscard]] uint64_t first_frame_of(size_t at) const { return seen_[at]["frame"].get<uint64_t>(); }
  [[nodiscard]] uint64_t end_of(size_t at, size_t frames) const {
    return at + 1 < seen_.size() ? std::min<uint64_t>(frames, first_frame_of(at + 1)) : frames;
  }
  [[nodiscard]] Tile tile(const json& layer, Instant at, std::string form = "") const {
    if (form.empty()) form = layer["form"];
    return draw_tile(layer["template"], layer["data"], kCanvas, form, at, show_->media_directory(),
                     scratch_.path());
  }
  /// Decoded once for each place.
  const std::vector<Luma>& pictures_of(const Rect& place) {
    const auto key = std::tuple(place.x, place.y, place.width, place.height);
    if (!pictures_.contains(key)) pictures_[key] = decode_luma(file_, place);
    return pictures_[key];
  }
  /// Every picture in which a layer stands looks as the designer's tool draws what the record says of it.
  void expect_drawn(const std::string& id) {
    for (size_t at = 0; at < seen_.size(); ++at) {
      const json layer = layer_in(seen_[at], id);
      if (layer.is_null() || layer["form"] == "hidden") continue;
      if (at > 0) {  // drawn once for all records that say the same
        const json before = layer_in(seen_[at - 1], id);
        if (before.is_object() && before["form"] == layer["form"] && before["data"] == layer["data"])
          continue;
      }
      const Tile right = tile(layer, instant_of(first_frame_of(at)));
      const auto& pictures = pictures_of(right.place);
      for (size_t next = at; next < seen_.size(); ++next) {
        const json later = layer_in(seen_[next], id);
        if (later.is_null() || later["form"] != layer["form"] || later["data"] != layer["data"]) break;
        for (uint64_t frame = first_frame_of(next); frame < end_of(next, pictures.size()); ++frame)
          ASSERT_LT(difference(pictures[frame], right.picture, {0, 0}), kSame)
              << id << ", " << layer["form"] << " " << layer["data"].dump() << ", frame " << frame;
      }
    }
  }

  RealShop* shop_ = nullptr;
  std::unique_ptr<Show> show_;
  fakes::TempDir scratch_;
  std::vector<json> seen_;  // records of what was on screen
  json anchor_;             // the program state right after the start
  std::filesystem::path file_;
  std::map<std::tuple<int, int, int, int>, std::vector<Luma>> pictures_;
};

TEST_F(ShopShow, WhatTheShopDoesIsWhatViewersSee) {
  const Item changing = find_item("LS-0002-1");
  const Item offered = find_item("LS-0014-1");
  const Item scarce = find_item("LS-0004-1");
  ASSERT_NO_FATAL_FAILURE(start_show({changing, offered, scarce}));
  ASSERT_TRUE(wait_for_card("normal", changing.price)) << show_->on_screen().dump(2);

  // Prices.
  std::vector<PriceChange> changes;
  for (int i = 1; i <= kPriceChanges; ++i) {
    PriceChange change{.price = changing.price + i * 111, .asked_at = system_now(), .answered_at = {}};
    shop_->set_price(changing.ref, change.price);
    change.answered_at = system_now();
    EXPECT_TRUE(wait_for_card("normal", change.price));
    changes.push_back(change);
    ASSERT_TRUE(show_->wait_for_frames(20));
  }

  // The shop goes away: its last price is shown for as long as it was promised, no longer.
  const int64_t last_price = changes.back().price;
  shop_->go_away();
  const Instant away_at = system_now();
  EXPECT_TRUE(wait_for_card("neutral"));
  ASSERT_TRUE(keeps_showing(2s));
  const Instant back_at = system_now();
  shop_->come_back();
  EXPECT_TRUE(wait_for_card("normal", last_price));

  // An offer.
  ASSERT_NO_FATAL_FAILURE(next());
  ASSERT_TRUE(wait_for_card("normal", offered.price)) << show_->on_screen().dump(2);
  const int64_t low = offered.price - 3000;
  const json offer =
      api("POST", "/offers",
          {{"seconds", 20},
           {"prices", json::array({json{{"product", offered.ref.product},
                                        {"variant", offered.ref.variant},
                                        {"amount", fmt::format("{}.{:02}", low / 100, low % 100)}}})}});
  EXPECT_TRUE(wait_for_card("normal", low)) << api("GET", "/offers").dump(2);
  EXPECT_TRUE(wait_for_card("ended", low));
  EXPECT_TRUE(wait_for_card("normal", offered.price)) << "the usual price, as soon as the shop charges it";

  // The last piece is sold.
  ASSERT_NO_FATAL_FAILURE(next());
  ASSERT_TRUE(wait_for_card("normal", scarce.price)) << show_->on_screen().dump(2);
  shop_->sell(scarce.sku, static_cast<int>(scarce.stock), "");
  EXPECT_TRUE(fakes::wait_for([&] {
    const json on = card();
    return on.is_object() && on["data"].value("stock", 1) == 0;
  })) << show_->on_screen().dump(2);
  ASSERT_TRUE(keeps_showing(1s));
  ASSERT_NO_FATAL_FAILURE(finish());

  // The whole card, in each of its forms, in every picture.
  ASSERT_NO_FATAL_FAILURE(expect_drawn("card"));

  // From the frame on that the record names, the new price is in the picture; up to then the old one.
  int64_t old_price = changing.price;
  std::vector<double> latencies_ms;
  for (const auto& change : changes) {
    const auto found = std::ranges::find_if(seen_, [&](const json& record) {
      const json on = layer_in(record, "card");
      return on.is_object() && on["form"] == "normal" && on["data"]["price"]["minor"] == change.price;
    });
    ASSERT_NE(found, seen_.end());
    const json layer = layer_in(*found, "card");
    json before = layer;
    before["data"]["price"]["minor"] = old_price;
    const uint64_t frame = (*found)["frame"].get<uint64_t>();
    const Tile now = tile(layer, instant_of(frame));
    const Tile was = tile(before, instant_of(frame));
    const auto& pictures = pictures_of(now.place);
    EXPECT_LT(difference_where(pictures.at(frame), now.picture, was.picture, {0, 0}), kFigure);
    EXPECT_GT(difference_where(pictures.at(frame), was.picture, now.picture, {0, 0}), 2 * kFigure);
    EXPECT_LT(difference_where(pictures.at(frame - 1), was.picture, now.picture, {0, 0}), kFigure);
    EXPECT_GE(here(frame), change.asked_at) << "before the owner changed it";
    latencies_ms.push_back(
        std::chrono::duration<double, std::milli>(here(frame) - change.answered_at).count());
    old_price = change.price;
  }
  std::ranges::sort(latencies_ms);
  std::cout << fmt::format(
      "price saved in Vendure's admin API to its first frame at the RTMP server: median {:.0f} ms, "
      "worst {:.0f} ms of {}\n",
      latencies_ms[latencies_ms.size() / 2], latencies_ms.back(), latencies_ms.size());
  EXPECT_LT(latencies_ms.back(), 3000) << "a busy machine may be slow, not that slow";

  // No price without a shop that confirms it.
  bool was_neutral = false;
  for (size_t at = 0; at < seen_.size(); ++at) {
    const Instant from = here(first_frame_of(at));
    const json on = layer_in(seen_[at], "card");
    if (!on.is_object() || from < away_at || from > back_at) continue;
    if (on["form"] == "neutral") {
      was_neutral = true;
      EXPECT_LT(from - away_at, 20s + 100ms);
    } else if (was_neutral) {
      ADD_FAILURE() << "a price although the shop was away: " << seen_[at].dump();
    }
  }
  EXPECT_TRUE(was_neutral);

  // The offer's end, in its frame: the countdown and the card, never before, and never again.
  const Instant end = *parse_rfc3339(offer["end"].get<std::string>());
  for (const char* id : {"card", "countdown"}) {
    std::optional<uint64_t> first_ended;
    for (size_t at = 0; at < seen_.size(); ++at) {
      const json layer = layer_in(seen_[at], id);
      if (!layer.is_object() || (std::string(id) == "card" && layer["data"]["price"]["minor"] != low))
        continue;
      if (layer["form"] == "ended" || instant_of(first_frame_of(at)) >= end) {
        if (!first_ended) first_ended = first_frame_of(at);
      } else if (layer["form"] == "normal") {
        EXPECT_FALSE(first_ended) << id << " went back";
      }
    }
    if (std::string(id) == "countdown") continue;
    ASSERT_TRUE(first_ended);
    EXPECT_GE(instant_of(*first_ended), end);
    EXPECT_LE(instant_of(*first_ended - 1), end) << "the frame before it was in the window";
  }
  const auto with_countdown = std::ranges::find_if(seen_, [](const json& record) {
    const json layer = layer_in(record, "countdown");
    return layer.is_object() && layer["form"] == "normal";
  });
  ASSERT_NE(with_countdown, seen_.end());
  const json countdown = layer_in(*with_countdown, "countdown");
  // In tenths at its end: what stands in each picture of the last second.
  const Tile zero = tile(countdown, end, "ended");
  const auto& pictures = pictures_of(zero.place);
  std::optional<uint64_t> first_zero;
  const auto begin = (*with_countdown)["frame"].get<uint64_t>();
  // The next item has no offer: its countdown goes with the item, at times within that second.
  const auto gone = std::find_if(with_countdown, seen_.end(), [](const json& record) {
    const json layer = layer_in(record, "countdown");
    return !layer.is_object() || layer["form"] == "hidden";
  });
  ASSERT_NE(gone, seen_.end());
  const auto last = std::min<uint64_t>(pictures.size(), (*gone)["frame"].get<uint64_t>());
  for (uint64_t frame = begin; frame < last && instant_of(frame) < end + 1s; ++frame) {
    const bool is_zero = difference(pictures[frame], zero.picture, {0, 0}) < kSame;
    if (is_zero && !first_zero) first_zero = frame;
    EXPECT_EQ(is_zero, first_zero.has_value()) << "frame " << frame << " went back";
  }
  ASSERT_TRUE(first_zero);
  const double off_frames = std::chrono::duration<double>(instant_of(*first_zero) - end).count() * kFps;
  std::cout << fmt::format("offer's end to the countdown's ended form: {:.2f} frames\n", off_frames);
  EXPECT_GE(off_frames, 0) << "never before";
  EXPECT_LE(off_frames, 1.01);
  EXPECT_GT(difference(pictures[*first_zero - 1], zero.picture, {0, 0}), kSame);
}

}  // namespace
}  // namespace vitrine::e2e
