// SPDX-License-Identifier: Apache-2.0
// A shop's server that changes its price all the time, says nonsense, has its clock set, breaks and goes
// away: no picture may show a price that the evidence does not have with a valid lease, or that the shop
// never charged, or charges no longer. VITRINE_HOSTILE_CHANGES says how many; 1,000 take about six minutes.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <regex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/rfc3339.h"
#include "judge.h"
#include "show.h"
#include "tests/fakes/scripted_shop.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::e2e {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Fault = fakes::ScriptedShop::Fault;

constexpr Size kStage{1280, 720};
constexpr int kRate = 30;
constexpr int64_t kLease_s = 20;
constexpr uint64_t kSeed = 7;
const std::string kVariant = "p0v0";

struct Charged {
  Instant from;
  int64_t price = 0;
};

/// A form of the card, or its normal one with a price.
struct Face {
  std::string form;
  int64_t price = 0;
  bool operator==(const Face&) const = default;
};

class HostileShop : public testing::Test {
 protected:
  HostileShop() {
    for (int digit = 0; digit < 10; ++digit) {
      prices_.push_back(11111 + 1111 * (digit % 9));
      prices_.push_back(8'00 + 11 * digit);
      prices_.push_back(345'00 + 111 * digit);
      prices_.push_back(1'234'56 + 1000 * digit);
    }
  }
  void SetUp() override {
    if (!std::filesystem::exists(people_clip())) GTEST_SKIP() << "opencv-doc is not installed";
    set_price(prices_[0]);
    ShowConfig config;
    config.cameras = {{"counter", fmt::format("file={},video=h264", people_clip().string()), "tcp", ""}};
    config.size = kStage;
    config.desk =
        DeskConfig{.commerce = fmt::format(
                       "backend = \"medusa\"\nurl = \"{}\"\ncredential = \"shop\"\nprice_lasts_s = {}",
                       shop_.url(), kLease_s),
                   .more = "",
                   .credentials = {{"shop", "shop@example.com:x"}}};
    show_ = std::make_unique<Show>(config);
    ASSERT_TRUE(show_->wait_for_cameras()) << show_->status().dump(2);
    ASSERT_TRUE(fakes::wait_for([&] { return show_->api("GET", "/items")["total"] == 8; }))
        << show_->api("GET", "/sync").dump(2);
    const json item = {{"kind", "item"}, {"item", {{"product", "p0"}, {"variant", kVariant}}}};
    const json show = show_->api("POST", "/shows", {{"plan", {{"rundown", json::array({item})}}}});
    const json live = show_->api("POST", "/live/start", {{"show", show["id"]}});
    ASSERT_EQ(live["is_shown"], true) << live.dump(2);
    ASSERT_TRUE(fakes::wait_for([&] {
      const json on = show_->on_screen();
      const json state = show_->call({{"op", "state"}}).body.at("state");
      if (on.is_null() || on["revision"] != state["revision"]) return false;
      anchor_frame_ = on["frame"];
      anchor_ = *parse_rfc3339(on["utc"].get<std::string>()) -
                std::chrono::milliseconds(state["clock_offset_ms"].get<int64_t>());
      return true;
    }));
  }
  /// When a picture was made, by this machine's clock.
  [[nodiscard]] Instant here(uint64_t frame) const {
    return anchor_ +
           std::chrono::microseconds((static_cast<int64_t>(frame) - anchor_frame_) * 1'000'000 / kRate);
  }
  void set_price(int64_t price) {
    shop_.catalogue().set_price(kVariant, price);
    charged_.push_back({system_now(), price});
  }
  int dice(int sides) { return std::uniform_int_distribution<>(0, sides - 1)(random_); }

  /// What no server should say of a price.
  Fault nonsense() {
    static const std::vector<std::string> kNonsense = {
        "NaN",          "-12.00", "1e308",    "12.345",         "null",  "[]",
        "{}",           "true",   "Infinity", "99999999999999", "-0.01", "12.00, \"amount\": 13.00x",
        "\"\\u202e12\""};
    const std::string what = kNonsense.at(static_cast<size_t>(dice(static_cast<int>(kNonsense.size()))));
    Fault fault{.does = Fault::Does::kActs, .says = Fault::Says::kAnswer};
    fault.times = 1 + dice(3);
    fault.edit = [what](const std::string& body) {
      return std::regex_replace(body, std::regex(R"(("calculated_amount":|"amount":)[0-9.]+)"), "$1" + what);
    };
    return fault;
  }
  void disturb(int step) {
    switch (dice(20)) {
      case 0:
        shop_.set_clock_offset(
            std::array{-3600s, -3s, 0s, 2s, 3600s, 86400s}.at(static_cast<size_t>(dice(6))));
        return;
      case 1:
        shop_.break_at_random(0.5, kSeed + static_cast<uint64_t>(step));
        return;
      case 2: {
        Fault away{.times = -1, .says = dice(2) == 0 ? Fault::Says::kReset : Fault::Says::kNothing};
        shop_.script(away);
        return;
      }
      case 3:
      case 4:
        shop_.heal();
        return;
      default:
        if (dice(3) == 0) shop_.script(nonsense());
    }
  }
  /// What the evidence says, oldest first.
  [[nodiscard]] std::vector<json> evidence() const {
    std::vector<json> rows;
    std::string before;
    for (;;) {
      const json page = show_->api("GET", "/evidence?kind=visible&limit=500" + before);
      for (const auto& row : page["rows"]) rows.push_back(row["body"]);
      if (!page.contains("next") || page["next"].is_null()) break;
      before = "&before=" + std::to_string(page["next"].get<int64_t>());
    }
    std::ranges::reverse(rows);
    return rows;
  }
  /// The shop charged it at that moment, or a lease before it.
  [[nodiscard]] bool was_charged(int64_t price, Instant at) const {
    for (size_t i = 0; i < charged_.size(); ++i) {
      const bool is_over =
          i + 1 < charged_.size() && charged_[i + 1].from + std::chrono::seconds(kLease_s) < at;
      if (charged_[i].price == price && charged_[i].from <= at && !is_over) return true;
    }
    return false;
  }

  std::vector<int64_t> prices_;
  fakes::ScriptedShop shop_;
  std::unique_ptr<Show> show_;
  std::vector<Charged> charged_;
  std::mt19937_64 random_{kSeed};
  fakes::TempDir scratch_;
  int64_t anchor_frame_ = 0;  // one of which the time is known
  Instant anchor_{};
};

/// How a picture of the card is read: against every face that it can have, where any two of them differ.
class CardReader {
 public:
  void add(Face face, Reference drawn) { faces_.emplace_back(std::move(face), std::move(drawn)); }
  /// After the last face.
  void prepare() {
    const Size size = faces_.at(0).second.luma.size;
    for (size_t i = 0; i < static_cast<size_t>(size.width) * size.height; ++i) {
      const auto pixel = [&](const auto& face) { return face.second.luma.pixels[i]; };
      const auto [least, most] = std::ranges::minmax(faces_, {}, pixel);
      const bool is_opaque =
          std::ranges::all_of(faces_, [&](const auto& face) { return face.second.is_opaque[i] != 0; });
      if (is_opaque && pixel(most) - pixel(least) > 30) places_.push_back(i);
    }
  }
  struct Reading {
    const Face* face = nullptr;
    double off = 0;   // mean difference from it, where faces differ
    double next = 0;  // from the second nearest
  };
  [[nodiscard]] Reading read(const Luma& picture) const {
    Reading best{nullptr, 1e9, 1e9};
    for (const auto& [face, drawn] : faces_) {
      int64_t sum = 0;
      for (const size_t i : places_) sum += std::abs(picture.pixels[i] - drawn.luma.pixels[i]);
      const double off = static_cast<double>(sum) / static_cast<double>(places_.size());
      if (off < best.off)
        best = {&face, off, best.off};
      else
        best.next = std::min(best.next, off);
    }
    return best;
  }

 private:
  std::vector<std::pair<Face, Reference>> faces_;
  std::vector<size_t> places_;
};

TEST_F(HostileShop, NeverBringsAPriceOnAirThatItDoesNotCharge) {
  const char* wanted = std::getenv("VITRINE_HOSTILE_CHANGES");
  const int changes = wanted == nullptr ? 60 : std::atoi(wanted);
  for (int step = 0; step < changes; ++step) {
    set_price(prices_.at(static_cast<size_t>(dice(static_cast<int>(prices_.size())))));
    disturb(step);
    show_->api("POST", "/sync");
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + dice(step % 10 == 0 ? 2500 : 300)));
  }
  // Away for longer than a price may be shown, then whole again: the price is there.
  shop_.heal();
  shop_.script({.times = -1, .says = Fault::Says::kReset});
  const auto card = [&] { return layer_in(show_->on_screen(), "card"); };
  EXPECT_TRUE(fakes::wait_for([&] { return card()["form"] == "neutral"; }));
  shop_.heal();
  shop_.set_clock_offset(0s);
  EXPECT_TRUE(fakes::wait_for([&] {
    const json on = card();
    return on["form"] == "normal" && on["data"]["price"]["minor"] == charged_.back().price;
  })) << show_->on_screen().dump(2)
      << show_->api("GET", "/sync").dump(2);
  ASSERT_TRUE(show_->wait_for_frames(30));
  show_->api("POST", "/live/stop", json::object());
  show_->wait_until([](const json& status) { return status["programs"][0]["state"] == "off air"; });
  ASSERT_TRUE(fakes::wait_for([&] {
    const auto rows = evidence();
    return !rows.empty() &&
           rows.size() == static_cast<size_t>(std::ranges::count_if(show_->records(), [](const json& record) {
             return record["type"] == "visible";
           }));
  })) << "the evidence has what the studio wrote";
  const auto rows = evidence();
  const json verdict = show_->api("POST", "/evidence/verify");
  EXPECT_EQ(verdict["ok"], true) << verdict.dump(2);
  show_->first().stop();
  show_->stop_studio();
  const auto file = show_->first().recordings("show").at(0);

