// SPDX-License-Identifier: Apache-2.0
// The desk and a real studio: a show, its prices, an offer, and both of them killed in between.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/rfc3339.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class DeskLive : public testing::Test {
 protected:
  void SetUp() override {
    const std::string place = dir_.path().string();
    dir_.write(
        "vitrine.toml",
        "[studio]\nname = \"店\"\nstate_dir = \"" + place + "/state\"\nrun_dir = \"" + place +
            "/run\"\ntheme_dir = \"" VITRINE_SOURCE_DIR "/themes\"\nplatforms_file = \"" VITRINE_SOURCE_DIR
            "/encoder/platforms.toml\"\n[[camera]]\nid = \"a\"\nsource = \"test:bars\"\n[[program]]\nid = "
            "\"main\"\nwidth = 640\nheight = 360\nfps = 15\npreset = \"ultrafast\"\nvideo_kbps = "
            "500\n" +
            more_ +
            "[commerce]\n"
            "backend = \"local\"\n[desk]\nlisten = \"127.0.0.1:" +
            std::to_string(fakes::free_port()) + "\"\n");
    start_studio();
    start_desk();
    ASSERT_EQ(
        ctl({"import", write("t.csv", "编号,商品名称,售价,库存\nA001,梨,39.90,5\nA002,茶,99,7\n")}).exit_code,
        0);
    ASSERT_TRUE(fakes::wait_for([&] { return ask({"items"})["total"] == 2; }));
    const auto put =
        ctl({"show", "put", write("plan.json", R"({"plan": {"title": "晚场", "host": "小李", "rundown": [
                            {"kind": "opening"}, {"kind": "item", "item": {"product": "A001"}},
                            {"kind": "item", "item": {"product": "A002"}}]}})")});
    ASSERT_EQ(put.exit_code, 0) << put.errors;
  }
  void TearDown() override {
    for (auto* process : {&desk_, &studio_}) {
      if (!*process) continue;
      (*process)->signal(SIGTERM);
      (void)(*process)->wait();
    }
    if (HasFailure())
      std::cerr << fakes::read_file(dir_.path() / "desk.log") << fakes::read_file(dir_.path() / "studio.log");
  }
  void start_studio() {
    studio_.emplace(fakes::ChildProcess({VITRINE_BIN_DIR "/vitrine-studio", "--config", config()},
                                        dir_.path() / "studio.log"));
    ASSERT_TRUE(fakes::wait_for([&] { return ctl({"status"}).exit_code != 3; }));
  }
  void start_desk() {
    desk_.emplace(fakes::ChildProcess({VITRINE_BIN_DIR "/vitrine-desk", "--config", config()},
                                      dir_.path() / "desk.log"));
    ASSERT_TRUE(fakes::wait_for([&] { return ctl({"sync"}).exit_code != 3; }));
  }
  void start_show() const {
    const auto started = ctl({"show", "start", "1"});
    ASSERT_EQ(started.exit_code, 0) << started.output << started.errors;
  }
  [[nodiscard]] fakes::Finished ctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {VITRINE_BIN_DIR "/vitrinectl", "--json", "--config", config()});
    return fakes::run(arguments);
  }
  [[nodiscard]] json ask(std::vector<std::string> arguments) const {
    return json::parse(ctl(std::move(arguments)).output, nullptr, false);
  }
  std::string write(const std::string& name, const std::string& text) const {
    return dir_.write(name, text).string();
  }
  [[nodiscard]] std::string config() const { return (dir_.path() / "vitrine.toml").string(); }

  /// What was on screen, in order: the studio's own records of all its sessions.
  [[nodiscard]] std::vector<json> visible() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path() / "state" / "recordings"))
      if (entry.path().filename() == "as-run.jsonl") files.push_back(entry.path());
    std::ranges::sort(files);
    std::vector<json> records;
    for (const auto& path : files) {
      std::ifstream lines(path);
      for (std::string line; std::getline(lines, line);) {
        auto record = json::parse(line, nullptr, false);
        if (record.is_object() && record.value("type", "") == "visible") records.push_back(std::move(record));
      }
    }
    return records;
  }
  static json layer(const json& record, const char* id) {
    for (const auto& each : record["layers"])
      if (each["id"] == id) return each;
    return nullptr;
  }
  /// Until the newest record's layer is in `form`, with this price where one is given.
  bool wait_for_card(const char* form, int64_t minor = 0) const {
    return fakes::wait_for(
        [&] {
          const auto records = visible();
          const json card = records.empty() ? json() : layer(records.back(), "card");
          return card.is_object() && card["form"] == form &&
                 (minor == 0 || card["data"]["price"]["minor"] == minor);
        },
        std::chrono::seconds(20));
  }

  std::string more_;  // of the configuration
  fakes::TempDir dir_;
  std::optional<fakes::ChildProcess> studio_;
  std::optional<fakes::ChildProcess> desk_;
};

