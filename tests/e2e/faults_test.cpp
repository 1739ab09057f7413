// SPDX-License-Identifier: Apache-2.0
// What a shop does to a box: cameras and platforms that are not there, wrong input, a killed studio.
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "judge.h"
#include "show.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::e2e {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

ShowConfig bars() {
  ShowConfig config;
  config.cameras = {{"counter", "", "", "test:bars"}};
  config.microphone = "test:tone";
  config.size = {640, 360};
  config.preset = "ultrafast";
  return config;
}

TEST(Faults, EveryWrongStateIsRefusedWithItsPlaceAndTheShowIsUntouched) {
  Show show(bars());
  ASSERT_TRUE(show.wait_for_cameras());
  ASSERT_TRUE(show.apply(shop_scene(system_now() + 1h)).value("ok", false));
  show.start_broadcast();
  ASSERT_TRUE(show.wait_for_frames(30));
  const auto before = show.call({{"op", "state"}}).body;
  const auto refused = [&](const std::function<void(json&)>& spoil) {
    auto scene = shop_scene(system_now() + 1h);
    spoil(scene);
    const auto answer = show.apply(scene);
    EXPECT_FALSE(answer.value("ok", true));
    return answer.dump();
  };
  EXPECT_THAT(refused([](json& s) { s["pictures"][0]["camera"] = "kitchen"; }),
              HasSubstr("the id of a [[camera]]"));
  EXPECT_THAT(refused([](json& s) { s["layers"][0]["template"] = "unknown"; }), HasSubstr("unknown"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2]["data"]["price"]["minor"] = "39.9"; }),
              HasSubstr("price"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2]["data"]["price"]["currency"] = "RMB"; }),
              HasSubstr("currency"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2]["data"]["photo"] = "missing.jpg"; }),
              HasSubstr("missing.jpg"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2]["data"]["photo"] = "../../../etc/passwd"; }),
              HasSubstr("photo"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2]["data"].erase("reference_basis"); }), HasSubstr("basis"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2]["data"]["name"] = "\u202E价"; }), HasSubstr("U+202E"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2].erase("valid_until"); }), HasSubstr("valid_until"));
  EXPECT_THAT(refused([](json& s) { s["layers"][2]["valid_from"] = "now"; }), HasSubstr("RFC 3339"));
  const auto stale =
      show.call({{"op", "apply"}, {"state", {{"version", 1}, {"revision", 1}, {"programs", json::array()}}}})
          .body;
  EXPECT_EQ(stale["error"]["code"], "stale_revision");
  EXPECT_THAT(show.call({{"op", "dance"}}).body.dump(), HasSubstr("unknown op"));
  EXPECT_EQ(show.call({{"op", "state"}}).body, before);
  ASSERT_TRUE(show.wait_for_frames(30));
  show.stop_broadcast();
  const auto records = show.records();
  EXPECT_EQ(std::ranges::count_if(records, [](const json& record) { return record["type"] == "visible"; }),
            1);
}

TEST(Faults, AShowStartsWithoutItsCameraAndPlatformsAndHealsByItself) {
  auto config = bars();
  config.cameras = {{"counter", "video=h264,audio=aac", "tcp", ""}};
  config.microphone = "camera:counter";
  Show show(config);
  show.kill_cameras();
  show.first().kill();
  show.second().kill();
  ASSERT_TRUE(show.wait_until([](const json& status) { return status["cameras"][0]["state"] != "live"; }));
  ASSERT_TRUE(show.apply(shop_scene(system_now() + 1h)).value("ok", false));
  show.start_broadcast();
  ASSERT_TRUE(show.wait_for_frames(60)) << "the slate goes on air";
  const auto status = show.status();
  EXPECT_EQ(status["programs"][0]["picture"]["slate"], true);
  EXPECT_THAT(status["problems"].dump(), HasSubstr("camera counter"));
  EXPECT_THAT(status["problems"].dump(), HasSubstr("destination first"));
  show.restart_cameras();
  show.first().start();
  show.second().start();
  EXPECT_TRUE(show.wait_until([](const json& now) {
    return now["problems"].empty() && now["programs"][0]["picture"]["camera"] == "counter";
  })) << show.status().dump(2);
  show.stop_broadcast();
}

