// SPDX-License-Identifier: Apache-2.0
#include "core/video_frame.h"

#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(FramePool, GivesEachCanvasToOneOwnerAndTakesItBack) {
  FramePool pool({64, 36}, 2);
  auto first = pool.acquire();
  auto second = pool.acquire();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->picture().y.data, second->picture().y.data);
  EXPECT_FALSE(pool.acquire());
  first.reset();
  EXPECT_TRUE(pool.acquire());
}

TEST(FramePool, ACanvasComesBackWhenTheLastCopyOfTheFrozenFrameIsGone) {
  FramePool pool({64, 36}, 1);
  std::optional<ConstVideoFrame> frame(ConstVideoFrame(*pool.acquire(), MediaTime{5}, 1));
  std::optional<ConstVideoFrame> repeated(frame->repeated(MediaTime{6}, 2));
  EXPECT_EQ(repeated->picture().y.data, frame->picture().y.data);
  EXPECT_EQ(repeated->pts(), MediaTime{6});
  frame.reset();
  EXPECT_FALSE(pool.acquire());
  repeated.reset();
  EXPECT_TRUE(pool.acquire());
}

TEST(FramePool, FramesOutliveThePool) {
  std::optional<VideoFrame> frame;
  {
    FramePool pool({64, 36}, 1);
    frame = pool.acquire();
  }
  frame->picture().v.data[0] = 1;
}

TEST(FramePool, StartsBlackAndAligned) {
  FramePool pool({1922, 1082}, 1);
  const auto frame = pool.acquire();
  const auto& picture = frame->picture();
  EXPECT_EQ(picture.y.data[1921], 16);
  EXPECT_EQ(picture.u.data[0], 128);
  for (const auto& plane : {picture.y, picture.u, picture.v}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(plane.data) % 64, 0U);
    EXPECT_EQ(plane.stride_bytes % 64, 0);
  }
}

TEST(FramePool, ServesSeveralThreads) {
  FramePool pool({16, 16}, 3);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        auto frame = pool.acquire();
        ASSERT_TRUE(frame);
        frame->picture().y.data[0] = static_cast<uint8_t>(i);
        const ConstVideoFrame frozen(std::move(*frame), MediaTime{i}, 0);
        ASSERT_EQ(frozen.picture().y.data[0], static_cast<uint8_t>(i));
      }
    });
  }
}

}  // namespace
}  // namespace vitrine