  const json last = layer_in(rows.back(), "card");
  CardReader reader;
  Rect place;
  const auto add = [&](const Face& face) {
    json data = last["data"];
    data["price"]["minor"] = face.price;
    const auto tile = draw_tile("product_card", data, kStage, face.form, system_now(),
                                show_->media_directory(), scratch_.path());
    place = tile.place;
    reader.add(face, tile.picture);
  };
  for (const int64_t price : std::set(prices_.begin(), prices_.end())) add({"normal", price});
  for (const int64_t price : {1'200LL, 1LL, 1'235LL, 1'300LL}) add({"normal", price});  // nonsense, believed
  add({"neutral", prices_[0]});
  reader.prepare();

  const auto pictures = decode_luma(file, place);
  size_t checked = 0;
  size_t neutral = 0;
  size_t wrong = 0;
  double worst_off = 0;
  double least_gap = 1e9;
  std::set<int64_t> shown;
  for (size_t at = 0; at < rows.size() && wrong < 10; ++at) {
    const json layer = layer_in(rows[at], "card");
    if (layer.is_null() || layer["form"] == "hidden") continue;
    const uint64_t end = at + 1 < rows.size() ? rows[at + 1]["frame"].get<uint64_t>() : pictures.size();
    for (uint64_t frame = rows[at]["frame"]; frame < std::min<uint64_t>(end, pictures.size()); ++frame) {
      const auto seen = reader.read(pictures[frame]);
      ++checked;
      worst_off = std::max(worst_off, seen.off);
      least_gap = std::min(least_gap, seen.next - seen.off);
      const bool is_neutral = seen.face->form == "neutral";
      neutral += is_neutral ? 1 : 0;
      if (!is_neutral) shown.insert(seen.face->price);
      const bool is_as_said = layer["form"] == seen.face->form &&
                              (is_neutral || (layer["data"]["price"]["minor"] == seen.face->price &&
                                              layer["lease_ok"] == true && layer["basis"].is_object() &&
                                              layer["basis"]["price"]["minor"] == seen.face->price));
      const bool is_true = is_neutral || was_charged(seen.face->price, here(frame));
      if (is_as_said && is_true) continue;
      ++wrong;
      ADD_FAILURE() << "frame " << frame << " shows " << seen.face->form << " " << seen.face->price
                    << (is_true ? "" : ", which the shop does not charge") << "; the evidence says "
                    << rows[at].dump();
    }
  }
  std::cout << fmt::format(
      "{} changes of {} prices, seed {}: {} pictures read, {} of them neutral, {} prices seen, {} wrong; "
      "nearest face "
      "{:.1f} off at worst, the next one at least {:.1f} further\n",
      changes, std::set(prices_.begin(), prices_.end()).size(), kSeed, checked, neutral, shown.size(), wrong,
      worst_off, least_gap);
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(least_gap, 0.5) << "the pictures can be told apart";
  EXPECT_GT(shown.size(), 10U);
  EXPECT_GT(neutral, 0U);
}

}  // namespace
}  // namespace vitrine::e2e
