// SPDX-License-Identifier: Apache-2.0
#include "core/program_state.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "core/rfc3339.h"

namespace vitrine {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;

Config shop() {
  const auto config = parse_config(
      "[studio]\nname = \"老李生鲜\"\n[[camera]]\nid = \"counter\"\nsource = \"test:bars\"\n[[camera]]\nid = "
      "\"door\"\nsource = "
      "\"test:bars\"\n[[microphone]]\nid = \"host\"\nsource = \"test:tone\"\n[[program]]\nid = "
      "\"main\"\n[[program]]\nid = "
      "\"tall\"\nwidth = 1080\nheight = 1920\n[[destination]]\nid = \"douyin\"\nprogram = \"main\"\nurl = "
      "\"rtmp://a.example/live\"\nkey_credential = \"k\"\n[[destination]]\nid = \"kuaishou\"\nprogram = "
      "\"tall\"\nurl = \"rtmp://b.example/live\"\nkey_credential = \"k\"\n",
      "v.toml");
  return *config;
}

json example() {
  return json::parse(R"({
    "version": 1, "revision": 412, "clock_offset_ms": -250,
    "programs": [{
      "id": "main", "on_air": true, "destinations": ["douyin"],
      "scene": {
        "id": "item-7",
        "pictures": [{"camera": "counter"}, {"camera": "door", "area": [1280, 64, 576, 324], "fit": "contain"}],
        "fallback_cameras": ["door"],
        "slate": {"template": "slate", "data": {"shop": "老李生鲜"}},
        "sounds": [{"microphone": "host", "gain_db": -3}],
        "layers": [
          {"id": "card", "template": "product_card", "data": {"name": "苹果梨"}, "at": [64, 736],
           "valid_from": "2026-11-22T12:00:00Z", "valid_until": "2026-11-22T12:05:00Z", "after": "neutral"},
          {"id": "countdown", "template": "countdown",
           "valid_from": "2026-11-22T12:00:00Z", "valid_until": "2026-11-22T20:05:00+08:00", "after": "ended"}]
      }}]
  })");
}

std::vector<std::string> problems_of(const json& document) {
  const auto state = decode_program_state(document, shop());
  std::vector<std::string> texts;
  if (!state) {
    for (const auto& problem : state.error()) texts.push_back(problem.text());
  }
  return texts;
}

TEST(ProgramState, DecodesAWholeState) {
  const auto state = decode_program_state(example(), shop());
  ASSERT_TRUE(state) << to_error(state.error()).message;
  EXPECT_EQ(state->revision, 412U);
  EXPECT_EQ(state->clock_offset, -250ms);
  const auto* main = state->find_program("main");
  ASSERT_NE(main, nullptr);
  EXPECT_TRUE(main->is_on_air);
  EXPECT_EQ(main->destinations, (std::vector<std::string>{"douyin"}));
  EXPECT_EQ(main->scene.pictures[0].area, (Rect{0, 0, 1920, 1080}));
  EXPECT_EQ(main->scene.pictures[1].area, (Rect{1280, 64, 576, 324}));
  EXPECT_EQ(main->scene.pictures[1].fit, Picture::Fit::kContain);
  EXPECT_EQ(main->scene.layers[0].at, (Point{64, 736}));
  EXPECT_EQ(main->scene.layers[1].at, std::nullopt);
  EXPECT_EQ(main->scene.layers[1].valid_until, *parse_rfc3339("2026-11-22T12:05:00Z"));
  EXPECT_EQ(main->scene.layers[1].after, LeaseEnd::kEnded);
  EXPECT_EQ(state->document["programs"][0], example()["programs"][0]);
}

TEST(ProgramState, AProgramThatIsLeftOutIsOffAirAndShowsItsCamera) {
  const auto state = decode_program_state(example(), shop());
  ASSERT_TRUE(state);
  const auto* tall = state->find_program("tall");
  ASSERT_NE(tall, nullptr);
  EXPECT_FALSE(tall->is_on_air);
  EXPECT_EQ(tall->destinations, std::nullopt) << "once on air, to all of them";
  ASSERT_EQ(tall->scene.pictures.size(), 1U);
  EXPECT_EQ(tall->scene.pictures[0].camera, "counter");
  EXPECT_EQ(tall->scene.pictures[0].area, (Rect{0, 0, 1080, 1920}));
  EXPECT_TRUE(decode_program_state(state->document, shop())) << "what is saved can be read again";
}

