// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rfc3339.h"
#include "desk/desk_schema.h"
#include "desk/show/figures.h"
#include "desk/show/pace_clock.h"
#include "desk/show/schedule.h"
#include "desk/show/show_book.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Instant at(const char* text) {
  return *parse_rfc3339(text);
}
const Instant kNoon = at("2026-11-22T12:00:00Z");
const commerce::Author kOperator = {"op", kNoon};

commerce::Author later(std::chrono::seconds time) {
  return {"op", kNoon + time};
}

ShowPlan plan_of(const json& body) {
  auto plan = show_plan_from(body);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : ShowPlan{};
}

json item(const char* product) {
  return {{"kind", "item"}, {"item", {{"product", product}}}};
}

ShowPlan evening() {
  return plan_of(
      {{"title", "晚场"},
       {"host", "小李"},
       {"rundown",
        {{{"kind", "opening"}}, item("a"), item("b"), item("c"), {{"kind", "break"}}, item("d")}}});
}

class ShowBookTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    shows_.reset();
    store_.reset();
    auto store = commerce::Store::open({.directory = dir_.path(), .schema = kDeskSchema});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    shows_.emplace(*store_);
  }
  Show make(const ShowPlan& plan) {
    auto show = shows_->create(plan, Show::State::kPlanned, kOperator);
    EXPECT_TRUE(show) << show.error().message;
    return *show;
  }

  fakes::TempDir dir_;
  std::unique_ptr<commerce::Store> store_;
  std::optional<ShowBook> shows_;
};

TEST(ShowPlanTest, ReadsBackWhatItWrote) {
  const json body = {{"title", "晚场"},
                     {"begins_at", "2026-11-22T12:00:00.000Z"},
                     {"ends_at", "2026-11-22T14:00:00.000Z"},
                     {"starts_by_itself", true},
                     {"repeats", {{"days", {"mon", "sun"}}, {"at", "20:00"}, {"minutes", 90}}},
                     {"target", {{"minor", 5000000}, {"currency", "CNY"}}},
                     {"pace", {{"item_s", 120}, {"items_in_a_row", 2}, {"break_s", 60}}},
                     {"rundown", {item("a"), {{"kind", "recap"}}}}};
  const auto plan = plan_of(body);
  const auto again = plan_of(to_json(plan));
  EXPECT_EQ(to_json(plan), to_json(again));
  EXPECT_EQ(plan.rundown[0].id, 1);
  EXPECT_EQ(plan.number_of(1), 1);
  EXPECT_EQ(plan.number_of(2), 0) << "a recap has no number";
  EXPECT_EQ(to_json(plan)["repeats"]["at"], "20:00");
}

TEST(ShowPlanTest, EveryMistakeIsNamed) {
  const auto plan =
      show_plan_from({{"title", "a\u202Eb"},
                      {"begins_at", "tomorrow"},
                      {"starts_by_itself", true},
                      {"tpyo", 1},
                      {"repeats", {{"days", {"someday"}}, {"at", "25:00"}, {"minutes", 0}}},
                      {"rundown", {{{"kind", "item"}}, {{"kind", "break"}, {"item", {{"product", "a"}}}}}}});
  ASSERT_FALSE(plan);
  for (const char* where : {"title", "begins_at", "tpyo", "days[0]", "repeats.at", "minutes",
                            "rundown[0].item", "rundown[1].item"})
    EXPECT_THAT(plan.error().message, HasSubstr(where));
}

