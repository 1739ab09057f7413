// SPDX-License-Identifier: Apache-2.0
// What stands in the way of a show: a function of what was seen.
#include "desk/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rfc3339.h"
#include "desk/desk_schema.h"
#include "desk/studio_watch.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using Level = Preflight::Level;

const Instant kChecked = *parse_rfc3339("2026-11-22T12:00:00Z");

class PreflightTest : public testing::Test {
 protected:
  void SetUp() override { configure(""); }
  void configure(const std::string& more) {
    const auto config = parse_config(
        "[studio]\nname = \"店\"\n[[camera]]\nid = \"a\"\nsource = \"test:bars\"\n"
        "[[program]]\nid = \"main\"\nvideo_kbps = 4000\naudio_kbps = 128\n"
        "[[program]]\nid = \"tall\"\nvideo_kbps = 2000\naudio_kbps = 128\n"
        "[[destination]]\nid = \"douyin\"\nname = \"抖音\"\nprogram = \"main\"\nurl = "
        "\"rtmp://a.example/live\"\nkey_credential = \"k\"\n"
        "[[destination]]\nid = \"kuaishou\"\nprogram = \"main\"\nurl = \"rtmp://b.example/live\"\n"
        "key_credential = \"k\"\n"
        "[[destination]]\nid = \"weibo\"\nprogram = \"tall\"\nurl = \"rtmp://c.example/live\"\n"
        "key_credential = \"k\"\n" +
            more,
        "v.toml");
    ASSERT_TRUE(config) << to_error(config.error()).message;
    config_ = *config;
    sight_.now = kChecked;
    const auto good = [](const char* id) {
      return json{{"id", id}, {"name", id}, {"problems", json::array()}, {"warnings", json::array()}};
    };
    sight_.destinations = {{"destinations", {good("douyin"), good("kuaishou"), good("weibo")}}};
  }
  [[nodiscard]] std::optional<Preflight::Point> point(const std::string& id) const {
    for (const auto& each : judge(plan_, sight_, config_).points)
      if (each.id == id) return each;
    return std::nullopt;
  }

  Config config_;
  ShowPlan plan_;
  PreflightSight sight_;
};

TEST_F(PreflightTest, OnlyTheShowsDestinationsAreJudged) {
  sight_.destinations["destinations"][1]["problems"] = {
      {{"where", "key_credential"}, {"found", "nothing"}, {"allowed", "a key"}}};
  EXPECT_EQ(point("destination.kuaishou")->level, Level::kRed);
  plan_.destinations = {"douyin"};
  EXPECT_EQ(point("destination.douyin")->level, Level::kGreen);
  EXPECT_FALSE(point("destination.kuaishou")) << "it is none of the show's";
  EXPECT_FALSE(point("destination.weibo"));
  plan_.destinations.clear();
  plan_.programs = {"tall"};
  EXPECT_FALSE(point("destination.douyin")) << "of a program that is not on";
  EXPECT_EQ(point("destination.weibo")->level, Level::kGreen);
}

TEST_F(PreflightTest, TheUplinkMustCarryTheShowsDestinationsAndNoOthers) {
  sight_.uplink = {6'000'000, kChecked - 1h};
  EXPECT_EQ(point("uplink")->level, Level::kAmber) << "4128 + 4128 + 2128";
  plan_.destinations = {"douyin"};
  EXPECT_EQ(point("uplink")->level, Level::kGreen);
}

TEST_F(PreflightTest, AMeasureOfTheUplinkHasAnAgeAndIsNotTrustedForEver) {
  plan_.destinations = {"douyin"};
  EXPECT_EQ(point("uplink")->level, Level::kAmber) << "never measured";
  sight_.uplink = {6'000'000, kChecked - 7 * 24h};
  EXPECT_EQ(point("uplink")->level, Level::kGreen);
  EXPECT_THAT(point("uplink")->reason.zh, HasSubstr("7 天前"));
  sight_.uplink = {6'000'000, kChecked - 7 * 24h - 1s};
  EXPECT_EQ(point("uplink")->level, Level::kAmber);
  sight_.uplink = {1'000'000, kChecked - 8 * 24h};
  EXPECT_EQ(point("uplink")->level, Level::kAmber) << "an old one says nothing bad for certain either";
  sight_.uplink = {5'000'000, kChecked};
  EXPECT_EQ(point("uplink")->level, Level::kAmber) << "4128 and 30 % are 5366";
}

