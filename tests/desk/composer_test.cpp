// SPDX-License-Identifier: Apache-2.0
// What is shown of a price, and for how long: a function of what is known.
#include "desk/stage/composer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/program_state.h"
#include "core/rfc3339.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using commerce::OfferState;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const Instant kNow = *parse_rfc3339("2026-11-22T12:00:00Z");
constexpr std::array<char, 3> kCny = {'C', 'N', 'Y'};

PaperSight licence_of(const char* holder) {
  PaperSight paper{"licence", 2, {}, kNow + 240h};
  paper.document.holder = holder;
  paper.document.number = "91";
  return paper;
}

class ComposerTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto config = parse_config(
        "[studio]\nname = \"店\"\nstate_dir = \"/tmp/s\"\nrun_dir = \"/tmp/r\"\n[[camera]]\nid = "
        "\"a\"\nsource = "
        "\"test:bars\"\n[[program]]\nid = \"main\"\n[[program]]\nid = \"tall\"\nwidth = 1080\nheight = "
        "1920\n[[destination]]\nid = \"douyin\"\nprogram = \"main\"\nurl = \"rtmp://a.example/live\"\n"
        "key_credential = \"k\"\n[[destination]]\nid = \"kuaishou\"\nprogram = \"main\"\nurl = "
        "\"rtmp://b.example/live\"\nkey_credential = \"k\"\n",
        "test.toml");
    ASSERT_TRUE(config) << to_error(config.error()).message;
    config_ = *config;
    const auto plan =
        show_plan_from({{"host", "小李"}, {"rundown", {{{"kind", "item"}, {"item", {{"product", "p"}}}}}}});
    ASSERT_TRUE(plan);
    sight_.now = kNow;
    sight_.show.emplace();
    sight_.show->id = 7;
    sight_.show->state = Show::State::kLive;
    sight_.show->plan = *plan;
    sight_.show->started_at = kNow - 10min;
    sight_.steps = {{1, 1, Segment::Kind::kItem, {"p", ""}, "小李", {"op", kNow - 1min}}};
    sight_.item.emplace();
    auto& item = sight_.item->item;
    item.ref = {"p", ""};
    item.title = "延边苹果梨";
    item.price = {3990, kCny};
    item.availability = commerce::Availability::kListed;
    item.stock = 5;
    sight_.item->price_holds_until = kNow + 50s;
  }
  void give_offer(OfferState state, std::chrono::milliseconds left) {
    commerce::Offer offer;
    offer.id = 3;
    offer.state = state;
    offer.prices[{"p", ""}] = {{2990, kCny}, {3990, kCny}};
    offer.window = {kNow - 20s, kNow + left};
    sight_.item->offer = offer;
    sight_.item->item.price = {2990, kCny};
  }
  [[nodiscard]] Composition made() const { return compose(sight_, config_, {}); }
  /// The layer of the first program as the studio will see it; null where there is none.
  [[nodiscard]] json layer(const std::string& id) const {
    const auto composition = made();
    for (const auto& layer : composition.programs[0]["scene"]["layers"])
      if (layer["id"] == id) return layer;
    return nullptr;
  }
  /// The form that the studio gives it at an instant.
  [[nodiscard]] LayerForm form(const std::string& id, Instant at) const {
    json document = {{"version", 1}, {"revision", 1}, {"programs", made().programs}};
    const auto state = decode_program_state(document, config_);
    EXPECT_TRUE(state) << to_error(state.error()).message;
    for (const auto& each : state->programs[0].scene.layers)
      if (each.id == id) return each.form_at(at);
    return LayerForm::kHidden;
  }

  Config config_;
  StageSight sight_;
};

TEST_F(ComposerTest, APriceIsShownForAsLongAsItIsKnownToBeCharged) {
  EXPECT_EQ(form("card", kNow), LayerForm::kNormal);
  EXPECT_EQ(form("card", kNow + 49s), LayerForm::kNormal);
  EXPECT_EQ(form("card", kNow + 50s), LayerForm::kNeutral);
  EXPECT_EQ(layer("card")["data"]["price"]["minor"], 3990);
  EXPECT_EQ(layer("card")["data"]["price_label"], "售价") << "without an offer it is no special price";
}