TEST(ShowPlanTest, APlaceThatIsNotConfiguredIsRefusedAtTheDoor) {
  const auto config = parse_config(
      "[studio]\nname = \"店\"\n[[camera]]\nid = \"a\"\nsource = \"test:bars\"\n[[program]]\nid = \"main\"\n"
      "[[program]]\nid = \"tall\"\n[[destination]]\nid = \"douyin\"\nprogram = \"main\"\nurl = "
      "\"rtmp://a.example/live\"\nkey_credential = \"k\"\n",
      "v.toml");
  ASSERT_TRUE(config);
  auto plan = plan_of({{"destinations", {"douyin"}}});
  EXPECT_EQ(to_json(plan)["destinations"], json{"douyin"});
  EXPECT_TRUE(check_places(plan, *config));
  plan.programs = {"tall"};
  EXPECT_THAT(check_places(plan, *config).error().message, HasSubstr("destinations[0]: found \"douyin\""));
  plan.programs = {"wide"};
  plan.destinations = {};
  EXPECT_THAT(
      check_places(plan, *config).error().message,
      HasSubstr("programs[0]: found \"wide\", allowed: the id of a [[program]] of vitrine.toml: main, tall"));
  EXPECT_FALSE(show_plan_from({{"destinations", {"douyin", "douyin"}}}));
}

TEST_F(ShowBookTest, AShowGoesItsWayAndARestartForgetsNothing) {
  const auto show = make(evening());
  ASSERT_TRUE(shows_->start(show.id, kOperator));
  ASSERT_TRUE(shows_->go(show.id, 2, later(60s)));
  ASSERT_TRUE(shows_->go(show.id, 2, later(61s))) << "pressed twice";
  ASSERT_TRUE(shows_->hand_over(show.id, "小王", later(90s)));
  open();
  const auto live = shows_->live();
  ASSERT_TRUE(live && *live);
  EXPECT_EQ((*live)->id, show.id);
  const auto steps = shows_->steps(show.id);
  ASSERT_TRUE(steps);
  ASSERT_THAT(*steps, SizeIs(3));
  EXPECT_EQ((*steps)[1].item.product, "a");
  EXPECT_EQ((*steps)[2].segment, 2);
  EXPECT_EQ((*steps)[2].host, "小王");
  ASSERT_TRUE(shows_->stop(show.id, "done", later(100s)));
  EXPECT_EQ(shows_->get(show.id)->state, Show::State::kOver);
  EXPECT_FALSE(shows_->start(show.id, later(200s))) << "what was on air is not on air again";
  EXPECT_FALSE(shows_->remove(show.id));
  EXPECT_FALSE(shows_->go(show.id, 3, later(200s)));
}

TEST_F(ShowBookTest, OneShowIsLive) {
  const auto first = make(evening());
  const auto second = make(evening());
  ASSERT_TRUE(shows_->start(first.id, kOperator));
  ASSERT_TRUE(shows_->start(first.id, kOperator)) << "pressed twice";
  const auto refused = shows_->start(second.id, kOperator);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("stop it first"));
}

TEST_F(ShowBookTest, AnOldFormIsRefusedAndWhatIsOnStays) {
  const auto show = make(evening());
  ASSERT_TRUE(shows_->put(show.id, evening(), 1, kOperator));
  EXPECT_EQ(shows_->put(show.id, evening(), 1, kOperator).error().code, ErrorCode::kStaleRevision);
  ASSERT_TRUE(shows_->start(show.id, kOperator));
  ASSERT_TRUE(shows_->go(show.id, 2, kOperator));
  ShowPlan without = shows_->get(show.id)->plan;
  without.rundown.erase(without.rundown.begin() + 1);
  EXPECT_FALSE(shows_->put(show.id, without, 2, kOperator)) << "segment 2 is on air";
  ASSERT_TRUE(shows_->go(show.id, 3, kOperator));
  EXPECT_TRUE(shows_->put(show.id, without, 2, kOperator));
}

TEST_F(ShowBookTest, AClockSetBackPutsNoStepBeforeTheOneItFollowed) {
  const auto show = make(evening());
  ASSERT_TRUE(shows_->start(show.id, kOperator));
  ASSERT_TRUE(shows_->go(show.id, 2, later(-3600s)));
  const auto steps = shows_->steps(show.id);
  EXPECT_GE((*steps)[1].by.at, (*steps)[0].by.at);
}