TEST(Layer, TakesItsFormFromTheLeaseToTheMicrosecond) {
  auto layer = decode_program_state(example(), shop())->programs[0].scene.layers[1];
  EXPECT_EQ(layer.form_at(layer.valid_from - 1us), LayerForm::kHidden);
  EXPECT_EQ(layer.form_at(layer.valid_from), LayerForm::kNormal);
  EXPECT_EQ(layer.form_at(layer.valid_until - 1us), LayerForm::kNormal);
  EXPECT_EQ(layer.form_at(layer.valid_until), LayerForm::kEnded);
  EXPECT_EQ(layer.form_at(layer.valid_until + 1000h), LayerForm::kEnded);
  layer.after = LeaseEnd::kNeutral;
  EXPECT_EQ(layer.form_at(layer.valid_until), LayerForm::kNeutral);
  layer.after = LeaseEnd::kHide;
  EXPECT_EQ(layer.form_at(layer.valid_until), LayerForm::kHidden);
}

struct BadCase {
  const char* name;
  const char* pointer;
  json value;
  const char* expected;
};

class BadState : public testing::TestWithParam<BadCase> {};

TEST_P(BadState, IsRefusedWithPlaceFoundAndAllowed) {
  auto document = example();
  document[json::json_pointer(GetParam().pointer)] = GetParam().value;
  EXPECT_THAT(problems_of(document), Contains(HasSubstr(GetParam().expected)));
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadState,
    testing::Values(
        BadCase{"Version", "/version", 2, "version: found 2"},
        BadCase{"RevisionZero", "/revision", 0, "revision: found 0"},
        BadCase{"RevisionFloat", "/revision", 1.5, "revision: found 1.5"},
        BadCase{"UnknownKey", "/programz", 1, "did you mean \"programs\"?"},
        BadCase{"UnknownProgram", "/programs/0/id", "other",
                "allowed: the id of a [[program]]: \"main\", \"tall\""},
        BadCase{"UnknownCamera", "/programs/0/scene/pictures/0/camera", "x",
                "scene.pictures[0].camera: found \"x\", allowed: the id of a [[camera]]"},
        BadCase{
            "UnknownDestination", "/programs/0/destinations/0", "weibo",
            "programs[0].destinations: found \"weibo\", allowed: ids of [[destination]] of program \"main\": "
            "\"douyin\""},
        BadCase{"DestinationOfAnotherProgram", "/programs/0/destinations/0", "kuaishou",
                "allowed: ids of [[destination]] of program \"main\""},
        BadCase{"DestinationTwice", "/programs/0/destinations/1", "douyin", "each destination once"},
        BadCase{"DestinationsOfNoList", "/programs/0/destinations", "douyin", "programs[0].destinations"},
        BadCase{"UnknownFallback", "/programs/0/scene/fallback_cameras/0", "x",
                "fallback_cameras: found \"x\""},
        BadCase{"UnknownMicrophone", "/programs/0/scene/sounds/0/microphone", "x", "microphone: found \"x\""},
        BadCase{
            "AreaOutside", "/programs/0/scene/pictures/1/area", {1800, 0, 576, 324}, "inside 1920 × 1080"},
        BadCase{
            "AreaOdd", "/programs/0/scene/pictures/1/area", {1, 0, 576, 324}, "area: found [1, 0, 576, 324]"},
        BadCase{"AreaHuge",
                "/programs/0/scene/pictures/1/area",
                {2, 2, INT64_MAX - 1, 324},
                "inside 1920 × 1080"},
        BadCase{"Fit", "/programs/0/scene/pictures/1/fit", "fill", "one of \"cover\", \"contain\""},
        BadCase{"AtOdd", "/programs/0/scene/layers/0/at", {63, 0}, "layers[0].at: found 63"},
        BadCase{"Instant", "/programs/0/scene/layers/0/valid_from", "tomorrow",
                "valid_from: found \"tomorrow\", allowed: an RFC 3339 time"},
        BadCase{"LeaseBackwards", "/programs/0/scene/layers/0/valid_until", "2026-11-22T11:00:00Z",
                "allowed: a time after valid_from"},
        BadCase{"After", "/programs/0/scene/layers/0/after", "stay",
                "one of \"hide\", \"ended\", \"neutral\""},
        BadCase{"DuplicateLayer", "/programs/0/scene/layers/1/id", "card", "found \"card\" a second time"},
        BadCase{"DataList", "/programs/0/scene/layers/0/data", json::array(),
                "an object with the template's fields"},
        BadCase{"Gain", "/programs/0/scene/sounds/0/gain_db", 99, "a number from -60 to 30"},
        BadCase{"PathAsId", "/programs/0/scene/layers/0/template", "../../etc/passwd", "1 to 64 of a-z"}),
    [](const auto& each) { return each.param.name; });

