// SPDX-License-Identifier: Apache-2.0
#include "studio/director.h"

#include <future>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

json shop_layer(const std::string& name) {
  return {{"id", "shop"},
          {"template", "shop_name"},
          {"data", {{"name", name}}},
          {"valid_from", format_rfc3339(system_now() - 1min)},
          {"valid_until", format_rfc3339(system_now() + 1h)},
          {"after", "hide"}};
}

/// A state for the program "main"; with a layer it must be drawn first, without one it needs only its slate.
json state_of(uint64_t revision, bool is_on_air, const std::string& scene, json layers = json::array()) {
  return {{"version", 1},
          {"revision", revision},
          {"programs",
           {{{"id", "main"},
             {"on_air", is_on_air},
             {"scene",
              {{"id", scene},
               {"pictures", {{{"camera", "counter"}}}},
               {"slate", {{"data", {{"shop", "老李生鲜"}}}}},
               {"layers", std::move(layers)}}}}}}};
}

/// The director with the real render worker, journal and disk.
class DirectorTest : public testing::Test {
 protected:
  void SetUp() override {
    loop = std::move(*EventLoop::create());
    loop_thread = std::jthread([this] { loop->run(); });
  }
  void TearDown() override {
    on_loop([this] {
      director.reset();
      journal.reset();
    });
    loop->quit();
    loop_thread = {};
  }