TEST(UplinkBookTest, TheBestOfTheLastWeekOutlivesTheDesk) {
  const fakes::TempDir dir;
  std::unique_ptr<commerce::Store> store;
  const auto book = [&] {
    store.reset();
    auto opened = commerce::Store::open({.directory = dir.path(), .schema = kDeskSchema});
    EXPECT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
    return UplinkBook(*store);
  };
  EXPECT_EQ(*book().best(kChecked), std::nullopt);
  ASSERT_TRUE(book().note({9'000'000, kChecked - 9 * 24h}));
  EXPECT_EQ((*book().best(kChecked))->bitrate_bps, 9'000'000) << "old, and all there is";
  EXPECT_FALSE((*book().best(kChecked))->is_good(kChecked));
  ASSERT_TRUE(book().note({5'000'000, kChecked - 24h}));
  ASSERT_TRUE(book().note({4'000'000, kChecked - 23h}));
  ASSERT_TRUE(book().note({3'000'000, kChecked - 1h}));
  const auto best = *book().best(kChecked);
  EXPECT_EQ(best->bitrate_bps, 5'000'000);
  EXPECT_EQ(best->at, kChecked - 24h);
  EXPECT_EQ((*book().best(kChecked + 6 * 24h + 12h))->bitrate_bps, 3'000'000);
  EXPECT_EQ((*book().best(kChecked + 30 * 24h))->bitrate_bps, 3'000'000) << "the newest of the old ones";
}

TEST(CarriedKbps, CountsOnlyWhileNoDestinationIsBehind) {
  const auto status = [](json destinations) {
    return json{{"programs", {{{"id", "main"}, {"destinations", std::move(destinations)}}}}};
  };
  const auto live = [](int64_t kbps, int64_t lag_ms) {
    return json{{"state", "live"}, {"kbps", kbps}, {"lag_ms", lag_ms}};
  };
  EXPECT_EQ(carried_kbps(status({live(1000, 20), live(900, 20)})), 1900);
  EXPECT_EQ(carried_kbps(status({live(1000, 20), json{{"state", "off"}}})), 1000) << "one that is not wanted";
  EXPECT_EQ(carried_kbps(status({live(1000, 20), live(900, 600)})), std::nullopt);
  EXPECT_EQ(carried_kbps(status({live(1000, 20), json{{"state", "reconnecting"}}})), std::nullopt);
  EXPECT_EQ(carried_kbps(json{{"ok", true}}), std::nullopt);
}

TEST_F(PreflightTest, ADestinationThatIsNotConfiguredAnyMoreIsSaid) {
  plan_.destinations = {"douyin", "gone"};
  ASSERT_TRUE(point("destination.gone"));
  EXPECT_EQ(point("destination.gone")->level, Level::kRed);
  EXPECT_THAT(point("destination.gone")->remedy.en, HasSubstr("vitrine.toml"));
  plan_.destinations = {"gone"};
  EXPECT_FALSE(point("destination.douyin")) << "it does not take the other's place";
  EXPECT_FALSE(point("uplink"));
}

TEST_F(PreflightTest, ACategoryThatNeedsALicenceBlocksWithoutOneThatIsValidToday) {
  configure(
      "[[commerce.category_licence]]\ncategory = \"食品\"\ndocument = \"food_licence\"\n"
      "[[commerce.category_licence]]\ncategory = \"图书\"\ndocument = \"books-2026\"\n");
  PreflightSight::Item pear;
  pear.segment = 3;
  pear.number = 1;
  pear.item.emplace();
  pear.item->title = "梨";
  pear.item->category = "食品";
  sight_.items = {pear};
  const auto licence = [&] { return point("item.3.licence.food_licence"); };
  ASSERT_TRUE(licence());
  EXPECT_EQ(licence()->level, Level::kRed);
  EXPECT_TRUE(licence()->blocks);
  EXPECT_THAT(licence()->reason.zh, HasSubstr("食品经营许可证"));
  commerce::Documents::Entry<commerce::Document> paper;
  paper.id = "food";
  paper.paper.value.kind = commerce::DocumentKind::kFoodLicence;
  paper.paper.value.valid_until = *parse_day("2026-11-21");
  sight_.documents = {paper};
  EXPECT_TRUE(licence()) << "it ended yesterday";
  sight_.documents[0].paper.value.valid_until = *parse_day("2026-11-22");
  EXPECT_FALSE(licence());
  sight_.documents[0].paper.value.is_withdrawn = true;
  EXPECT_TRUE(licence());
  sight_.items[0].item->category = "图书";
  EXPECT_FALSE(licence());
  ASSERT_TRUE(point("item.3.licence.books-2026")) << "one document by its id";
  sight_.documents[0].id = "books-2026";
  sight_.documents[0].paper.value = {};
  EXPECT_FALSE(point("item.3.licence.books-2026"));
  sight_.items[0].item->category = "茶具";
  EXPECT_FALSE(judge(plan_, sight_, config_).blocks()) << "nothing is asked for";
}

TEST_F(PreflightTest, ADestinationThatTheStudioDoesNotKnowYetIsSaid) {
  sight_.destinations["destinations"].erase(0);
  EXPECT_EQ(point("destination.douyin")->level, Level::kRed);
  EXPECT_THAT(point("destination.douyin")->remedy.en, HasSubstr("restart"));
}

}  // namespace
}  // namespace vitrine::desk
