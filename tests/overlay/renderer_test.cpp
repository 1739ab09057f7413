// SPDX-License-Identifier: Apache-2.0
#include "overlay/renderer.h"

#include <cstring>
#include <filesystem>
#include <future>
#include <optional>
#include <signal.h>
#include <stdlib.h>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "overlay/render/tile_maker.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"
#include "tests/overlay/test_photos.h"

namespace vitrine::overlay {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kThemes = fs::path(VITRINE_SOURCE_DIR) / "themes";

json sample(const std::string& name) {
  return *parse_json(fakes::read_file(kThemes / "classic/samples" / (name + ".json")), 1 << 20);
}

/// The renderer with the real vitrine-render, or another program in its place. Every wait has a generous
/// deadline.
class RendererTest : public testing::Test {
 protected:
  void SetUp() override {
    loop = std::move(*EventLoop::create());
    loop_thread = std::jthread([this] { loop->run(); });
  }
  void TearDown() override {
    on_loop([this] { renderer.reset(); });
    loop->quit();
    loop_thread = {};
  }

  /// Runs `call` on the loop's thread and waits for it: where everything of Renderer but tiles() belongs.
  void on_loop(const std::function<void()>& call) {
    std::promise<void> done;
    loop->post([&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }

  void make(const fs::path& themes = kThemes,
            const fs::path& program = fs::path(VITRINE_BIN_DIR) / "vitrine-render",
            const fs::path& media = kThemes / "classic/media") {
    Renderer::Config config{program, themes, media, {}};
    config.policy.start_timeout = 60s;  // under sanitizers, with everybody building
    on_loop([&] {
      renderer.emplace(*loop, config,
                       Renderer::Events{[this](uint64_t generation) { ready.push_back(generation); },
                                        [this](uint64_t generation, Problems problems) {
                                          refused.push_back(generation);
                                          last_problems = std::move(problems);
                                        }});
      renderer->start();
    });
  }

  void want(uint64_t generation, std::vector<TileSpec> specs) {
    on_loop([&] { renderer->want(generation, clock, std::move(specs)); });
  }
  WorkerStatus status() {
    WorkerStatus copy;
    on_loop([&] { copy = renderer->status(); });
    return copy;
  }

  /// `condition` is asked on the loop's thread.
  bool run_until(const std::function<bool()>& condition) {
    return fakes::wait_for(
        [&] {
          bool is_met = false;
          on_loop([&] { is_met = condition(); });
          return is_met;
        },
        120s);
  }
  bool run_until_ready(uint64_t generation) {
    return run_until([&] { return !ready.empty() && ready.back() == generation; });
  }
  bool run_until_refused(uint64_t generation) {
    return run_until([&] { return !refused.empty() && refused.back() == generation; });
  }

  static TileSpec spec(const std::string& name, json data, LayerForm form = LayerForm::kNormal) {
    return {"classic", name, {1920, 1080}, form, std::move(data)};
  }
  /// A countdown that ends `left` from now on the show clock.
  TileSpec countdown(std::chrono::microseconds left, LayerForm form = LayerForm::kNormal) const {
    return spec("countdown", {{"title", "距本场价结束"}, {"ends_at", format_rfc3339(now() + left)}}, form);
  }

  Instant now() const { return clock.at(steady_now()); }
  std::string problems_text() const {
    std::string text;
    for (const auto& problem : last_problems) text += problem.text() + "\n";
    return text;
  }

  const ShowClock clock{steady_now(), system_now()};
  std::unique_ptr<EventLoop> loop;
  std::jthread loop_thread;
  // Of the loop's thread; read by the test's only after a wait.
  std::optional<Renderer> renderer;
  std::vector<uint64_t> ready;
  std::vector<uint64_t> refused;
  Problems last_problems;
};

bool same_pixels(const Tile& a, const Tile& b) {
  if (a.rect() != b.rect() || a.bytes() != b.bytes()) return false;
  return std::memcmp(a.luma().samples, b.luma().samples, a.bytes()) == 0;
}

TEST_F(RendererTest, DrawsWhatIsWantedThenSaysReady) {
  make();
  const auto card = spec("product_card", sample("product_card.water"));
  const auto neutral = spec("product_card", sample("product_card.water"), LayerForm::kNeutral);
  const auto running = countdown(1h);
  want(1, {card, neutral, running});
  ASSERT_TRUE(run_until_ready(1)) << problems_text();
  const auto tiles = renderer->tiles();
  const auto* shown = tiles->find(card.key(), now());
  const auto* fallback = tiles->find(neutral.key(), now());
  ASSERT_NE(shown, nullptr);
  ASSERT_NE(fallback, nullptr);
  EXPECT_EQ(shown->rect(), (Rect{64, 736, 832, 248}));
  EXPECT_FALSE(same_pixels(*shown, *fallback));
  EXPECT_FALSE(tiles->is_time_bound(card.key()));
  EXPECT_TRUE(tiles->is_time_bound(running.key()));
}

TEST_F(RendererTest, FormThatATemplateDoesNotHaveIsBlank) {
  make();
  const auto licence = spec("licence", sample("licence.shop"), LayerForm::kNeutral);
  want(1, {licence});
  ASSERT_TRUE(run_until_ready(1));
  const auto* tile = renderer->tiles()->find(licence.key(), now());
  ASSERT_NE(tile, nullptr);
  EXPECT_TRUE(tile->is_blank());
}

TEST_F(RendererTest, CountdownIsDrawnAheadAndStaysAhead) {
  make();
  const auto spec_of = countdown(1h);
  want(1, {spec_of});
  ASSERT_TRUE(run_until_ready(1));
  EXPECT_GE(renderer->tiles()->covered_until(spec_of.key(), now()), now() + 3s);
  // For longer than was drawn ahead, there is always a tile, and always another one.
  const Instant end = now() + 7s;
  const Tile* last = nullptr;
  int changes = 0;
  ASSERT_TRUE(run_until([&] {
    const auto* tile = renderer->tiles()->find(spec_of.key(), now());
    EXPECT_NE(tile, nullptr);
    changes += tile != last ? 1 : 0;
    last = tile;
    return now() >= end;
  }));
  EXPECT_GE(changes, 7);
}

TEST_F(RendererTest, CountdownTurnsIntoItsEndedFormExactlyAtItsDeadline) {
  make();
  const auto normal = countdown(2s);
  TileSpec ended = normal;
  ended.form = LayerForm::kEnded;
  const Instant deadline = *parse_rfc3339(normal.data["ends_at"].get<std::string>());
  want(1, {normal, ended});
  ASSERT_TRUE(run_until_ready(1));
  const auto tiles = renderer->tiles();
  const auto* before = tiles->find(normal.key(), deadline - 1us);
  const auto* after = tiles->find(normal.key(), deadline);
  ASSERT_NE(before, nullptr);
  ASSERT_NE(after, nullptr);
  EXPECT_FALSE(same_pixels(*before, *after));
  EXPECT_TRUE(same_pixels(*after, *tiles->find(ended.key(), deadline)));
  EXPECT_EQ(tiles->find(normal.key(), deadline + 24h), after) << "it stays ended";
  // Tenths: in the last second a tile each tenth, no two alike.
  for (int tenth = 1; tenth < 10; ++tenth) {
    const auto* one = tiles->find(normal.key(), deadline - tenth * 100ms);
    const auto* next = tiles->find(normal.key(), deadline - (tenth + 1) * 100ms);
    ASSERT_NE(one, nullptr);
    ASSERT_NE(next, nullptr);
    EXPECT_FALSE(same_pixels(*one, *next)) << tenth;
  }
}

TEST_F(RendererTest, RefusedWantNamesEveryProblemAndChangesNothing) {
  make();
  const auto running = countdown(1h);
  want(1, {running});
  ASSERT_TRUE(run_until_ready(1));
  json broken = sample("product_card.water");
  broken["price"]["minor"] = "3990";
  broken.erase("reference_basis");
  renderer->want(2, clock,
                 {running, spec("product_card", broken), spec("product_card", broken, LayerForm::kNeutral),
                  spec("nonesuch", json::object())});
  ASSERT_TRUE(run_until_refused(2));
  EXPECT_NE(problems_text().find("template 'product_card': data.price.minor"), std::string::npos)
      << problems_text();
  EXPECT_NE(problems_text().find("reference_basis"), std::string::npos) << problems_text();
  EXPECT_NE(problems_text().find("nonesuch.toml"), std::string::npos) << problems_text();
  EXPECT_EQ(last_problems.size(), 3U) << "the same problem in two forms is one: " << problems_text();
  EXPECT_EQ(ready, std::vector<uint64_t>{1});
  // The countdown of the want before goes on.
  const Instant covered = renderer->tiles()->covered_until(running.key(), now());
  EXPECT_TRUE(
      run_until([&] { return renderer->tiles()->covered_until(running.key(), now()) > covered + 2s; }));
  // And the next good want is taken.
  want(3, {running, spec("product_card", sample("product_card.water"))});
  EXPECT_TRUE(run_until_ready(3));
}

TEST_F(RendererTest, NewerWantTakesThePlaceOfAnUnfinishedOne) {
  make();
  std::vector<TileSpec> many;
  for (int i = 0; i < 40; ++i) many.push_back(spec("shop_name", {{"name", fmt::format("第 {} 家店", i)}}));
  want(1, many);
  want(2, {spec("shop_name", {{"name", "唯一的店"}})});
  ASSERT_TRUE(run_until_ready(2));
  EXPECT_EQ(ready, std::vector<uint64_t>{2});
  EXPECT_TRUE(refused.empty());
  EXPECT_EQ(renderer->tiles()->find(many[0].key(), now()), nullptr)
      << "what nobody wants any more is not kept";
}

TEST_F(RendererTest, TilesOfTheLastReadyWantStayUntilTheWantAfterTheNext) {
  make();
  const auto first = spec("shop_name", {{"name", "一"}});
  const auto second = spec("shop_name", {{"name", "二"}});
  want(1, {first});
  ASSERT_TRUE(run_until_ready(1));
  want(2, {second});
  ASSERT_TRUE(run_until_ready(2));
  EXPECT_NE(renderer->tiles()->find(first.key(), now()), nullptr) << "the frame that switches needs both";
  EXPECT_NE(renderer->tiles()->find(second.key(), now()), nullptr);
  want(3, {second});
  EXPECT_EQ(renderer->tiles()->find(first.key(), now()), nullptr);
}

TEST_F(RendererTest, WantLargerThanAMessageArrives) {
  make();
  std::vector<TileSpec> many;
  for (int i = 0; i < 900; ++i) many.push_back(spec("shop_name", {{"name", fmt::format("{} 号店", i)}}));
  want(1, many);
  ASSERT_TRUE(run_until_ready(1)) << problems_text();
  for (const auto& one : many) ASSERT_NE(renderer->tiles()->find(one.key(), now()), nullptr);
}

TEST_F(RendererTest, TilesOutliveAKilledWorkerAndCountdownsGoOn) {
  make();
  const auto card = spec("product_card", sample("product_card.water"));
  const auto running = countdown(1h);
  want(1, {card, running});
  ASSERT_TRUE(run_until_ready(1));
  const Instant covered = renderer->tiles()->covered_until(running.key(), now());
  const Tile* const before = renderer->tiles()->find(card.key(), now());
  ASSERT_EQ(::kill(status().pid, SIGKILL), 0);
  ASSERT_TRUE(run_until([&] { return renderer->status().restarts == 1; }));
  EXPECT_EQ(renderer->tiles()->find(card.key(), now()), before);
  ASSERT_TRUE(run_until(
      [&] { return renderer->tiles()->covered_until(running.key(), covered - 1us) > covered + 2s; }));
  EXPECT_NE(renderer->tiles()->find(card.key(), now()), nullptr);
  EXPECT_EQ(ready, std::vector<uint64_t>{1}) << "ready is said once";
  want(2, {card});
  EXPECT_TRUE(run_until_ready(2));
}

TEST_F(RendererTest, WorkerThatWasKilledBeforeItWasReadyIsToldAgain) {
  make();
  ASSERT_TRUE(run_until([&] { return renderer->status().state == WorkerStatus::State::kRunning; }));
  want(1, {spec("shop_name", {{"name", "店"}})});
  ASSERT_EQ(::kill(status().pid, SIGKILL), 0);
  EXPECT_TRUE(run_until_ready(1));
}

TEST_F(RendererTest, HangingWorkerIsReplaced) {
  make();
  const auto card = spec("product_card", sample("product_card.water"));
  want(1, {card});
  ASSERT_TRUE(run_until_ready(1));
  ASSERT_EQ(::kill(status().pid, SIGSTOP), 0);
  ASSERT_TRUE(run_until([&] { return renderer->status().restarts == 1; }));
  EXPECT_EQ(status().last_error.code, ErrorCode::kTimeout);
  EXPECT_NE(renderer->tiles()->find(card.key(), now()), nullptr);
  want(2, {card, countdown(1h)});
  EXPECT_TRUE(run_until_ready(2));
}

/// A theme with one template that can't be drawn in a lifetime: each pixel looks at a hundred thousand
/// others.
class SlowThemeTest : public RendererTest {
 protected:
  void SetUp() override {
    RendererTest::SetUp();
    fs::create_directories(themes.path() / "slow");
    (void)themes.write("slow/theme.toml", "title = \"slow\"\nsamples_at = \"2026-11-11T12:00:00Z\"\n");
    for (const std::string name : {"endless", "quick"}) {
      (void)themes.write("slow/" + name + ".toml",
                         "title = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"" + name + ".svg\"\n");
    }
    (void)themes.write("slow/quick.svg",
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 20 20\"><rect width=\"20\" "
                       "height=\"20\"/></svg>");
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1900 1000\"><filter id=\"f\">";
    for (int i = 0; i < 50; ++i) svg += "<feMorphology operator=\"dilate\" radius=\"300\"/>";
    (void)themes.write("slow/endless.svg",
                       svg + "</filter><rect width=\"1900\" height=\"1000\" filter=\"url(#f)\"/></svg>");
  }
  static TileSpec of(const std::string& name) {
    return {"slow", name, {1920, 1080}, LayerForm::kNormal, json::object()};
  }
  fakes::TempDir themes;
};

TEST_F(SlowThemeTest, TemplateThatDoesNotEndIsRefusedByNameAndTheRestGoesOn) {
  make(themes.path());
  want(1, {of("quick")});
  ASSERT_TRUE(run_until_ready(1)) << problems_text();
  want(2, {of("quick"), of("endless")});
  ASSERT_TRUE(run_until_refused(2));
  EXPECT_NE(problems_text().find("endless"), std::string::npos) << problems_text();
  EXPECT_NE(renderer->tiles()->find(of("quick").key(), now()), nullptr);
  want(3, {of("quick")});
  EXPECT_TRUE(run_until_ready(3));
}

TEST_F(SlowThemeTest, WantThatKillsTheWorkerThreeTimesIsRefused) {
  make(themes.path());
  want(1, {of("endless")});
  pid_t killed = 0;
  ASSERT_TRUE(run_until([&] {
    const auto& worker = renderer->status();
    if (worker.state == WorkerStatus::State::kRunning && worker.pid != killed) {
      killed = worker.pid;
      ::kill(killed, SIGKILL);
    }
    return !refused.empty();
  }));
  EXPECT_EQ(refused, std::vector<uint64_t>{1});
  EXPECT_NE(problems_text().find("died 3 times"), std::string::npos) << problems_text();
}

/// What a taken-over worker may say without harm to the studio.
class HostileWorkerTest : public RendererTest, public testing::WithParamInterface<const char*> {};

TEST_P(HostileWorkerTest, IsReplacedAndNothingOfItIsShown) {
  make(kThemes, fs::path(VITRINE_BIN_DIR) / "hostile_worker", GetParam());
  const auto wanted = spec("shop_name", {{"name", "店"}});
  want(1, {wanted});
  ASSERT_TRUE(run_until([&] { return renderer->status().restarts >= 1; }));
  EXPECT_EQ(renderer->status().last_error.code, ErrorCode::kProtocol)
      << renderer->status().last_error.message;
  EXPECT_TRUE(ready.empty());
  EXPECT_EQ(renderer->tiles()->find(wanted.key(), now()), nullptr);
  // It does so each time, so the want is refused in the end and the studio hears of it.
  EXPECT_TRUE(run_until_refused(1));
}

INSTANTIATE_TEST_SUITE_P(Renderer, HostileWorkerTest,
                         testing::Values("early_ready", "tile_without_pixels", "unsealed_pixels",
                                         "small_pixels", "huge_rect", "flood"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_F(RendererTest, MessagesOfUnknownKindAndForeignTilesAreIgnored) {
  make(kThemes, fs::path(VITRINE_BIN_DIR) / "hostile_worker", "foreign_tile");
  want(1, {spec("shop_name", {{"name", "店"}})});
  ASSERT_TRUE(run_until_ready(1));
  EXPECT_EQ(renderer->tiles()->tile_count(), 1U);
  make(kThemes, fs::path(VITRINE_BIN_DIR) / "hostile_worker", "type_is_a_number");
  want(1, {spec("shop_name", {{"name", "店"}})});
  ASSERT_TRUE(run_until([&] { return renderer->status().state == WorkerStatus::State::kRunning; }));
  const Instant later = now() + 500ms;
  ASSERT_TRUE(run_until([&] { return now() > later; }));
  EXPECT_EQ(status().restarts, 0);
}

std::string status_field(const fs::path& status, const std::string& field) {
  const std::string text = fakes::read_file(status);
  const size_t at = text.find("\n" + field + ":");
  if (at == std::string::npos) return "";
  const size_t value = text.find_first_not_of(" \t", at + field.size() + 2);
  return text.substr(value, text.find('\n', value) - value);
}

TEST_F(RendererTest, EveryThreadOfTheWorkerIsShutIn) {
  make();
  want(1, {spec("product_card", sample("product_card.water"))});
  ASSERT_TRUE(run_until_ready(1));
  int threads = 0;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", status().pid))) {
    ++threads;
    EXPECT_EQ(status_field(task.path() / "status", "Seccomp"), "2")
        << status_field(task.path() / "status", "Name");
    EXPECT_EQ(status_field(task.path() / "status", "NoNewPrivs"), "1");
  }
  EXPECT_GE(threads, 2) << "one that draws and one that beats";
}

TEST_F(RendererTest, WorkerCannotReadAPhotoOutsideItsDirectories) {
  // The theme's own media directory is a link to a place that nobody allowed.
  const fakes::TempDir outside;
  (void)outside.write("photo.png", test::png_of({64, 64}, [](int, int) { return test::Rgb{200, 0, 0}; }));
  const fakes::TempDir themes;
  fs::copy(kThemes / "classic", themes.path() / "classic", fs::copy_options::recursive);
  fs::remove_all(themes.path() / "classic/media");
  fs::create_directory_symlink(outside.path(), themes.path() / "classic/media");
  json data = sample("product_card.water");
  data["photo"] = "photo.png";
  const auto card = spec("product_card", data);

  const fakes::TempDir media;
  TileMaker free_maker({themes.path(), media.path()});
  ASSERT_TRUE(free_maker.draw(card, now()))
      << "without a sandbox it can be read, so what follows is the sandbox's doing";

  make(themes.path(), fs::path(VITRINE_BIN_DIR) / "vitrine-render", media.path());
  want(1, {card});
  ASSERT_TRUE(run_until([&] { return !refused.empty() || !ready.empty(); }));
  if (refused.empty()) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_NE(problems_text().find("photo.png"), std::string::npos) << problems_text();
}

}  // namespace
}  // namespace vitrine::overlay
