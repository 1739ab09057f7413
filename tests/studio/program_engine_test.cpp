// SPDX-License-Identifier: Apache-2.0
#include "studio/program_engine.h"

#include <condition_variable>
#include <fcntl.h>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pictures.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

ProgramConfig small_program() {
  ProgramConfig program;
  program.id = "main";
  program.size = {320, 180};
  program.frame_rate = {30, 1};
  return program;
}

/// Keeps what a broadcast would be given.
class Catcher {
 public:
  std::shared_ptr<const ProgramSink> sink() {
    return std::make_shared<ProgramSink>(ProgramSink{[this](ConstVideoFrame frame) {
                                                       const std::lock_guard lock(mutex_);
                                                       pts_.push_back(frame.pts());
                                                       sequences_.push_back(frame.sequence());
                                                       if (is_holding_) held_.push_back(std::move(frame));
                                                       changed_.notify_all();
                                                     },
                                                     [this](AudioBlock block) {
                                                       const std::lock_guard lock(mutex_);
                                                       blocks_.push_back(std::move(block));
                                                       changed_.notify_all();
                                                     }});
  }

  void hold_frames(bool is_holding) {
    const std::lock_guard lock(mutex_);
    is_holding_ = is_holding;
    if (!is_holding) held_.clear();
  }

  template <typename Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return condition(*this); });
  }

  std::vector<MediaTime> pts_;
  std::vector<uint64_t> sequences_;
  std::vector<AudioBlock> blocks_;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_holding_ = false;
  std::vector<ConstVideoFrame> held_;
};

class ProgramEngineTest : public testing::Test {
 protected:
  void start(std::function<void(ProgramEngine::Change)> on_change = nullptr) {
    overlay::TileSetBuilder builder;
    builder.add("slate", false, Instant::min(), Instant::max(), grey_tile({0, 0, 320, 180}, 50));
    tiles = builder.snapshot();
    engine = std::make_unique<ProgramEngine>(
        ProgramEngine::Config{small_program(), [this] { return tiles; }, std::move(on_change)});
    engine->set_plan(plan_with_revision(1));
    engine->start();
  }

  static std::shared_ptr<Plan> plan_with_revision(uint64_t revision) {
    auto plan = std::make_shared<Plan>();
    plan->revision = revision;
    plan->slate_key = "slate";
    plan->clock = {steady_now(), system_now()};
    return plan;
  }

  Catcher catcher;
  std::shared_ptr<const overlay::TileSet> tiles;
  std::unique_ptr<ProgramEngine> engine;
};

TEST_F(ProgramEngineTest, PutsOutEveryFrameAtItsExactTime) {
  start();
  engine->set_sink(catcher.sink());
  ASSERT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 60; }));
  engine.reset();
  for (size_t i = 0; i < catcher.pts_.size(); ++i) {
    ASSERT_EQ(catcher.sequences_[i], i);
    ASSERT_EQ(catcher.pts_[i], frame_time(static_cast<int64_t>(i), {30, 1}));
  }
}

TEST_F(ProgramEngineTest, RepeatsTheLastPictureWhenEveryCanvasIsInUse) {
  start();
  catcher.hold_frames(true);
  engine->set_sink(catcher.sink());
  ASSERT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 20; }))
      << "the clock must not stop for the encoder";
  EXPECT_GT(engine->stats().repeated, 0);
  catcher.hold_frames(false);
  const auto repeated = engine->stats().repeated;
  ASSERT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 40; }));
  EXPECT_LT(engine->stats().repeated - repeated, 10) << "and goes on drawing when there is room";
  engine.reset();
  for (size_t i = 0; i < catcher.sequences_.size(); ++i) ASSERT_EQ(catcher.sequences_[i], i);
}

TEST_F(ProgramEngineTest, SoundIsOneUnbrokenTrackThatKeepsUpWithThePicture) {
  start();
  engine->set_sink(catcher.sink());
  ASSERT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 90; }));
  engine.reset();
  int64_t position = 0;
  for (const auto& block : catcher.blocks_) {
    ASSERT_EQ(block.pts.count(), rescale(position, {1, kAudioRateHz}, kNanoseconds));
    position += block.samples_per_channel();
  }
  const double picture_s = static_cast<double>(catcher.pts_.size()) / 30;
  const double sound_s = static_cast<double>(position) / kAudioRateHz;
  EXPECT_NEAR(picture_s - sound_s, 0.2, 0.07) << "sound follows by what network microphones need";
}

TEST_F(ProgramEngineTest, ASessionBeginsAtZeroEachTime) {
  start();
  engine->set_sink(catcher.sink());
  ASSERT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 10; }));
  engine->set_sink(nullptr);
  Catcher second;
  engine->set_sink(second.sink());
  ASSERT_TRUE(second.wait([](const auto& c) { return c.pts_.size() >= 2 && !c.blocks_.empty(); }));
  engine.reset();
  EXPECT_EQ(second.sequences_[0], 0U);
  EXPECT_EQ(second.pts_[0], 0ns);
  EXPECT_EQ(second.blocks_[0].pts, 0ns);
}

TEST_F(ProgramEngineTest, TellsEachChangeOnceWithTheFrameThatFirstShowsIt) {
  std::mutex mutex;
  std::vector<ProgramEngine::Change> changes;
  start([&](ProgramEngine::Change change) {
    const std::lock_guard lock(mutex);
    changes.push_back(std::move(change));
  });
  engine->set_sink(catcher.sink());
  ASSERT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 5; }));
  engine->set_plan(plan_with_revision(2));
  ASSERT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 15; }));
  engine.reset();
  std::vector<uint64_t> revisions;
  for (const auto& change : changes) {
    if (!change.pts) continue;
    revisions.push_back(change.visible.revision);
    EXPECT_EQ(change.pts, frame_time(static_cast<int64_t>(change.frame), {30, 1}));
  }
  EXPECT_THAT(revisions, testing::ElementsAre(1, 2));
  EXPECT_EQ(changes.back().plan->revision, 2U);
}

TEST_F(ProgramEngineTest, WaitsForItsFirstPlan) {
  overlay::TileSetBuilder builder;
  tiles = builder.snapshot();
  engine = std::make_unique<ProgramEngine>(
      ProgramEngine::Config{small_program(), [this] { return tiles; }, nullptr});
  engine->set_sink(catcher.sink());
  engine->start();
  engine->set_plan(plan_with_revision(1));
  EXPECT_TRUE(catcher.wait([](const auto& c) { return c.pts_.size() >= 3; }));
  EXPECT_EQ(catcher.sequences_[0], 0U);
}

TEST_F(ProgramEngineTest, StopsWithinAFrameAHundredTimes) {
  for (int i = 0; i < 100; ++i) {
    start();
    engine.reset();
  }
}

}  // namespace
}  // namespace vitrine::studio