TEST_F(DeskLive, APriceIsOnAirAsTheShopHasItAndAnOfferEndsInItsFrame) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  ASSERT_EQ(ctl({"show", "next"}).exit_code, 0);
  EXPECT_TRUE(wait_for_card("normal", 3990));
  ASSERT_EQ(ctl({"import", write("u.csv", "编号,商品名称,售价,库存\nA001,梨,35.50,5\n")}).exit_code, 0);
  EXPECT_TRUE(wait_for_card("normal", 3550));

  const json offer = json::parse(
      fakes::run({"curl", "-sS", "--unix-socket", (dir_.path() / "run" / "desk.sock").string(), "-X", "POST",
                  "http://localhost/api/v1/offers", "-H", "Content-Type: application/json", "-d",
                  R"({"seconds": 8, "prices": [{"product": "A001", "variant": "", "amount": "29.90"}]})"})
          .output,
      nullptr, false);
  ASSERT_TRUE(offer.is_object() && offer.contains("end")) << offer.dump();
  EXPECT_TRUE(wait_for_card("normal", 2990));
  EXPECT_TRUE(wait_for_card("ended", 2990));
  EXPECT_TRUE(wait_for_card("normal", 3550)) << "the usual price, read after the offer";
  const Instant end = *parse_rfc3339(offer["end"].get<std::string>());
  std::optional<Instant> ended;
  for (const auto& record : visible()) {
    const json card = layer(record, "card");
    if (!card.is_object() || card["form"] == "hidden" || card["data"]["price"]["minor"] != 2990) continue;
    const Instant seen = *parse_rfc3339(record["utc"].get<std::string>());
    if (card["form"] == "normal")
      EXPECT_LT(seen, end);
    else if (!ended)
      ended = seen;
  }
  ASSERT_TRUE(ended);
  EXPECT_GE(*ended, end);
  EXPECT_LE(*ended - end, std::chrono::milliseconds(67 + 1)) << "the first frame after it, at 15 a second";

  const json verdict = ask({"evidence", "verify"});
  EXPECT_EQ(verdict["ok"], true) << verdict.dump();
}

TEST_F(DeskLive, WhoeverIsKilledTheyComeTogetherAndNothingAcknowledgedIsLost) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  for (int round = 0; round < 4; ++round) {
    const int64_t segment = 2 + round % 2;
    ASSERT_EQ(ask({"show", "go", std::to_string(segment)})["on"]["segment"], segment);
    if (round != 0) {
      studio_->signal(SIGKILL);
      (void)studio_->wait();
    }
    if (round != 1) {
      desk_->signal(SIGKILL);
      (void)desk_->wait();
    }
    if (round != 0) start_studio();
    if (round != 1) start_desk();
    const std::string scene = "show-1-" + std::to_string(round + 2);
    EXPECT_TRUE(fakes::wait_for([&] {
      const json live = ask({"show", "now"});
      const json status = ask({"status"});
      return live.is_object() && live.value("is_live", false) && live["on"]["segment"] == segment &&
             status.is_object() && status["programs"][0]["scene"] == scene &&
             status["programs"][0]["on_air"] == true;
    })) << "round "
        << round;
  }
  ASSERT_EQ(ctl({"show", "stop"}).exit_code, 0);
  EXPECT_TRUE(fakes::wait_for([&] { return ask({"status"})["programs"][0]["on_air"] == false; }));
  EXPECT_EQ(ask({"evidence", "verify"})["ok"], true);
}

TEST_F(DeskLive, AStopAtTheStudioEndsTheShow) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  ASSERT_EQ(ctl({"stop"}).exit_code, 0);
  EXPECT_TRUE(fakes::wait_for([&] { return ask({"show", "now"}).value("is_live", true) == false; }));
  EXPECT_THAT(ctl({"show", "list"}).output, HasSubstr("by hand"));
  EXPECT_EQ(ask({"status"})["programs"][0]["on_air"], false);
}

TEST_F(DeskLive, AStudioThatLostItsStateIsToldAgain) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  ASSERT_EQ(ctl({"show", "next"}).exit_code, 0);
  ASSERT_TRUE(wait_for_card("normal", 3990));
  studio_->signal(SIGKILL);
  (void)studio_->wait();
  for (const auto& entry : fs::directory_iterator(dir_.path() / "state"))
    if (entry.is_regular_file()) fs::remove(entry.path());
  start_studio();
  EXPECT_TRUE(fakes::wait_for([&] {
    const json status = ask({"status"});
    return status.is_object() && status["programs"][0]["scene"] == "show-1-2" &&
           status["programs"][0]["on_air"] == true;
  }));
}

class DeskLiveTwoPrograms : public DeskLive {
 protected:
  DeskLiveTwoPrograms() {
    more_ =
        "[[program]]\nid = \"tall\"\nwidth = 360\nheight = 640\nfps = 15\npreset = "
        "\"ultrafast\"\nvideo_kbps = 500\n";
  }
};

TEST_F(DeskLiveTwoPrograms, OneThatIsStoppedAtTheStudioStaysOffAndTheShowGoesOn) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  ASSERT_EQ(ctl({"stop", "tall"}).exit_code, 0);
  EXPECT_TRUE(fakes::wait_for([&] {
    return ask({"show", "now"})["show"]["plan"]["programs"] == json::array({"main"});
  }));
  ASSERT_EQ(ctl({"show", "next"}).exit_code, 0);
  EXPECT_TRUE(fakes::wait_for([&] {
    const json status = ask({"status"});
    return status["programs"][0]["scene"] == "show-1-2" && status["programs"][0]["on_air"] == true &&
           status["programs"][1]["on_air"] == false;
  }));
}

TEST_F(DeskLive, WhatCanNotBeDrawnIsRefusedAndTheRestStays) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  ASSERT_EQ(ctl({"show", "next"}).exit_code, 0);
  const auto refused = ctl({"layer", "on", "q", "question", write("q.json", R"({"question": ""})")});
  EXPECT_EQ(refused.exit_code, 4) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("question"));
  EXPECT_EQ(ctl({"layer", "on", "q", "question", write("r.json", R"({"question": "几天能到？"})")}).exit_code,
            0);
  EXPECT_TRUE(wait_for_card("normal", 3990));
  EXPECT_TRUE(fakes::wait_for([&] {
    const auto records = visible();
    const json question = layer(records.back(), "on-q");
    return question.is_object() && question["form"] == "normal";
  }));
}

}  // namespace
}  // namespace vitrine::desk