TEST_F(ComposerTest, APriceThatNobodyConfirmedIsNeutralAtOnce) {
  sight_.item->price_holds_until.reset();
  EXPECT_EQ(form("card", kNow), LayerForm::kNeutral);
  sight_.item->price_holds_until = kNow - 1s;
  EXPECT_EQ(form("card", kNow), LayerForm::kNeutral);
}

TEST_F(ComposerTest, AnOfferEndsTheCardInItsFrameAndNotBefore) {
  give_offer(OfferState::kConfirmed, 20s);
  EXPECT_EQ(form("card", kNow + 20s - 1us), LayerForm::kNormal);
  EXPECT_EQ(form("card", kNow + 20s), LayerForm::kEnded);
  EXPECT_EQ(layer("countdown")["data"]["ends_at"], format_rfc3339(kNow + 20s));
  EXPECT_EQ(form("countdown", kNow + 22s), LayerForm::kNormal)
      << "its own instant turns it into its ended form";
  EXPECT_EQ(form("countdown", kNow + 26s), LayerForm::kHidden);
  EXPECT_EQ(layer("card")["data"]["price_label"], "直播价");
}

TEST_F(ComposerTest, ALongOfferHoldsNoPriceLongerThanItIsKnown) {
  give_offer(OfferState::kConfirmed, 3600s);
  EXPECT_EQ(form("card", kNow + 50s), LayerForm::kNeutral);
  EXPECT_EQ(form("countdown", kNow + 50s), LayerForm::kHidden);
}

TEST_F(ComposerTest, AnOfferThatIsNotConfirmedIsNotShownAsOne) {
  give_offer(OfferState::kPlaced, 20s);
  sight_.item->item.price = {3990, kCny};
  EXPECT_TRUE(layer("countdown").is_null());
  EXPECT_EQ(layer("card")["data"]["price_label"], "售价");
}

TEST_F(ComposerTest, AfterAnOffersEndItsPriceNeverComesBack) {
  give_offer(OfferState::kEnding, -1s);
  sight_.item->offer->changed_at = kNow;
  EXPECT_EQ(form("card", kNow), LayerForm::kEnded) << "the shop may still charge it";
  sight_.item->item.price = {3990, kCny};
  sight_.item->price_holds_until.reset();
  EXPECT_EQ(form("card", kNow), LayerForm::kEnded);
  sight_.item->price_holds_until = kNow + 50s;
  sight_.now = kNow + 6s;
  EXPECT_EQ(form("card", kNow + 6s), LayerForm::kNormal) << "read after it: the usual price";
}

TEST_F(ComposerTest, AnEndIsSeenForAMomentHoweverQuickTheShopIs) {
  give_offer(OfferState::kEnded, -1s);
  sight_.item->offer->changed_at = kNow;
  sight_.item->item.price = {3990, kCny};
  EXPECT_EQ(form("card", kNow), LayerForm::kEnded);
  EXPECT_EQ(form("countdown", kNow + 3s), LayerForm::kNormal) << "in its ended form by itself";
  sight_.now = kNow + 5s;
  EXPECT_EQ(form("card", sight_.now), LayerForm::kNormal);
  EXPECT_TRUE(layer("countdown").is_null());
}

TEST_F(ComposerTest, AnEndByAClockThatIsAHairAheadIsTheOffersOwn) {
  give_offer(OfferState::kEnded, 20ms);
  sight_.item->offer->changed_at = kNow;
  sight_.item->item.price = {3990, kCny};
  EXPECT_EQ(form("card", kNow + 19ms), LayerForm::kNormal);
  EXPECT_EQ(form("card", kNow + 20ms), LayerForm::kEnded) << "in its frame, as the countdown";
  EXPECT_EQ(form("countdown", kNow + 1s), LayerForm::kNormal) << "in its ended form by itself";
}