TEST_F(ShowBookTest, ThePaceRemindsOfTheTradesRhythm) {
  using Hint = PaceSight::Hint;
  const auto show = make(evening());
  const auto hint = [&](std::chrono::seconds now) {
    return judge_pace(*shows_->get(show.id), *shows_->steps(show.id), kNoon + now).hint;
  };
  ASSERT_TRUE(shows_->start(show.id, kOperator));
  ASSERT_TRUE(shows_->go(show.id, 2, later(10s)));
  EXPECT_EQ(hint(100s), Hint::kNone);
  EXPECT_EQ(hint(170s), Hint::kItemSoonOver);
  EXPECT_EQ(hint(200s), Hint::kItemTooLong);
  ASSERT_TRUE(shows_->go(show.id, 3, later(210s)));
  ASSERT_TRUE(shows_->hand_over(show.id, "小王", later(220s)));
  ASSERT_TRUE(shows_->go(show.id, 4, later(400s)));
  const auto third = judge_pace(*shows_->get(show.id), *shows_->steps(show.id), kNoon + 600s);
  EXPECT_EQ(third.items_in_a_row, 3) << "one whose host changed is one";
  EXPECT_EQ(third.hint, Hint::kPauseNow);
  ASSERT_TRUE(shows_->go(show.id, 5, later(610s)));
  EXPECT_EQ(hint(620s), Hint::kPauseTooShort);
  EXPECT_EQ(hint(740s), Hint::kNone);
}

