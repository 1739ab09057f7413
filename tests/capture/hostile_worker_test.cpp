// SPDX-License-Identifier: Apache-2.0
//
// The studio's half against a worker in foreign hands: it says what is wrong, starts another, and nothing
// else happens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text_rules.h"
#include "studio_side.h"

namespace vitrine::capture {
namespace {

using namespace std::chrono_literals;
using State = SourceStatus::State;

StudioSide::Options hostile() {
  return {.wants_picture = true, .wants_sound = true, .worker = VITRINE_BIN_DIR "/capture_hostile_worker"};
}

class HostileWorkerSays : public testing::TestWithParam<const char*> {};

/// Each of these ends the incarnation with an error that can be shown, and another one is started.
TEST_P(HostileWorkerSays, IsEndedWithAnErrorThatCanBeShown) {
  const StudioSide side(std::string("file:/hostile/") + GetParam(), hostile());
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.restarts >= 2; }))
      << describe(side.status());
  const Error error = side.status().last_error;
  EXPECT_NE(error.code, ErrorCode::kUnknown);
  EXPECT_FALSE(error.message.empty());
  EXPECT_LT(error.message.size(), 2000U);
  EXPECT_FALSE(find_unsafe_character(error.message)) << error.message;
  EXPECT_FALSE(side.frame());
  EXPECT_EQ(side.sound(), nullptr);
}

INSTANTIATE_TEST_SUITE_P(That, HostileWorkerSays,
                         testing::Values("ended-of-other-types", "ended-with-escapes", "ended-endless",
                                         "no-type", "type-of-other-type", "no-json", "deep-json",
                                         "ring-without-descriptor", "ring-that-is-no-memfd", "ring-unsealed",
                                         "sound-ring-of-other-size", "report-of-lies", "report-with-escapes"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(HostileWorker, ThatPublishesDescriptorsOfLiesShowsNothing) {
  const StudioSide side("file:/hostile/descriptors-of-lies", hostile());
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.pid != 0; }));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(side.frame());
}

TEST(HostileWorker, ThatLiesAboutTimeIsNeverLive) {
  for (const char* when : {"picture-of-the-future", "picture-before-time"}) {
    const StudioSide side(std::string("file:/hostile/") + when, hostile());
    ASSERT_TRUE(wait_for([&] { return side.frame().has_value(); })) << when;
    // The future counts as now; before boot as long ago: neither overflows anything.
    EXPECT_GE(*side.status().frame_age, MediaTime::zero()) << when;
    EXPECT_TRUE(side.wait_until([](const auto& status) { return status.frame_age.has_value(); })) << when;
  }
}

TEST(HostileWorker, ThatPutsSoundIntoTheFutureIsSilent) {
  const StudioSide side("file:/hostile/sound-of-the-future", hostile());
  ASSERT_TRUE(wait_for([&] { return side.sound() != nullptr; }));
  std::vector<float> out(960, 0.0F);
  (void)side.sound()->mix_into(sample_index(steady_now()), 1.0F, out);
  for (const float sample : out) EXPECT_EQ(sample, 0.0F);
  ASSERT_TRUE(side.status().sound_age);
  EXPECT_GE(*side.status().sound_age, MediaTime::zero());
}

TEST(HostileWorker, ThatFloodsDoesNotStarveTheLoop) {
  const StudioSide side("file:/hostile/flood", hostile());
  ASSERT_TRUE(side.wait_until([](const auto& status) { return status.pid != 0; }));
  for (int i = 0; i < 50; ++i) EXPECT_NE(side.status().state, State::kStopped);  // each goes through the loop
}

}  // namespace
}  // namespace vitrine::capture
