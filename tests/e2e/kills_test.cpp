// SPDX-License-Identifier: Apache-2.0
// Everything that can be killed is killed in the middle of a show, at random: the desk, the studio, both, a
// camera's worker, the renderer. VITRINE_KILLS says how often; 200 take about six minutes.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <signal.h>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "show.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::e2e {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr uint64_t kDice = 11;

class Kills : public testing::Test {
 protected:
  void SetUp() override {
    ShowConfig config;
    config.cameras = {{"counter", "", "", "test:bars"}};
    config.size = {640, 360};
    config.desk = DeskConfig{.commerce = "backend = \"local\"", .more = "", .credentials = {}};
    show_ = std::make_unique<Show>(config);
    std::ofstream(show_->directory() / "items.csv")
        << "编号,商品名称,售价,库存\nA001,梨,39.90,5\nA002,茶,99,7\n";
    ASSERT_TRUE(show_->wait_for_cameras());
    const auto imported =
        fakes::run({VITRINE_BIN_DIR "/vitrinectl", "--config", (show_->directory() / "vitrine.toml").string(),
                    "import", (show_->directory() / "items.csv").string()});
    ASSERT_EQ(imported.exit_code, 0) << imported.errors;
    ASSERT_TRUE(fakes::wait_for([&] { return show_->api("GET", "/items")["total"] == 2; }));
    json rundown = json::array();
    for (const char* item : {"A001", "A002"})
      rundown.push_back({{"kind", "item"}, {"item", {{"product", item}, {"variant", ""}}}});
    const json show = show_->api("POST", "/shows", {{"plan", {{"rundown", rundown}}}});
    for (const auto& segment : show["plan"]["rundown"]) segments_.push_back(segment["id"]);
    const json live = show_->api("POST", "/live/start", {{"show", show["id"]}});
    ASSERT_EQ(live["is_shown"], true) << live.dump(2);
  }
  int dice(int sides) { return std::uniform_int_distribution<>(0, sides - 1)(random_); }

  /// One that is between two lives has no process: 0 would be all of ours.
  static void kill_worker(int pid) {
    if (pid > 0) ::kill(pid, SIGKILL);
  }
  /// What was killed, for people.
  std::string kill_somebody() {
    switch (dice(5)) {
      case 0:
        show_->kill_desk();
        show_->start_desk();
        return "the desk";
      case 1:
        show_->kill_studio();
        show_->start_studio();
        return "the studio";
      case 2:
        show_->kill_desk();
        show_->kill_studio();
        if (dice(2) == 0) {
          show_->start_studio();
          show_->start_desk();
        } else {
          show_->start_desk();
          show_->start_studio();
        }
        return "both";
      case 3:
        kill_worker(show_->pid_of_camera("counter"));
        return "the camera's worker";
      default:
        kill_worker(show_->pid_of_renderer());
        return "the renderer";
    }
  }
  /// The studio is on air with the step that the desk says is on, of the segment that was asked for.
  [[nodiscard]] bool is_together(int64_t segment) const {
    try {
      const json live = show_->api("GET", "/live");
      const json status = show_->status();
      const auto& program = status["programs"][0];
      return live["is_live"] == true && live["on"]["segment"] == segment && program["state"] == "on air" &&
             program["scene"] == fmt::format("{}-{}", live["show"]["key"].get<std::string>(),
                                             live["on"]["step"].get<int64_t>()) &&
             status["cameras"][0]["state"] == "live" && status["render"]["state"] == "running";
    } catch (const std::runtime_error&) {
      return false;  // nobody answers yet
    }
  }

  std::unique_ptr<Show> show_;
  std::vector<int64_t> segments_;
  std::mt19937_64 random_{kDice};
};

TEST_F(Kills, LoseNothingThatWasAcknowledgedAndTheyComeTogetherAgain) {
  const char* wanted = std::getenv("VITRINE_KILLS");
  const int kills = wanted == nullptr ? 12 : std::atoi(wanted);
  std::chrono::duration<double> worst{0};
  for (int i = 0; i < kills; ++i) {
    const int64_t segment = segments_.at(static_cast<size_t>(i % 2));
    const json gone = show_->api("POST", "/live/go", {{"segment", segment}});
    ASSERT_EQ(gone["on"]["segment"], segment);
    std::this_thread::sleep_for(std::chrono::milliseconds(dice(300)));
    const std::string who = kill_somebody();
    const auto began = steady_now();
    ASSERT_TRUE(fakes::wait_for([&] { return is_together(segment); }, 30s))
        << i << ", " << who << ": " << show_->api("GET", "/live").dump(2) << show_->status().dump(2);
    const std::chrono::duration<double> took = steady_now() - began;
    EXPECT_LT(took, 5s) << i << ", " << who;
    worst = std::max(worst, took);
  }
  show_->api("POST", "/live/stop", json::object());
  EXPECT_TRUE(
      show_->wait_until([](const json& status) { return status["programs"][0]["state"] == "off air"; }));
  json verdict;
  EXPECT_TRUE(fakes::wait_for([&] {
    verdict = show_->api("POST", "/evidence/verify");
    return verdict["ok"] == true;
  })) << verdict.dump(2);
  std::cout << fmt::format(
      "{} kills, seed {}: together again after {:.1f} s at worst; {} rows of evidence verify\n", kills, kDice,
      worst.count(), verdict["rows"].get<int64_t>());
}

}  // namespace
}  // namespace vitrine::e2e