/// The box's time zone, for one test.
class Zone {
 public:
  explicit Zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST(NextStart, FollowsTheShopsClockOverDaylightSaving) {
  const Zone berlin("Europe/Berlin");
  const Repeats daily{{std::chrono::Sunday, std::chrono::Monday, std::chrono::Tuesday, std::chrono::Wednesday,
                       std::chrono::Thursday, std::chrono::Friday, std::chrono::Saturday},
                      2h + 30min,
                      60min};
  EXPECT_EQ(*next_start(daily, at("2026-03-28T00:00:00Z")), at("2026-03-28T01:30:00Z"));
  EXPECT_EQ(*next_start(daily, at("2026-03-28T12:00:00Z")), at("2026-03-29T01:00:00Z"))
      << "2:30 does not exist on that day: the first moment after the gap";
  EXPECT_EQ(*next_start(daily, at("2026-10-24T12:00:00Z")), at("2026-10-25T00:30:00Z"))
      << "2:30 comes twice on that day: the first one";
  EXPECT_EQ(*next_start(daily, at("2026-10-25T00:31:00Z")), at("2026-10-26T01:30:00Z"));
  const Repeats mondays{{std::chrono::Monday}, 20h, 60min};
  EXPECT_EQ(*next_start(mondays, at("2026-11-22T12:00:00Z")), at("2026-11-23T19:00:00Z"));
}

class ScheduleTest : public ShowBookTest {
 protected:
  std::optional<int64_t> live_at(Instant now) {
    const auto look = Schedule(*shows_).look(now);
    EXPECT_TRUE(look) << look.error().message;
    const auto live = shows_->live();
    return *live ? std::optional((*live)->id) : std::nullopt;
  }
};

TEST_F(ScheduleTest, AShowBeginsAndEndsByItselfWhateverTheClockDoes) {
  auto plan = evening();
  plan.begins_at = kNoon;
  plan.ends_at = kNoon + 1h;
  plan.starts_by_itself = plan.stops_by_itself = true;
  const auto show = make(plan);
  EXPECT_EQ(live_at(kNoon - 1s), std::nullopt);
  EXPECT_EQ(live_at(kNoon + 10min), show.id) << "the box was off at noon";
  EXPECT_EQ(live_at(kNoon - 10min), show.id) << "the clock was set back: it goes on";
  EXPECT_EQ(live_at(kNoon + 1h), std::nullopt);
  EXPECT_EQ(shows_->get(show.id)->state, Show::State::kOver);
  EXPECT_EQ(live_at(kNoon + 30min), std::nullopt) << "set back again: what is over does not begin again";
}

TEST_F(ScheduleTest, AShowWhoseTimeIsOverIsNotBegun) {
  auto plan = evening();
  plan.begins_at = kNoon;
  plan.ends_at = kNoon + 1h;
  plan.starts_by_itself = true;
  (void)make(plan);
  EXPECT_EQ(live_at(kNoon + 2h), std::nullopt);
}

TEST_F(ScheduleTest, ATemplateMakesEachOfItsShowsOnce) {
  const Zone shanghai("Asia/Shanghai");
  auto plan = plan_of({{"title", "每晚八点"},
                       {"starts_by_itself", true},
                       {"stops_by_itself", true},
                       {"repeats", {{"days", {"sun", "mon"}}, {"at", "20:00"}, {"minutes", 60}}}});
  ASSERT_TRUE(shows_->create(plan, Show::State::kTemplate, kOperator));
  EXPECT_NE(live_at(kNoon + 5min), std::nullopt) << "it is Sunday, 20:05 there";
  (void)live_at(kNoon + 6min);
  EXPECT_EQ(shows_->list(Show::State::kPlanned, 0, 100)->total, 2) << "Monday's and next Sunday's";
  const auto live = shows_->live();
  ASSERT_TRUE(shows_->stop((*live)->id, "by hand", later(400s)));
  EXPECT_EQ(live_at(kNoon + 10min), std::nullopt) << "stopped by hand, it stays so";
  EXPECT_NE(live_at(kNoon + 24h), std::nullopt);
}

TEST(FiguresTest, SalesAreCreditedToWhoWasOnAir) {
  Show show;
  show.plan = plan_of({{"target", {{"minor", 10000}, {"currency", "CNY"}}}, {"rundown", {item("a")}}});
  show.started_at = kNoon;
  const std::vector<ShowStep> steps = {{1, 1, Segment::Kind::kItem, {"a", ""}, "小李", {"op", kNoon}},
                                       {2, 1, Segment::Kind::kItem, {"a", ""}, "小王", {"op", kNoon + 60s}}};
  const auto line = [](const char* order, commerce::OrderState state, int64_t quantity, Instant placed) {
    commerce::OrderBook::ShowLine made;
    made.order = order;
    made.state = state;
    made.line.quantity = quantity;
    made.line.unit_price = {1000, {'C', 'N', 'Y'}};
    made.item = commerce::Ref{"a", ""};
    made.placed_at = placed;
    made.masked_name = "王*";
    return made;
  };
  using State = commerce::OrderState;
  const auto figures =
      count(show, steps,
            {line("1", State::kPaid, 2, kNoon + 10s), line("1", State::kPaid, 1, kNoon + 10s),
             line("2", State::kCancelled, 9, kNoon + 20s), line("3", State::kDepositPaid, 1, kNoon + 70s)},
            {{"douyin", 40}}, kNoon + 120s);
  EXPECT_EQ(figures.all.orders, 2);
  EXPECT_EQ(figures.all.pieces, 4);
  EXPECT_EQ(figures.all.deposits, 1);
  EXPECT_EQ(figures.cancelled, 1);
  EXPECT_EQ(figures.hosts.at("小李").sales_minor, 3000);
  EXPECT_EQ(figures.hosts.at("小王").sales_minor, 1000);
  EXPECT_EQ(figures.items.at({"a", ""}).orders, 2);
  EXPECT_EQ(figures.conversion_permille, 50);
  EXPECT_EQ(figures.target_permille, 400);
  EXPECT_EQ(figures.on_air.at({"a", ""}), 120s);
  EXPECT_EQ(figures.newest.front().placed_at, kNoon + 70s);
}

}  // namespace
}  // namespace vitrine::desk
