// SPDX-License-Identifier: Apache-2.0
#include "overlay/render_protocol.h"

#include <gtest/gtest.h>

#include "core/shared_memory.h"
#include "core/text_rules.h"

namespace vitrine::overlay {
namespace {

using nlohmann::json;

Want want_of(size_t tiles, size_t name_bytes) {
  Want want{42, {MediaTime(123'456'789), Instant(std::chrono::microseconds(1'790'000'000'123'456))}, {}};
  for (size_t i = 0; i < tiles; ++i) {
    TileSpec spec{"classic",
                  "product_card",
                  {1920, 1080},
                  LayerForm::kNeutral,
                  {{"name", std::string(name_bytes, 'x')}, {"i", i}}};
    want.tiles.push_back({spec.key(), spec});
  }
  return want;
}

Result<Want> there_and_back(const Want& want) {
  auto sent = encode_want(want);
  if (!sent) return tl::unexpected(sent.error());
  auto ends = *Channel::create_pair();
  const int fd = sent->document.get();
  if (auto status = ends.first.send(sent->body, fd < 0 ? std::span<const int>() : std::span(&fd, 1));
      !status) {
    return tl::unexpected(status.error());
  }
  auto message = ends.second.receive();
  return decode_want(**message);
}

TEST(RenderProtocol, WantSurvivesTheChannel) {
  for (const auto& want : {want_of(0, 0), want_of(3, 100), want_of(400, 3000)}) {
    const auto received = there_and_back(want);
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_EQ(received->generation, want.generation);
    EXPECT_EQ(received->clock.steady, want.clock.steady);
    EXPECT_EQ(received->clock.utc, want.clock.utc);
    ASSERT_EQ(received->tiles.size(), want.tiles.size());
    for (size_t i = 0; i < want.tiles.size(); ++i) {
      EXPECT_EQ(received->tiles[i].key, want.tiles[i].key);
      EXPECT_EQ(received->tiles[i].spec.key(), want.tiles[i].key) << "the spec was changed on its way";
    }
  }
}

TEST(RenderProtocol, LargeWantTravelsBesideTheMessage) {
  const auto small = encode_want(want_of(3, 100));
  const auto large = encode_want(want_of(400, 3000));
  EXPECT_FALSE(small->document.is_open());
  ASSERT_TRUE(large->document.is_open());
  EXPECT_TRUE(verify_memfd(large->document.get(), Sealing::kImmutable, kMaxWantBytes));
  EXPECT_LT(large->body.dump().size(), 1000U);
}

TEST(RenderProtocol, WantBeyondEveryLimitIsRefusedBeforeItIsSent) {
  EXPECT_FALSE(encode_want(want_of(kMaxWantedTiles + 1, 1)));
  EXPECT_FALSE(encode_want(want_of(1, kMaxWantBytes)));
}

struct BadWant {
  const char* name;
  std::function<void(json&)> breaks;
};
class BadWantTest : public testing::TestWithParam<BadWant> {};

TEST_P(BadWantTest, IsRefused) {
  Channel::Message message{encode_want(want_of(2, 10))->body, {}};
  ASSERT_TRUE(decode_want(message));
  GetParam().breaks(message.body);
  const auto want = decode_want(message);
  ASSERT_FALSE(want);
  EXPECT_EQ(want.error().code, ErrorCode::kProtocol);
}

INSTANTIATE_TEST_SUITE_P(
    RenderProtocol, BadWantTest,
    testing::Values(BadWant{"NoGeneration", [](json& b) { b.erase("generation"); }},
                    BadWant{"NegativeGeneration", [](json& b) { b["generation"] = -1; }},
                    BadWant{"ClockIsText", [](json& b) { b["clock"] = "now"; }},
                    BadWant{"TilesAreAnObject", [](json& b) { b["tiles"] = json::object(); }},
                    BadWant{"ThemeLeadsOut", [](json& b) { b["tiles"][0]["theme"] = "../../etc"; }},
                    BadWant{"TemplateLeadsOut", [](json& b) { b["tiles"][0]["template"] = "a/b"; }},
                    BadWant{"HiddenForm", [](json& b) { b["tiles"][0]["form"] = "hidden"; }},
                    BadWant{"CanvasTooLarge",
                            [](json& b) {
                              b["tiles"][0]["canvas"] = {100'000, 100'000};
                            }},
                    BadWant{"CanvasOfThree",
                            [](json& b) {
                              b["tiles"][0]["canvas"] = {16, 16, 16};
                            }},
                    BadWant{"CanvasOfText",
                            [](json& b) {
                              b["tiles"][0]["canvas"] = {"16", "16"};
                            }},
                    BadWant{"DataIsAList", [](json& b) { b["tiles"][0]["data"] = json::array(); }},
                    BadWant{"UnknownKey", [](json& b) { b["tiles"][0]["extra"] = 1; }}),
    [](const auto& tested) { return tested.param.name; });

TEST(RenderProtocol, TileSurvivesTheChannel) {
  const TileMessage timed{"abc",
                          {-2, 4, 100, 50},
                          true,
                          Instant(std::chrono::microseconds(5)),
                          Instant(std::chrono::microseconds(9))};
  const auto received = decode_tile(encode_tile(timed));
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_EQ(received->key, "abc");
  EXPECT_EQ(received->rect, timed.rect);
  EXPECT_TRUE(received->is_time_bound);
  EXPECT_EQ(received->from, timed.from);
  EXPECT_EQ(received->until, timed.until);

  const auto plain = decode_tile(encode_tile({"card", {0, 0, 2, 2}}));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->from, Instant::min());
  EXPECT_EQ(plain->until, Instant::max());
}

TEST(RenderProtocol, BrokenTilesAreRefused) {
  const json good = encode_tile({"card", {0, 0, 2, 2}});
  const auto with = [&](const char* key, json value) {
    json body = good;
    body[key] = std::move(value);
    return decode_tile(body);
  };
  EXPECT_FALSE(with("key", 7));
  EXPECT_FALSE(with("key", "../x"));
  EXPECT_FALSE(with("rect", {0, 0, 2}));
  EXPECT_FALSE(with("rect", {0, 0, 2, 1e9}));
  EXPECT_FALSE(with("rect", {0, 0, 2, int64_t{1} << 40}));
  EXPECT_FALSE(with("time_bound", "yes"));
  EXPECT_FALSE(with("from_us", -1));
  EXPECT_FALSE(with("surprise", true));
  json reversed = encode_tile({"card",
                               {0, 0, 2, 2},
                               true,
                               Instant(std::chrono::microseconds(5)),
                               Instant(std::chrono::microseconds(9))});
  reversed["until_us"] = 5;
  EXPECT_FALSE(decode_tile(reversed));
}

TEST(RenderProtocol, RefusalArrivesReadableWhateverItQuotes) {
  const Problems problems{{"data.name",
                           "\"\xE2\x80\xAE"
                           "99¥\"",
                           "text"},
                          {"data.note", std::string(5000, 'x') + "价", "less"}};
  const auto refusal = decode_refused(encode_refused(7, problems));
  ASSERT_TRUE(refusal) << refusal.error().message;
  EXPECT_EQ(refusal->generation, 7U);
  ASSERT_EQ(refusal->problems.size(), 2U);
  for (const auto& problem : refusal->problems)
    EXPECT_EQ(find_unsafe_character(problem.text()), std::nullopt);
  EXPECT_NE(refusal->problems[0].found.find("U+202E"), std::string::npos);
  EXPECT_LT(refusal->problems[1].found.size(), 600U);
}

TEST(RenderProtocol, RefusalsAreBounded) {
  const Problems many(1000, Problem{"a", "b", "c"});
  const auto refusal = decode_refused(encode_refused(7, many));
  ASSERT_TRUE(refusal);
  EXPECT_LE(refusal->problems.size(), 64U);
  EXPECT_FALSE(decode_refused({{"type", "refused"}, {"generation", 7}, {"problems", json::array()}}));
  EXPECT_FALSE(decode_refused({{"type", "refused"}, {"generation", 7}, {"problems", {1, 2}}}));
}

}  // namespace
}  // namespace vitrine::overlay