TEST(Faults, AKilledStudioComesBackOnAirAndItsRecordingPlays) {
  Show show(bars());
  ASSERT_TRUE(show.wait_for_cameras());
  ASSERT_TRUE(show.apply(shop_scene(system_now() + 1h)).value("ok", false));
  show.start_broadcast();
  ASSERT_TRUE(show.wait_for_frames(150));
  const auto first_recording = show.recordings().at(0);
  const auto revision = show.status()["revision"];
  show.kill_studio();
  show.start_studio();
  ASSERT_TRUE(show.wait_until([](const json& status) {
    const auto& destinations = status["programs"][0].value("destinations", json::array());
    return destinations.size() == 2 && destinations[0]["state"] == "live" &&
           destinations[1]["state"] == "live";
  })) << show.status().dump(2);
  EXPECT_EQ(show.status()["revision"], revision);
  ASSERT_TRUE(show.wait_for_frames(30));
  show.stop_broadcast();
  const auto before = probe_packets(first_recording);
  EXPECT_GT(before.size(), 100U);
  EXPECT_NO_THROW(decode_luma(first_recording, show.size()));
  EXPECT_NE(show.recordings().at(0), first_recording);
}

TEST(Faults, AStopIsRememberedAndAStoppedBoxStaysOffAir) {
  Show show(bars());
  show.start_broadcast();
  ASSERT_TRUE(show.wait_for_frames(30));
  show.stop_broadcast();
  show.stop_studio();
  show.start_studio();
  EXPECT_EQ(show.status()["programs"][0]["on_air"], false);
}

TEST(Faults, AMissingKeyLeavesOneDestinationOutAndSaysSo) {
  Show show(bars());
  std::filesystem::permissions(show.directory() / "credentials" / "first-key", std::filesystem::perms(0644));
  show.start_broadcast();
  ASSERT_TRUE(show.wait_until(
      [](const json& status) { return status["programs"][0]["destinations"][1]["state"] == "live"; }));
  const auto status = show.status();
  EXPECT_EQ(status["programs"][0]["destinations"][0]["state"], "left out");
  EXPECT_THAT(status["problems"].dump(), HasSubstr("chmod 0600"));
  std::filesystem::permissions(show.directory() / "credentials" / "first-key", std::filesystem::perms(0600));
  show.call({{"op", "retry"}});
  EXPECT_TRUE(show.wait_until(
      [](const json& now) { return now["programs"][0]["destinations"][0]["state"] == "live"; }));
}

TEST(Faults, ABrokenSavedStateDoesNotKeepTheBoxFromStarting) {
  Show show(bars());
  show.stop_studio();
  std::ofstream(show.directory() / "state" / "program-state.json") << "{\"revision\": 7, ";
  show.start_studio();
  const auto status = show.status();
  EXPECT_THAT(status["problems"].dump(), HasSubstr("set aside"));
  EXPECT_TRUE(show.apply(shop_scene(system_now() + 1h)).value("ok", false));
}

TEST(Faults, NoSecretIsInAnyLogOrFile) {
  auto config = bars();
  Show show(config);
  std::ofstream(show.directory() / "credentials" / "first-key") << "show?token=CANARY-7f3a\n";
  show.start_broadcast();
  ASSERT_TRUE(show.wait_until(
      [](const json& status) { return status["programs"][0]["destinations"][0]["state"] == "live"; }));
  show.first().kill();
  ASSERT_TRUE(show.wait_until([](const json& status) {
    return status["programs"][0]["destinations"][0]["state"] == "reconnecting";
  }));
  const std::string answer = show.status().dump();
  show.stop_broadcast();
  show.stop_studio();
  EXPECT_EQ(answer.find("CANARY"), std::string::npos);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(show.directory())) {
    if (!entry.is_regular_file() || entry.path().parent_path().filename() == "credentials") continue;
    EXPECT_EQ(fakes::read_file(entry.path()).find("CANARY"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace vitrine::e2e
