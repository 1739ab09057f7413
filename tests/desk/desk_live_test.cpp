// SPDX-License-Identifier: Apache-2.0
// The desk and a real studio: a show, its prices, an offer, and both of them killed in between.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "commerce/local_shop.h"
#include "core/rfc3339.h"
#include "tests/encoder/flv_judge.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/nginx_rtmp.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class DeskLive : public testing::Test {
 protected:
  void SetUp() override {
    const std::string place = dir_.path().string();
    dir_.write(
        "vitrine.toml",
        "[studio]\nname = \"店\"\nstate_dir = \"" + place + "/state\"\ncredentials_dir = \"" + place +
            "\"\nrun_dir = \"" + place +
            "/run\"\ntheme_dir = \"" VITRINE_SOURCE_DIR "/themes\"\nplatforms_file = \"" VITRINE_SOURCE_DIR
            "/encoder/platforms.toml\"\n[[camera]]\nid = \"a\"\nsource = \"test:bars\"\n[[program]]\nid = "
            "\"main\"\nwidth = 640\nheight = 360\nfps = 15\npreset = \"ultrafast\"\nvideo_kbps = "
            "500\n" +
            more_ +
            "[commerce]\n"
            "backend = \"local\"\n[desk]\nlisten = \"127.0.0.1:" +
            std::to_string(fakes::free_port()) + "\"\n" + more_config());
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
  [[nodiscard]] virtual std::string more_config() const { return ""; }
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
  // A shop that is quicker than a frame has its usual price back in the card by then.
  EXPECT_TRUE(wait_for_card("ended"));
  EXPECT_TRUE(wait_for_card("normal", 3550)) << "the usual price, read after the offer";
  const Instant end = *parse_rfc3339(offer["end"].get<std::string>());
  std::optional<Instant> ended;
  for (const auto& record : visible()) {
    const json card = layer(record, "card");
    if (!card.is_object() || card["form"] == "hidden") continue;
    const Instant seen = *parse_rfc3339(record["utc"].get<std::string>());
    if (card["form"] == "normal" && card["data"]["price"]["minor"] == 2990) {
      EXPECT_LT(seen, end);
    }
    if (card["form"] == "ended" && !ended) ended = seen;
  }
  ASSERT_TRUE(ended);
  EXPECT_GE(*ended, end);
  EXPECT_LE(*ended - end, std::chrono::milliseconds(67 + 1)) << "the first frame after it, at 15 a second";

  const json verdict = ask({"evidence", "verify"});
  EXPECT_EQ(verdict["ok"], true) << verdict.dump();
}

TEST_F(DeskLive, WhatIsOnIsToldWithItsPriceAndWhatComesBeforeAndAfter) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  const json opening = ask({"show", "now"});
  ASSERT_EQ(opening["segments"].size(), 2U) << opening.dump();
  EXPECT_EQ(opening["segments"][0]["kind"], "opening");
  ASSERT_EQ(ctl({"show", "next"}).exit_code, 0);
  const json live = ask({"show", "now"});
  ASSERT_EQ(live["segments"].size(), 3U) << live.dump();
  const json& pear = live["segments"][1];
  EXPECT_EQ(pear["segment"], live["on"]["segment"]);
  EXPECT_EQ(pear["title"], "梨");
  EXPECT_EQ(pear["number"], 1);
  EXPECT_EQ(pear["price"]["minor"], 3990);
  EXPECT_EQ(pear["stock"], 5);
  EXPECT_FALSE(pear.contains("offer"));
  EXPECT_EQ(live["segments"][2]["title"], "茶");
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
  // Its numbers begin again, and others have been on screen under them.
  for (int step = 2; step < 4; ++step) {
    ASSERT_EQ(ctl({"show", "go", std::to_string(step)}).exit_code, 0);
    ASSERT_TRUE(wait_for_card("normal"));
    studio_->signal(SIGKILL);
    (void)studio_->wait();
    for (const auto& entry : fs::directory_iterator(dir_.path() / "state"))
      if (entry.is_regular_file()) fs::remove(entry.path());
    start_studio();
    EXPECT_TRUE(fakes::wait_for([&] {
      const json status = ask({"status"});
      return status.is_object() && status["programs"][0]["scene"] == "show-1-" + std::to_string(step) &&
             status["programs"][0]["on_air"] == true;
    })) << step
        << ask({"show", "now"}).dump(2);
  }
  EXPECT_EQ(ask({"evidence", "verify"})["ok"], true);
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