TEST_F(ComposerTest, AnOfferThatWasEndedEarlyIsTheSameAtEveryLook) {
  give_offer(OfferState::kEnding, 600s);
  sight_.item->offer->changed_at = kNow - 2s;
  const auto first = made().essence;
  sight_.now = kNow + 3s;
  EXPECT_EQ(form("card", kNow), LayerForm::kEnded);
  EXPECT_EQ(made().essence, first);
}

TEST_F(ComposerTest, WhatIsSoldOutHasNoCountdownAndNoTerms) {
  give_offer(OfferState::kConfirmed, 20s);
  sight_.item->item.stock = 0;
  EXPECT_EQ(layer("card")["data"]["stock"], 0);
  EXPECT_TRUE(layer("countdown").is_null());
}

TEST_F(ComposerTest, AStruckThroughPriceNeedsItsBasis) {
  sight_.item->reference = Money{5900, kCny};
  EXPECT_FALSE(layer("card")["data"].contains("reference_price"));
  sight_.item->notes.emplace();
  sight_.item->notes->reference = {"门店价", "tag"};
  EXPECT_EQ(layer("card")["data"]["reference_price"]["minor"], 5900);
  sight_.item->reference.reset();
  EXPECT_FALSE(layer("card")["data"].contains("reference_price"));
}

TEST_F(ComposerTest, WhoAsksForADepositSaysWhoHeIsBeforeThat) {
  sight_.item->notes.emplace();
  sight_.item->notes->deposit = {{500, kCny}, {1000, kCny}, kNow + 24h};
  EXPECT_FALSE(layer("card")["data"].contains("deposit")) << "there is no licence to show";
  EXPECT_THAT(made().remarks, SizeIs(2)) << "one for each program";
  sight_.licence = licence_of("老李生鲜有限公司");
  sight_.steps.back().by.at = kNow;
  EXPECT_EQ(layer("card")["data"]["deposit"]["minor"], 500);
  EXPECT_EQ(layer("card")["data"]["balance"]["minor"], 2990);
  EXPECT_EQ(form("licence", kNow), LayerForm::kNormal);
  EXPECT_EQ(form("card", kNow + 1s), LayerForm::kHidden);
  EXPECT_EQ(form("card", kNow + 5s), LayerForm::kNormal);
}

TEST_F(ComposerTest, TheLicenceComesOnScheduleAndGoesWithItsValidity) {
  sight_.licence = licence_of("老李");
  sight_.now = kNow - 10min + 5s;
  EXPECT_EQ(form("licence", sight_.now), LayerForm::kNormal);
  sight_.now = kNow - 10min + 25s;
  EXPECT_TRUE(layer("licence").is_null());
  sight_.now = kNow - 10min + 15min + 1s;
  EXPECT_EQ(form("licence", sight_.now), LayerForm::kNormal);
  sight_.licence->holds_until = sight_.now;
  EXPECT_TRUE(layer("licence").is_null());
}

TEST_F(ComposerTest, BehindTheSlateNothingIsSeenOrHeardButTheNotice) {
  sight_.show->plan.is_ai = true;
  sight_.show->slate = "马上回来";
  const json scene = made().programs[0]["scene"];
  EXPECT_THAT(scene["pictures"], IsEmpty());
  EXPECT_THAT(scene["sounds"], IsEmpty());
  EXPECT_EQ(scene["slate"]["data"]["message"], "马上回来");
  EXPECT_THAT(scene["layers"], SizeIs(1));
  EXPECT_EQ(scene["layers"][0]["template"], "ai_notice");
}

TEST_F(ComposerTest, OnlyTheShowsProgramsAreOnAirAndWithoutAShowTheyStayAsTheyWere) {
  sight_.show->plan.programs = {"tall"};
  EXPECT_FALSE(made().programs[0]["on_air"]);
  EXPECT_TRUE(made().programs[1]["on_air"]);
  sight_.show.reset();
  sight_.steps.clear();
  EXPECT_TRUE(compose(sight_, config_, {{"main", nullptr}}).programs[0]["on_air"])
      << "a technician put it there";
}

