// SPDX-License-Identifier: Apache-2.0
#include "encoder/interleaver.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Packet packet(PacketKind kind, MediaTime dts, MediaTime duration) {
  Packet packet;
  packet.kind = kind;
  packet.dts = packet.pts = dts;
  packet.duration = duration;
  packet.bytes = std::make_shared<const Bytes>(1);
  return packet;
}
Packet video(MediaTime dts) {
  return packet(PacketKind::kVideo, dts, 33ms);
}
Packet audio(MediaTime dts) {
  return packet(PacketKind::kAudio, dts, 21ms);
}

/// What came out, as "v33" and "a21".
struct Out {
  std::vector<std::string> order;
  Interleaver interleaver{
      [this](Packet packet) {
        order.push_back((packet.kind == PacketKind::kVideo ? "v" : "a") + std::to_string(packet.dts / 1ms));
      },
      1s};
};

TEST(Interleaver, OrdersTwoStreamsByDts) {
  Out out;
  for (const auto dts : {0ms, 33ms, 66ms}) out.interleaver.push(video(dts));
  for (const auto dts : {0ms, 21ms, 42ms, 63ms}) out.interleaver.push(audio(dts));
  EXPECT_THAT(out.order, ElementsAre("v0", "a0", "a21", "v33", "a42", "a63", "v66"));
}

TEST(Interleaver, DoesNotWaitForAPacketThatCanOnlyBeLater) {
  Out out;
  out.interleaver.push(audio(0ms));
  EXPECT_TRUE(out.order.empty()) << "a picture at 0 would have to come before it";
  out.interleaver.push(video(0ms));
  EXPECT_THAT(out.order, ElementsAre("v0", "a0"));
  out.interleaver.push(video(33ms));
  EXPECT_EQ(out.order.size(), 2U) << "sound at 21 ms is still to come";
  out.interleaver.push(audio(21ms));
  EXPECT_THAT(out.order, ElementsAre("v0", "a0", "a21", "v33"));
}

TEST(Interleaver, DoesNotWaitLongerThanItsBoundForAStreamThatStopped) {
  Out out;
  out.interleaver.push(video(0ms));
  out.interleaver.push(audio(0ms));
  MediaTime dts = 33ms;
  for (; dts < 1000ms; dts += 33ms) out.interleaver.push(video(dts));
  EXPECT_EQ(out.order.size(), 2U);
  for (; dts < 2000ms; dts += 33ms) out.interleaver.push(video(dts));
  EXPECT_GT(out.order.size(), 25U) << "all but the last second";
}

TEST(Interleaver, PassesOnAtOnceWhatAStoppedStreamBringsLater) {
  Out out;
  for (MediaTime dts = 0ms; dts < 3000ms; dts += 33ms) out.interleaver.push(video(dts));
  const size_t before = out.order.size();
  out.interleaver.push(audio(0ms));
  out.interleaver.push(audio(21ms));
  ASSERT_EQ(out.order.size(), before + 2);
  EXPECT_EQ(out.order[before], "a0");
  EXPECT_EQ(out.order[before + 1], "a21");
}

TEST(Interleaver, FlushGivesTheRestInOrder) {
  Out out;
  out.interleaver.push(video(0ms));
  out.interleaver.push(video(33ms));
  out.interleaver.push(audio(21ms));
  out.interleaver.flush();
  EXPECT_THAT(out.order, ElementsAre("v0", "a21", "v33"));
}

TEST(Interleaver, TwoThreadsKeepTheOrder) {
  std::vector<MediaTime> order;
  Interleaver interleaver([&](Packet packet) { order.push_back(packet.dts); }, 1h);
  std::jthread pictures([&] {
    for (int i = 0; i < 3000; ++i) interleaver.push(video(i * 33ms));
  });
  std::jthread sound([&] {
    for (int i = 0; i < 4000; ++i) interleaver.push(audio(i * 21ms));
  });
  pictures.join();
  sound.join();
  interleaver.flush();
  ASSERT_EQ(order.size(), 7000U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

}  // namespace
}  // namespace vitrine::encoder