TEST_F(DeskLive, WhoLooksOnGetsTheCodedProgramWhileItIsOnAirAndPicturesAtAnyTime) {
  const std::string socket = (dir_.path() / "run" / "desk.sock").string();
  const std::string program = "http://localhost/api/v1/programs/main/";
  const auto get = [&](const std::string& what, const std::string& seconds) {
    return fakes::run({"curl", "-sS", "-o", (dir_.path() / "got").string(), "-w",
                       "%{http_code} %{content_type}", "--max-time", seconds, "--unix-socket", socket,
                       program + what});
  };
  const auto probe = [&](const std::string& entries) {
    const auto probed = fakes::run({"ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                                    entries, "-of", "csv=p=0", (dir_.path() / "got").string()});
    return probed.errors.empty() ? probed.output : probed.errors;
  };
  EXPECT_EQ(get("stream", "5").output, "409 application/problem+json");
  EXPECT_EQ(get("picture", "5").output, "200 image/png");
  EXPECT_EQ(probe("stream=codec_name,width,height"), "png,640,360\n");
  ASSERT_NO_FATAL_FAILURE(start_show());
  EXPECT_THAT(get("stream", "3").output, testing::StartsWith("200 video/mp4; codecs=\"avc1."));
  EXPECT_EQ(probe("stream=codec_name,width,height"), "h264,640,360\n");
  const std::string packets = probe("packet=pts_time");
  EXPECT_GT(std::ranges::count(packets, '\n'), 25) << "15 a second for 3 s";
  // Over with the show: the file is whole.
  ASSERT_EQ(ctl({"show", "stop"}).exit_code, 0);
  EXPECT_TRUE(fakes::wait_for([&] { return get("stream", "5").output.starts_with("409"); }));
  EXPECT_EQ(get("nothing", "5").output, "404 application/problem+json");
}

TEST_F(DeskLive, WhatTheHostIsToldStaysUntilItWasReadAndDiesWithTheShow) {
  const auto send = [&](const std::string& method, const std::string& path, const std::string& body) {
    return fakes::run({"curl", "-sS", "-w", " %{http_code}", "--unix-socket",
                       (dir_.path() / "run" / "desk.sock").string(), "-X", method, "-H",
                       "Content-Type: application/json", "-d", body,
                       "http://localhost/api/v1/live/cues" + path})
        .output;
  };
  EXPECT_THAT(send("POST", "", R"({"text": "还没开播"})"), HasSubstr(" 404"));
  ASSERT_NO_FATAL_FAILURE(start_show());
  EXPECT_THAT(send("POST", "", R"({"text": "尺码再说一遍"})"), HasSubstr(" 201"));
  EXPECT_THAT(send("POST", "", R"({"text": "福袋十分钟后开"})"), HasSubstr(" 201"));
  EXPECT_THAT(send("POST", "", R"({"text": ""})"), HasSubstr(" 400"));
  EXPECT_THAT(send("POST", "", R"({"text": "a\u0007b"})"), HasSubstr(" 400"));
  desk_->signal(SIGKILL);
  (void)desk_->wait();
  start_desk();
  const json told = ask({"show", "now"})["cues"];
  ASSERT_EQ(told.size(), 2U) << told.dump();
  EXPECT_EQ(told[0]["text"], "尺码再说一遍") << "the oldest first";
  const std::string first = "/" + std::to_string(told[0]["id"].get<int64_t>());
  EXPECT_THAT(send("DELETE", first, ""), HasSubstr(" 200"));
  EXPECT_THAT(send("DELETE", first, ""), HasSubstr(" 200")) << "two people touch it";
  EXPECT_EQ(ask({"show", "now"})["cues"].size(), 1U);
  ASSERT_EQ(ctl({"show", "stop"}).exit_code, 0);
  EXPECT_THAT(send("DELETE", first, ""), HasSubstr(" 404"));
}

TEST_F(DeskLive, AClipIsTheRecordingItselfByteForByteWhileItGrowsAndAfter) {
  const std::string socket = (dir_.path() / "run" / "desk.sock").string();
  const fs::path clip = dir_.path() / "clip.mp4";
  const auto get = [&](Instant from, Instant until) {
    return fakes::run({"curl", "-sS", "-o", clip.string(), "-w", "%{http_code} %{content_type}",
                       "--unix-socket", socket,
                       fmt::format("http://localhost/api/v1/evidence/clip?program=main&from={}&until={}",
                                   format_rfc3339(from), format_rfc3339(until))})
        .output;
  };
  const auto packets_of = [](const fs::path& file) {
    std::istringstream lines(
        fakes::run({"ffprobe", "-v", "error", "-select_streams", "v", "-show_data_hash", "md5",
                    "-show_entries", "packet=data_hash", "-of", "csv=p=0", file.string()})
            .output);
    std::vector<std::string> hashes;
    for (std::string line; std::getline(lines, line);) hashes.push_back(line);
    return hashes;
  };
  ASSERT_NO_FATAL_FAILURE(start_show());
  std::this_thread::sleep_for(std::chrono::seconds(6));
  const Instant middle = system_now() - std::chrono::seconds(3);
  EXPECT_EQ(get(middle - std::chrono::seconds(1), middle), "200 video/mp4");
  const auto while_it_grows = packets_of(clip);
  EXPECT_GT(while_it_grows.size(), 15U);
  ASSERT_EQ(ctl({"show", "stop"}).exit_code, 0);
  // Closed, it has another shape.
  ASSERT_TRUE(fakes::wait_for([&] { return ask({"status"})["programs"][0]["state"] == "off air"; }));
  EXPECT_EQ(get(middle - std::chrono::seconds(1), middle), "200 video/mp4");
  std::vector<fs::path> recordings;
  for (const auto& entry : fs::recursive_directory_iterator(dir_.path() / "state" / "recordings"))
    if (entry.path().extension() == ".mp4") recordings.push_back(entry.path());
  ASSERT_EQ(recordings.size(), 1U);
  const auto whole = packets_of(recordings[0]);
  const auto part = packets_of(clip);
  EXPECT_THAT(part, testing::SizeIs(testing::Ge(while_it_grows.size())));
  EXPECT_LT(part.size(), whole.size());
  EXPECT_NE(std::ranges::search(whole, part).begin(), whole.end())
      << "not in one piece, in the recording's order";
  EXPECT_EQ(fakes::run({"ffmpeg", "-v", "error", "-i", clip.string(), "-f", "null", "-"}).errors, "");

  EXPECT_EQ(get(middle - std::chrono::hours(1), middle - std::chrono::hours(1) + std::chrono::seconds(5)),
            "404 application/problem+json");
  EXPECT_EQ(get(middle, middle + std::chrono::minutes(3)), "400 application/problem+json");
  for (const auto& file : recordings) fs::remove(file);
  EXPECT_EQ(get(middle - std::chrono::seconds(1), middle), "404 application/problem+json");
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

TEST_F(DeskLive, ATickerFollowsTheOrdersAndForgetsOneThatIsCancelled) {
  ASSERT_NO_FATAL_FAILURE(start_show());
  const auto refused = ctl({"layer", "on", "news", "question", "--source", "orders"});
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.output, HasSubstr("ticker"));
  ASSERT_EQ(ctl({"layer", "on", "news", "ticker", "--source", "orders"}).exit_code, 0);
  // Who stands at the shop's till, in another process than the desk.
  const auto store = commerce::Store::open({dir_.path() / "state" / "desk"});
  ASSERT_TRUE(store) << store.error().message;
  commerce::LocalShop shop(**store, {{'C', 'N', 'Y'}, 10'000'000});
  const auto order = [&](const char* operation, const char* product, const char* name) {
    auto made = shop.reserve({operation, {{{product, ""}, 1, std::nullopt}}, name, ""});
    EXPECT_TRUE(made) << made.error().message;
    return made ? made->id : "";
  };
  const auto wait_for_rows = [&](const json& rows) {
    json seen;
    const bool is_so = fakes::wait_for(
        [&] {
          const auto records = visible();
          if (records.empty()) return false;
          const json ticker = layer(records.back(), "on-news");
          seen = ticker.is_object() ? ticker.value("/data/orders"_json_pointer, json()) : json();
          return seen == rows;
        },
        std::chrono::seconds(20));
    EXPECT_TRUE(is_so) << "seen " << seen.dump() << ", wanted " << rows.dump();
  };
  const json pear = {{"who", "林**"}, {"what", "拍下梨 1 件"}};
  const json tea = {{"who", "A**"}, {"what", "拍下茶 1 件"}};
  (void)order("1", "A001", "林*");
  wait_for_rows(json::array({pear}));
  const std::string second = order("2", "A002", "Alexander*");
  wait_for_rows(json::array({tea, pear}));
  ASSERT_TRUE(shop.close(second, commerce::OrderState::kCancelled));
  wait_for_rows(json::array({pear}));
  EXPECT_THAT(fakes::read_file(dir_.path() / "desk.log"), Not(HasSubstr("Alexander")));
}

/// Two real platforms.
class DeskLiveDestinations : public DeskLive {
 protected:
  [[nodiscard]] std::string more_config() const override {
    std::string more;
    for (const auto& [id, server] : {std::pair("first", &first_), std::pair("second", &second_)}) {
      const auto key = dir_.write(std::string(id) + "-key", "show\n");
      fs::permissions(key, fs::perms(0600));
      more += fmt::format(
          "[[destination]]\nid = \"{}\"\nprogram = \"main\"\nurl = \"{}\"\nkey_credential = \"{}-key\"\n", id,
          server->url(), id);
    }
    return more;
  }
  /// A version of show 2.
  [[nodiscard]] fakes::Finished put(const json& destinations, int64_t version) const {
    const json body = {{"version", version},
                       {"plan",
                        {{"title", "双平台"},
                         {"rundown", {{{"id", 1}, {"kind", "opening"}}}},
                         {"destinations", destinations}}}};
    return version == 0 ? ctl({"show", "put", write("two.json", body.dump())})
                        : ctl({"show", "put", write("two.json", body.dump()), "2"});
  }
  /// What the studio says of its program, once `first` and `second` are in these states.
  [[nodiscard]] std::optional<json> program_when(const char* first, const char* second) const {
    json program;
    const bool is_so = fakes::wait_for([&] {
      program = ask({"status"})["programs"][0];
      const json states = program.value("destinations", json::array());
      return states.size() == 2 && states[0]["state"] == first && states[1]["state"] == second;
    });
    EXPECT_TRUE(is_so) << program.dump(1);
    return is_so ? std::optional(program) : std::nullopt;
  }
  /// Whether the studio tests this destination now: its thread is there.
  [[nodiscard]] bool is_trying(const std::string& id) const {
    std::error_code gone;
    for (const auto& task :
         fs::directory_iterator("/proc/" + std::to_string(studio_->pid()) + "/task", gone)) {
      if (fakes::read_file(task.path() / "comm") == "try-" + id + "\n") return true;
    }
    return false;
  }
  [[nodiscard]] std::string post(const std::string& id) const {
    return fakes::run({"curl", "-sS", "-w", " %{http_code}", "--unix-socket",
                       (dir_.path() / "run" / "desk.sock").string(), "-X", "POST",
                       "http://localhost/api/v1/destinations/" + id + "/try"})
        .output;
  }
  [[nodiscard]] bool wait_for_frames(int64_t more) const {
    const auto frames = [&] {
      return ask({"status"}).at("/programs/0/encoder/frames"_json_pointer).get<int64_t>();
    };
    const int64_t goal = frames() + more;
    return fakes::wait_for([&] { return frames() >= goal; });
  }
  /// Pictures of one connection, which must follow each other at 15 a second, from a keyframe on.
  static size_t unbroken_pictures(const fs::path& file) {
    const auto judged = encoder::judge(file, encoder::Decode::kYes);
    EXPECT_EQ(judged.errors, "") << file;
    EXPECT_FALSE(judged.video.empty()) << file;
    for (size_t i = 1; i < judged.video.size(); ++i)
      EXPECT_NEAR(static_cast<double>(judged.video[i].dts_ms - judged.video[i - 1].dts_ms), 1000.0 / 15, 1.1)
          << file << ", picture " << i;
    return judged.video.empty() || !judged.video.front().is_keyframe ? 0 : judged.video.size();
  }

  fakes::NginxRtmp first_;
  fakes::NginxRtmp second_;
};

TEST_F(DeskLiveDestinations, AShowReachesItsDestinationsAndAChangeOnAirTouchesNoOther) {
  ASSERT_EQ(put({"first"}, 0).exit_code, 0);
  const auto unknown = put({"third"}, 1);
  EXPECT_EQ(unknown.exit_code, 4) << unknown.output;
  EXPECT_THAT(unknown.output, HasSubstr("third"));
  ASSERT_EQ(ctl({"show", "start", "2"}).exit_code, 0);
  const auto begun = program_when("live", "off");
  ASSERT_TRUE(begun && wait_for_frames(45));
  EXPECT_TRUE(second_.recordings("show").empty());

  ASSERT_EQ(put({"first", "second"}, 1).exit_code, 0);
  ASSERT_TRUE(program_when("live", "live") && wait_for_frames(45));
  ASSERT_EQ(put({"second"}, 2).exit_code, 0);
  ASSERT_TRUE(program_when("off", "live") && wait_for_frames(45));
  // Back while it is being said goodbye to: one connection after the other.
  ASSERT_EQ(put({"first", "second"}, 3).exit_code, 0);
  ASSERT_EQ(put({"second"}, 4).exit_code, 0);
  const auto last = program_when("off", "live");
  ASSERT_TRUE(last);
  EXPECT_EQ((*last)["session"], (*begun)["session"]) << "the same time on air";
  EXPECT_EQ((*last)["encoder"]["dropped"], 0);

  ASSERT_EQ(ctl({"show", "stop"}).exit_code, 0);
  ASSERT_TRUE(fakes::wait_for([&] { return ask({"status"})["programs"][0]["on_air"] == false; }));
  first_.stop();
  second_.stop();
  ASSERT_EQ(second_.recordings("show").size(), 1U) << "one connection, whatever the other did";
  EXPECT_GE(unbroken_pictures(second_.recordings("show")[0]), 45U);
  EXPECT_GE(unbroken_pictures(first_.recordings("show").at(0)), 90U);
}

TEST_F(DeskLiveDestinations, ANewKeyIsDialledWithAndNeverTold) {
  const auto api = [&](const std::string& method, const std::string& path, const std::string& body) {
    return fakes::run({"curl", "-sS", "-w", " %{http_code}", "--unix-socket",
                       (dir_.path() / "run" / "desk.sock").string(), "-X", method, "-H",
                       "Content-Type: application/json", "-d", body,
                       "http://localhost/api/v1/destinations" + path})
        .output;
  };
  const std::string secret = "live_7a5c?expire=1999999999&sign=e6";
  fs::remove(dir_.path() / "first-key");
  EXPECT_THAT(api("GET", "", ""), HasSubstr("\"has_key\":false"));
  for (const char* wrong : {R"({"key": "rtmp://push.example/live/abc"})", R"({"key": "a b"})",
                            R"({"key": ""})", R"({"key": "密钥"})", R"({})"})
    EXPECT_THAT(api("PUT", "/first/key", wrong), HasSubstr(" 400")) << wrong;
  EXPECT_FALSE(fs::exists(dir_.path() / "first-key"));
  EXPECT_THAT(api("PUT", "/third/key", R"({"key": "abc"})"), HasSubstr(" 404"));

  ASSERT_EQ(ctl({"show", "start", "1"}).exit_code, 0);
  ASSERT_TRUE(program_when("left out", "live"));
  EXPECT_THAT(api("PUT", "/first/key", json{{"key", secret}}.dump()), HasSubstr("\"is_told\":true"));
  ASSERT_TRUE(program_when("live", "live")) << "without a new start";
  EXPECT_EQ(fs::status(dir_.path() / "first-key").permissions(), fs::perms(0600));
  EXPECT_THAT(api("GET", "", ""), Not(HasSubstr("has_key\":false")));
  EXPECT_THAT(api("GET", "", "") + ask({"status"}).dump(), Not(HasSubstr("sign=e6")));
  ASSERT_EQ(ctl({"show", "stop"}).exit_code, 0);
  EXPECT_THAT(fakes::read_file(dir_.path() / "desk.log") + fakes::read_file(dir_.path() / "studio.log"),
              Not(HasSubstr("sign=e6")));
  first_.stop();
  EXPECT_EQ(first_.recordings("live_7a5c").size(), 1U);
}

TEST_F(DeskLiveDestinations, ADestinationIsTriedBeforeAShow) {
  const std::string secret = "live_7a5c?expire=1999999999&sign=e6f7a8";
  fs::permissions(dir_.write("first-key", secret + "\n"), fs::perms(0600));
  const auto tried = ctl({"try", "first"});
  EXPECT_EQ(tried.exit_code, 0) << tried.output << tried.errors;
  const json trial = json::parse(tried.output)["trial"];
  EXPECT_EQ(trial["ok"], true);
  EXPECT_EQ(trial["destination"], "first");
  EXPECT_EQ(trial["address"], "127.0.0.1");
  ASSERT_EQ(trial["steps"].size(), 4U) << trial;
  EXPECT_EQ(trial["steps"][3]["step"], "publish");
  const auto words = fakes::run({VITRINE_BIN_DIR "/vitrinectl", "--config", config(), "try", "first"});
  EXPECT_EQ(words.exit_code, 0);
  EXPECT_THAT(words.output, HasSubstr("first at 127.0.0.1  takes the stream"));

  second_.kill();
  const auto refused = ctl({"try", "second"});
  EXPECT_EQ(refused.exit_code, 1);
  const json failed = json::parse(refused.output)["trial"];
  EXPECT_EQ(failed["ok"], false);
  EXPECT_EQ(failed["failed_step"], "connect");
  EXPECT_EQ(failed["cause_code"], "connect_refused");
  const auto helped = fakes::run({VITRINE_BIN_DIR "/vitrinectl", "--config", config(), "try", "second"});
  EXPECT_EQ(helped.exit_code, 1);
  EXPECT_THAT(helped.output,
              testing::AllOf(HasSubstr("FAILED"), HasSubstr("connect_refused"), HasSubstr("what to do: ")));
  second_.start();

  EXPECT_EQ(ask({"try", "third"})["error"]["code"], "not_found");
  fs::rename(dir_.path() / "second-key", dir_.path() / "away");
  const json keyless = ask({"try", "second"});
  EXPECT_THAT(keyless["error"]["message"].get<std::string>(), HasSubstr("second-key"));
  fs::rename(dir_.path() / "away", dir_.path() / "second-key");

  EXPECT_THAT(post("first"), testing::AllOf(HasSubstr("\"ok\":true"), HasSubstr(" 200")));
  EXPECT_THAT(post("third"), HasSubstr(" 404"));
  for (const char* log : {"desk.log", "studio.log"})
    EXPECT_THAT(fakes::read_file(dir_.path() / log), Not(HasSubstr("sign=e6"))) << log;
  first_.stop();
  for (const auto& file : first_.recordings("live_7a5c"))
    EXPECT_LE(fs::file_size(file), 13U) << "no more than FLV's own header";
}

TEST_F(DeskLiveDestinations, ATestHindersNobodyAndGivesWayToAShow) {
  // A server that says nothing: the test takes seconds, and meanwhile everybody else is answered.
  second_.freeze();
  auto slow = std::async(std::launch::async, [&] { return ask({"try", "second"}); });
  ASSERT_TRUE(fakes::wait_for([&] { return is_trying("second"); }));
  EXPECT_EQ(ask({"try", "first"})["error"]["code"], "device_busy") << "one at a time";
  EXPECT_THAT(post("first"), HasSubstr(" 409"));
  EXPECT_EQ(ask({"status"})["ok"], true);
  EXPECT_EQ(slow.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  const json silent = slow.get()["trial"];
  EXPECT_EQ(silent["failed_step"], "handshake") << silent;
  EXPECT_EQ(silent["cause_code"], "timeout");

  // The show comes while it is tested.
  ASSERT_EQ(put({"second"}, 0).exit_code, 0);
  auto late = std::async(std::launch::async, [&] { return ask({"try", "second"}); });
  ASSERT_TRUE(fakes::wait_for([&] { return is_trying("second"); }));
  ASSERT_EQ(ctl({"show", "start", "2"}).exit_code, 0);
  EXPECT_EQ(late.get()["trial"]["cause_code"], "stopped");
  second_.thaw();
  ASSERT_TRUE(program_when("off", "live"));

  const auto refused = ctl({"try", "second"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("on air there"));
  EXPECT_THAT(post("second"), HasSubstr(" 409"));
  EXPECT_EQ(ask({"try", "first"})["trial"]["ok"], true) << "which this show does not need";
  const auto program = program_when("off", "live");
  ASSERT_TRUE(program);
  EXPECT_EQ((*program)["destinations"][1]["connects"], 1) << "the stream went on";
}

TEST_F(DeskLiveDestinations, AStudioThatDiesComesBackWhereItWasWanted) {
  ASSERT_EQ(put({"second"}, 0).exit_code, 0);
  ASSERT_EQ(ctl({"show", "start", "2"}).exit_code, 0);
  ASSERT_TRUE(program_when("off", "live"));
  desk_->signal(SIGKILL);
  (void)desk_->wait();
  studio_->signal(SIGKILL);
  (void)studio_->wait();
  start_studio();
  EXPECT_TRUE(program_when("off", "live")) << "from the studio's own disk: nobody told it";
  start_desk();
  EXPECT_TRUE(fakes::wait_for([&] { return ask({"show", "now"}).value("is_live", false); }));
  EXPECT_TRUE(first_.recordings("show").empty());
}

}  // namespace
}  // namespace vitrine::desk