  void on_loop(const std::function<void()>& call) const {
    std::promise<void> done;
    loop->post([&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }

  void configure(const std::string& more = "") {
    auto parsed = parse_config(fmt::format("[studio]\nname = \"老李生鲜\"\nstate_dir = \"{}\"\n"
                                           "[[camera]]\nid = \"counter\"\nsource = \"test:bars\"\n"
                                           "[[program]]\nid = \"main\"\nwidth = 640\nheight = 360\n{}",
                                           dir.path().string(), more),
                               "vitrine.toml");
    ASSERT_TRUE(parsed) << to_error(parsed.error()).message;
    config = std::move(*parsed);
  }

  void start(const std::filesystem::path& renderer = std::filesystem::path(VITRINE_BIN_DIR) /
                                                     "vitrine-render") {
    const std::filesystem::path themes = std::filesystem::path(VITRINE_SOURCE_DIR) / "themes";
    on_loop([&] {
      journal.emplace(StateStore(dir.path()));
      const SourceAccess sources{[](const std::string&) { return [] { return std::nullopt; }; },
                                 [](const std::string&) { return [] { return nullptr; }; }};
      director.emplace(Director::Parts{*loop,
                                       config,
                                       {renderer, themes, themes / "classic/media", {}},
                                       sources,
                                       *journal,
                                       StateStore(dir.path())},
                       Director::Events{[this](const std::string& program, std::shared_ptr<const Plan> plan,
                                               bool on_air, const WantedDestinations& destinations) {
                         shown[program] = {std::move(plan), on_air, destinations};
                       }});
      director->start();
    });
  }

  /// The outcome goes into outcomes[name]. Thread: the loop's.
  Director::Done into(const std::string& name) {
    return [this, name](Director::Outcome outcome) { outcomes[name] = std::move(outcome); };
  }
  bool wait_for_outcome(const std::string& name) {
    return fakes::wait_for([&] {
      bool has_come = false;
      on_loop([&] { has_come = outcomes.contains(name); });
      return has_come;
    });
  }
  Director::Outcome apply(const json& state) {
    on_loop([&] {
      outcomes.erase("apply");
      director->apply(state, into("apply"));
    });
    EXPECT_TRUE(wait_for_outcome("apply"));
    return outcomes["apply"];
  }

  json on_disk() const { return *parse_json(fakes::read_file(dir.path() / "program-state.json"), 1 << 20); }
  bool is_on_air() const {
    bool on_air = false;
    on_loop([&] { on_air = shown.at("main").is_on_air; });
    return on_air;
  }
  std::string scene() const {
    std::string id;
    on_loop([&] { id = shown.at("main").plan->scene_id; });
    return id;
  }

  struct Shown {
    std::shared_ptr<const Plan> plan;
    bool is_on_air = false;
    WantedDestinations destinations;
  };

  fakes::TempDir dir;
  Config config;
  std::unique_ptr<EventLoop> loop;
  std::jthread loop_thread;
  // The loop's, like all that follows.
  std::optional<Journal> journal;
  std::optional<Director> director;
  std::map<std::string, Shown> shown;
  std::map<std::string, Director::Outcome> outcomes;
};

TEST_F(DirectorTest, ShowsAStateWhenItIsDrawnAndOnDisk) {
  configure();
  start();
  const auto state = state_of(20, true, "item", {shop_layer("老李生鲜 人民路店")});
  const auto outcome = apply(state);
  ASSERT_FALSE(outcome.error) << outcome.error->message;
  EXPECT_EQ(outcome.revision, 20U);
  EXPECT_EQ(scene(), "item");
  EXPECT_TRUE(is_on_air());
  EXPECT_EQ(on_disk(), state);
  on_loop([&] {
    const auto& plan = *shown["main"].plan;
    EXPECT_NE(director->tiles()->find(plan.layers[0].normal_key, plan.clock.at(steady_now())), nullptr);
  });
  EXPECT_FALSE(apply(state).error) << "sent again after a lost answer";
}

TEST_F(DirectorTest, WhatIsRefusedChangesNothing) {
  configure();
  start();
  ASSERT_FALSE(apply(state_of(20, true, "good")).error);
  const auto older = apply(state_of(19, false, "older"));
  ASSERT_TRUE(older.error);
  EXPECT_EQ(older.error->code, ErrorCode::kStaleRevision);
  auto unknown = state_of(21, true, "bad");
  unknown["programs"][0]["scene"]["pictures"][0]["camera"] = "dor";
  const auto refused = apply(unknown);
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code, ErrorCode::kInvalidInput);
  EXPECT_EQ(refused.problems.size(), 1U);
  auto layer = shop_layer("x");
  layer["data"] = {{"nmae", "x"}};
  const auto undrawable = apply(state_of(22, true, "bad", {layer}));
  ASSERT_TRUE(undrawable.error);
  EXPECT_EQ(undrawable.error->code, ErrorCode::kInvalidInput);
  EXPECT_THAT(to_error(undrawable.problems).message, HasSubstr("nmae"));
  EXPECT_EQ(scene(), "good");
  EXPECT_EQ(on_disk()["revision"], 20);
}

TEST_F(DirectorTest, AStopOvertakesAStateThatIsBeingDrawn) {
  configure();
  start();
  ASSERT_FALSE(apply(state_of(10, true, "first")).error);
  on_loop([&] {
    director->apply(state_of(20, true, "second", {shop_layer("第二场")}), into("second"));
    director->apply(state_of(21, true, "third"), into("third"));
    director->set_on_air(false, "", into("stop"));
    EXPECT_FALSE(shown["main"].is_on_air) << "at once";
  });
  for (const auto* name : {"second", "third", "stop"}) ASSERT_TRUE(wait_for_outcome(name)) << name;
  EXPECT_EQ(outcomes["second"].error.value_or(Error{}).code, ErrorCode::kStaleRevision);
  EXPECT_EQ(outcomes["third"].error.value_or(Error{}).code, ErrorCode::kStaleRevision);
  EXPECT_FALSE(outcomes["stop"].error);
  EXPECT_EQ(on_disk()["programs"][0]["on_air"], false);
  EXPECT_EQ(on_disk()["revision"], 11);
  EXPECT_FALSE(apply(state_of(30, true, "later", {shop_layer("第二场")})).error) << "the next one is welcome";
  EXPECT_TRUE(is_on_air());
}

TEST_F(DirectorTest, AStopOvertakesAStateThatIsBeingSaved) {
  configure();
  start();
  ASSERT_FALSE(apply(state_of(10, true, "first")).error);
  on_loop([&] {
    director->apply(state_of(20, true, "second"), into("second"));  // drawn already: it is being saved
    director->set_on_air(false, "", into("stop"));
  });
  for (const auto* name : {"second", "stop"}) ASSERT_TRUE(wait_for_outcome(name)) << name;
  EXPECT_EQ(outcomes["second"].error.value_or(Error{}).code, ErrorCode::kStaleRevision);
  EXPECT_EQ(on_disk()["programs"][0]["on_air"], false) << "the disk holds what is shown";
  EXPECT_EQ(on_disk()["revision"], 11);
  EXPECT_FALSE(is_on_air());
}

TEST_F(DirectorTest, AStartBuildsOnTheStateThatIsBeingSaved) {
  configure();
  start();
  ASSERT_FALSE(apply(state_of(10, false, "first")).error);
  on_loop([&] {
    director->apply(state_of(20, false, "second"), into("second"));
    director->set_on_air(true, "", into("start"));
  });
  for (const auto* name : {"second", "start"}) ASSERT_TRUE(wait_for_outcome(name)) << name;
  EXPECT_FALSE(outcomes["second"].error);
  EXPECT_FALSE(outcomes["start"].error);
  EXPECT_EQ(scene(), "second");
  EXPECT_TRUE(is_on_air());
  EXPECT_EQ(on_disk()["revision"], 21);
  EXPECT_EQ(on_disk()["programs"][0]["on_air"], true);
}

TEST_F(DirectorTest, AStartDoesNotWaitForDrawingAndDoesNotStopIt) {
  configure();
  start();
  ASSERT_FALSE(apply(state_of(10, false, "first")).error);
  on_loop([&] {
    director->apply(state_of(20, true, "second", {shop_layer("第二场")}), into("second"));
    director->set_on_air(true, "main", into("start"));
  });
  for (const auto* name : {"start", "second"}) ASSERT_TRUE(wait_for_outcome(name)) << name;
  EXPECT_FALSE(outcomes["start"].error);
  EXPECT_FALSE(outcomes["second"].error);
  EXPECT_EQ(scene(), "second");
  EXPECT_EQ(on_disk()["revision"], 20);
}

TEST_F(DirectorTest, StartsAndStopsWithADeadRenderer) {
  configure();
  start("/bin/false");
  on_loop([&] { director->set_on_air(true, "", into("start")); });
  ASSERT_TRUE(wait_for_outcome("start"));
  EXPECT_FALSE(outcomes["start"].error);
  EXPECT_TRUE(is_on_air());
  const auto outcome = apply(state_of(20, true, "item", {shop_layer("x")}));
  EXPECT_TRUE(outcome.error);
  EXPECT_EQ(scene(), "default");
  on_loop([&] { director->set_on_air(false, "", into("stop")); });
  ASSERT_TRUE(wait_for_outcome("stop"));
  EXPECT_FALSE(is_on_air());
}

TEST_F(DirectorTest, ShowsTheDefaultWhateverTheSavedStateHolds) {
  configure();
  const std::string wrong = R"({"revision": 7, "programs": [{"id": "main", "on_air": true, "scene": 5}]})";
  for (const std::string saved :
       {R"([])", R"("x")", R"({"revision": "x"})", R"({"revision": 18446744073709551615, "programs": 3})",
        R"({"revision": 5, "programs": [7, {"id": 7}, {"id": "main", "on_air": "yes"}]})", wrong.c_str()}) {
    static_cast<void>(dir.write("program-state.json", saved));
    start();
    EXPECT_EQ(scene(), "default") << saved;
    EXPECT_EQ(is_on_air(), saved == wrong) << saved;
    on_loop([&] { EXPECT_THAT(director->complaint(), HasSubstr("does not fit")) << saved; });
    on_loop([&] {
      director.reset();
      journal.reset();
    });
  }
}

TEST_F(DirectorTest, ASceneThatNoLongerFitsStaysOnAirWhereItWasAndNowhereElse) {
  const std::string destination =
      "[[destination]]\nid = \"{}\"\nprogram = \"main\"\nurl = \"rtmp://x.example/live\"\nkey_credential = "
      "\"k\"\n";
  configure(
      fmt::format(fmt::runtime(destination + destination + destination), "douyin", "kuaishou", "weibo"));
  auto state = state_of(20, true, "item");
  state["programs"][0]["destinations"] = {"douyin", "gone"};
  static_cast<void>(dir.write("program-state.json", state.dump()));
  start();
  EXPECT_EQ(scene(), "default") << "\"gone\" is not there any more";
  on_loop([&] {
    EXPECT_TRUE(shown["main"].is_on_air);
    EXPECT_EQ(shown["main"].destinations, (std::vector<std::string>{"douyin"}));
  });
  state = state_of(30, true, "item");
  state["programs"][0]["destinations"] = json::array();
  ASSERT_FALSE(apply(state).error);
  on_loop([&] { EXPECT_EQ(shown["main"].destinations, std::vector<std::string>()) << "none is not all"; });
  ASSERT_FALSE(apply(state_of(31, true, "item")).error);
  on_loop([&] { EXPECT_EQ(shown["main"].destinations, std::nullopt); });
}

TEST_F(DirectorTest, AProgramThatTheStateLeavesOutShowsItsCameraOffAir) {
  configure("[[program]]\nid = \"tall\"\nwidth = 360\nheight = 640\n");
  start();
  ASSERT_FALSE(apply(state_of(20, true, "item")).error);
  on_loop([&] {
    ASSERT_NE(shown["tall"].plan, nullptr);
    EXPECT_EQ(shown["tall"].plan->scene_id, "default");
    EXPECT_FALSE(shown["tall"].is_on_air);
    director->set_on_air(true, "tall", into("start"));
  });
  ASSERT_TRUE(wait_for_outcome("start"));
  EXPECT_FALSE(outcomes["start"].error);
}

}  // namespace
}  // namespace vitrine::studio