TEST_F(ComposerTest, AShowIsPublishedToItsDestinationsAndToNoOther) {
  EXPECT_FALSE(made().programs[0].contains("destinations")) << "it names none: all of them";
  sight_.show->plan.destinations = {"kuaishou", "gone"};
  EXPECT_EQ(made().programs[0]["destinations"], json{"kuaishou"});
  EXPECT_THAT(made().remarks, testing::ElementsAre(HasSubstr("\"gone\"")));
  EXPECT_EQ(made().programs[1]["destinations"], json::array()) << "none of them is this program's";
  sight_.show->plan.destinations = {"gone"};
  EXPECT_EQ(made().programs[0]["destinations"], json::array()) << "none, and by no means all";
  const auto before = made().essence;
  sight_.show->plan.destinations = {"douyin"};
  EXPECT_NE(made().essence, before) << "the studio must be told";
  sight_.show.reset();
  sight_.steps.clear();
  EXPECT_EQ(compose(sight_, config_, {{"main", {"douyin"}}}).programs[0]["destinations"], json{"douyin"})
      << "a technician chose it";
}

TEST_F(ComposerTest, ALongerLeaseAloneIsNoOtherPictureAndIsRenewedBeforeHalfOfItIsOver) {
  const auto sent = made();
  sight_.now = kNow + 5s;
  sight_.item->price_holds_until = kNow + 60s;
  EXPECT_EQ(made().essence, sent.essence);
  EXPECT_FALSE(is_worth_renewing(sent, made(), kNow + 5s));
  sight_.item->price_holds_until = kNow + 80s;
  EXPECT_TRUE(is_worth_renewing(sent, made(), kNow + 25s));
  sight_.item->price_holds_until = kNow + 50s;
  EXPECT_FALSE(is_worth_renewing(sent, made(), kNow + 40s)) << "nothing longer is known";
}

TEST_F(ComposerTest, ATickerThatAsksForOrdersTellsTheNewestAndNoName) {
  StageLayer news;
  news.id = "news";
  news.template_name = "ticker";
  news.source = StageLayer::Source::kOrders;
  news.valid_from = kNow - 1s;
  news.valid_until = kNow + 60s;
  sight_.layers = {news};
  EXPECT_TRUE(layer("on-news").is_null()) << "nothing was ordered: no empty ticker";
  sight_.orders = {{"林*", "延边苹果梨", 2, false},
                   {"Alexander*", "长白山天然矿泉水礼盒装十二瓶", 1'234'567, true},
                   {"", "", 3, false}};
  const json orders = layer("on-news")["data"]["orders"];
  ASSERT_THAT(orders, SizeIs(3));
  EXPECT_EQ(orders[0], (json{{"who", "林**"}, {"what", "拍下延边苹果梨 2 件"}}));
  EXPECT_EQ(orders[1], (json{{"who", "A**"}, {"what", "拍下长白山天然矿泉水礼盒… 等 999999 件"}}))
      << "no more of a name than its first character, and at most 24 characters";
  EXPECT_EQ(orders[2], (json{{"who", "顾客**"}, {"what", "拍下 3 件"}}));
  const auto before = made().essence;
  sight_.orders.erase(sight_.orders.begin());
  EXPECT_NE(made().essence, before) << "another order is another picture";
  EXPECT_EQ(form("on-news", kNow + 60s), LayerForm::kHidden);
}

TEST_F(ComposerTest, EvidenceKnowsWhyEachLayerIsThere) {
  give_offer(OfferState::kConfirmed, 20s);
  const json basis = made().basis;
  EXPECT_EQ(basis["show"], 7);
  EXPECT_EQ(basis["operator"], "op");
  const json& card = basis["programs"]["main"]["layers"]["card"];
  EXPECT_EQ(card["price"]["minor"], 2990);
  EXPECT_EQ(card["offer"]["id"], 3);
  EXPECT_EQ(card["item"]["title"], "延边苹果梨");
}

}  // namespace
}  // namespace vitrine::desk
