// SPDX-License-Identifier: Apache-2.0
// What a technician types, against a running studio: words, files and exit codes (docs/vitrinectl.md).
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "show.h"
#include "tests/fakes/child_process.h"

namespace vitrine::e2e {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class Vitrinectl : public testing::Test {
 protected:
  static ShowConfig bars() {
    ShowConfig config;
    config.cameras = {{"counter", "", "", "test:bars"}};
    config.microphone = "test:tone";
    config.size = {640, 360};
    config.preset = "ultrafast";
    return config;
  }
  fakes::Finished ctl(std::vector<std::string> arguments) const {
    const std::vector<std::string> command = {VITRINE_BIN_DIR "/vitrinectl", "--config",
                                              (show.directory() / "vitrine.toml").string()};
    arguments.insert(arguments.begin(), command.begin(), command.end());
    return fakes::run(arguments);
  }
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = show.directory() / name;
    std::ofstream(path) << text;
    return path.string();
  }

  Show show{bars()};
};

TEST_F(Vitrinectl, TakesAShowThroughItsDay) {
  ASSERT_TRUE(show.wait_for_cameras());
  EXPECT_EQ(ctl({"check"}).exit_code, 0) << ctl({"check"}).output;

  auto state = json::parse(ctl({"state"}).output);
  state["revision"] = 50;
  state["programs"][0]["scene"] = shop_scene(system_now() + 1h);
  const auto applied = ctl({"apply", write("state.json", state.dump())});
  EXPECT_EQ(applied.exit_code, 0) << applied.errors;
  EXPECT_THAT(applied.output, HasSubstr("revision 50 is shown"));

  EXPECT_EQ(ctl({"start"}).exit_code, 0);
  ASSERT_TRUE(show.wait_until([](const json& status) {
    const auto& destinations = status["programs"][0].value("destinations", json::array());
    return destinations.size() == 2 && destinations[0]["state"] == "live" &&
           destinations[1]["state"] == "live";
  }));
  ASSERT_TRUE(show.wait_for_frames(60));
  const auto status = ctl({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.output;
  EXPECT_THAT(status.output, AllOf(HasSubstr("ON AIR"), HasSubstr("first"), HasSubstr("second"),
                                   HasSubstr("camera counter"), HasSubstr("live"), HasSubstr("recording")));
  EXPECT_EQ(json::parse(ctl({"status", "--json"}).output)["programs"][0]["on_air"], true);

  const auto picture = show.directory() / "now.png";
  EXPECT_EQ(ctl({"snapshot", picture.string()}).exit_code, 0);
  const auto probed = fakes::run({"ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height",
                                  "-of", "csv=p=0", picture.string()});
  EXPECT_EQ(probed.output, "png,640,360\n");
  EXPECT_EQ(ctl({"snapshot", picture.string(), "--camera", "counter"}).exit_code, 0);
  EXPECT_EQ(ctl({"snapshot", picture.string(), "--camera", "nobody"}).exit_code, 1);
  const auto small = show.call({{"op", "snapshot"}, {"camera", "counter"}, {"width", 320}});
  EXPECT_TRUE(small.attachment.is_open()) << small.body.dump();

  show.second().kill();
  ASSERT_TRUE(show.wait_until([](const json& each) { return !each["problems"].empty(); }));
  const auto troubled = ctl({"status"});
  EXPECT_EQ(troubled.exit_code, 5) << "needs attention";
  EXPECT_THAT(troubled.output, AllOf(HasSubstr("second"), HasSubstr("reconnecting")));
  show.second().start();
  EXPECT_EQ(ctl({"retry"}).exit_code, 0);

  EXPECT_EQ(ctl({"stop"}).exit_code, 0);
  ASSERT_TRUE(show.wait_until([](const json& each) { return each["programs"][0]["on_air"] == false; }));
}

TEST_F(Vitrinectl, SaysInItsExitCodeWhatWentWrong) {
  ASSERT_TRUE(show.wait_for_cameras());
  EXPECT_EQ(ctl({"dance"}).exit_code, 2);
  EXPECT_EQ(ctl({"apply"}).exit_code, 2);
  EXPECT_EQ(ctl({"render", "product_card"}).exit_code, 2);
  const auto garbage = ctl({"apply", write("garbage.json", "{\"revision\": ")});
  EXPECT_EQ(garbage.exit_code, 4);
  EXPECT_THAT(garbage.errors, HasSubstr("garbage.json"));
  const auto wrong =
      ctl({"apply", write("wrong.json", R"({"version": 1, "revision": "x", "programs": []})")});
  EXPECT_EQ(wrong.exit_code, 4);
  EXPECT_THAT(wrong.errors, HasSubstr("revision"));
  EXPECT_EQ(ctl({"start", "nobody"}).exit_code, 1);
  EXPECT_EQ(ctl({"snapshot", "/nonexistent/now.png"}).exit_code, 1);
  // Nothing that anybody can send may end the studio.
  for (const char* odd :
       {R"({"op": 5})", R"({"op": "status", "program": 3})", R"({"op": "snapshot", "program": []})",
        R"({"op": "start", "program": {}})", R"({"op": "apply", "state": 7})", "[]", "7"}) {
    EXPECT_EQ(show.call(json::parse(odd)).body.value("ok", true), false) << odd;
  }
  show.stop_studio();
  const auto nobody = ctl({"status"});
  EXPECT_EQ(nobody.exit_code, 3);
  EXPECT_THAT(nobody.errors, HasSubstr("is vitrine-studio running?"));
}

}  // namespace
}  // namespace vitrine::e2e