TEST(ProgramState, ALayerWithoutALeaseIsRefused) {
  auto document = example();
  document["programs"][0]["scene"]["layers"][0].erase("valid_until");
  EXPECT_THAT(problems_of(document), Contains(HasSubstr("valid_until: found nothing")));
}

TEST(ProgramState, TheSameProgramTwiceIsRefused) {
  auto document = example();
  document["programs"].push_back(document["programs"][0]);
  EXPECT_THAT(problems_of(document), Contains(HasSubstr("each program once")));
}

TEST(ProgramState, TheDefaultIsValidAndOffAir) {
  const auto state = decode_program_state(default_program_state(shop()), shop());
  ASSERT_TRUE(state) << to_error(state.error()).message;
  ASSERT_EQ(state->programs.size(), 2U);
  EXPECT_FALSE(state->programs[0].is_on_air);
  EXPECT_EQ(state->programs[0].scene.pictures[0].camera, "counter");
  EXPECT_EQ(state->programs[1].scene.sounds[0].microphone, "host");
}

TEST(ProgramState, StartAndStopAreTheNextRevisionAndTouchNothingElse) {
  const auto started = with_on_air(default_program_state(shop()), true, "tall");
  EXPECT_EQ(started["revision"], 2);
  EXPECT_EQ(started["programs"][0]["on_air"], false);
  EXPECT_EQ(started["programs"][1]["on_air"], true);
  const auto stopped = with_on_air(with_on_air(started, true, ""), false, "");
  EXPECT_EQ(stopped["revision"], 4);
  EXPECT_EQ(stopped["programs"][0]["on_air"], false);
  EXPECT_EQ(stopped["programs"][1]["on_air"], false);
}

/// The published schema and the decoder must agree on every document that needs no configuration to judge.
class SchemaAgreement : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(VITRINE_SOURCE_DIR "/core/program_state.schema.json");
    const auto text = json::parse(file);
    valijson::adapters::NlohmannJsonAdapter adapter(text);
    valijson::SchemaParser parser;
    parser.populateSchema(adapter, schema);
  }

  bool schema_accepts(const json& document) {
    valijson::Validator validator;
    return validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
  }

  valijson::Schema schema;
};

TEST_F(SchemaAgreement, OnGoodDocuments) {
  EXPECT_TRUE(schema_accepts(example()));
  EXPECT_TRUE(schema_accepts(default_program_state(shop())));
}

TEST_F(SchemaAgreement, OnEveryMutationOfAGoodDocument) {
  // Each place of the document in turn: taken away, or replaced by a value of another type.
  const auto flat = example().flatten();
  const std::vector<json> replacements = {nullptr, true, -1, 1.5, "", "../x", json::array(), json::object()};
  int compared = 0;
  for (const auto& [pointer, value] : flat.items()) {
    for (const auto& replacement : replacements) {
      auto document = example();
      document[json::json_pointer(pointer)] = replacement;
      const bool is_data = pointer.find("/data") != std::string::npos;
      if (is_data) continue;  // the template's manifest judges it
      EXPECT_EQ(schema_accepts(document), problems_of(document).empty()) << pointer << " = " << replacement;
      ++compared;
    }
  }
  EXPECT_GT(compared, 200);
}

}  // namespace
}  // namespace vitrine
