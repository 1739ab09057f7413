// SPDX-License-Identifier: Apache-2.0
#include "core/packet_ring.h"

#include <array>
#include <poll.h>
#include <thread>

#include <gtest/gtest.h>

namespace vitrine {
namespace {

using namespace std::chrono_literals;

constexpr PacketRing::Config kLarge{1h, 1 << 30};

Packet video(int number, bool is_keyframe, size_t bytes = 10) {
  Packet packet;
  packet.bytes = std::make_shared<Bytes>(bytes, static_cast<uint8_t>(number));
  packet.kind = PacketKind::kVideo;
  packet.dts = packet.pts = std::chrono::milliseconds(number);
  packet.is_keyframe = is_keyframe;
  return packet;
}

Packet audio(int number) {
  Packet packet = video(number, true);
  packet.kind = PacketKind::kAudio;
  return packet;
}

int number_of(const PacketRing::Item& item) {
  return static_cast<int>(item.packet.dts / 1ms);
}

bool is_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

TEST(PacketRing, EveryReaderGetsEveryPacketInOrder) {
  PacketRing ring(kLarge);
  auto first = ring.open_reader(PacketRing::StartAt::kOldest);
  auto second = ring.open_reader(PacketRing::StartAt::kOldest);
  for (int i = 0; i < 10; ++i) ring.push(video(i, i % 5 == 0));
  for (auto* reader : {&first, &second}) {
    for (int i = 0; i < 10; ++i) {
      const auto item = reader->try_pop();
      ASSERT_TRUE(item);
      EXPECT_EQ(number_of(*item), i);
      EXPECT_EQ(item->skipped, 0);
    }
    EXPECT_FALSE(reader->try_pop());
  }
}

TEST(PacketRing, ANewReaderStartsAtTheLatestKeyframe) {
  PacketRing ring(kLarge);
  for (int i = 0; i < 9; ++i) ring.push(i % 2 == 1 ? audio(i) : video(i, i % 4 == 0));
  auto reader = ring.open_reader(PacketRing::StartAt::kLatestKeyframe);
  EXPECT_EQ(number_of(*reader.try_pop()), 8);
}

TEST(PacketRing, ANewReaderWithoutAKeyframeInSightWaitsForOneWithoutCountingALoss) {
  PacketRing ring(kLarge);
  ring.push(audio(1));
  auto reader = ring.open_reader(PacketRing::StartAt::kLatestKeyframe);
  ring.push(video(2, false));
  EXPECT_FALSE(reader.try_pop());
  ring.push(video(3, true));
  const auto item = reader.try_pop();
  ASSERT_TRUE(item);
  EXPECT_EQ(number_of(*item), 3);
  EXPECT_EQ(item->skipped, 0);
}

TEST(PacketRing, AnOvertakenReaderGoesOnAtAKeyframeAndKnowsWhatItLost) {
  PacketRing ring({10ms, 1 << 30});
  auto slow = ring.open_reader(PacketRing::StartAt::kOldest);
  ring.push(video(0, true));
  EXPECT_EQ(number_of(*slow.try_pop()), 0);
  for (int i = 1; i <= 30; ++i) ring.push(video(i, i % 8 == 0));
  const auto item = slow.try_pop();
  ASSERT_TRUE(item);
  EXPECT_EQ(number_of(*item), 24);  // 20…30 are left; 24 is the first keyframe among them
  EXPECT_EQ(item->skipped, 23);
  EXPECT_EQ(number_of(*slow.try_pop()), 25);
}

TEST(PacketRing, KeepsWithinItsBytes) {
  PacketRing ring({1h, 100});
  auto reader = ring.open_reader(PacketRing::StartAt::kOldest);
  for (int i = 0; i < 50; ++i) ring.push(video(i, true, 30));
  EXPECT_EQ(number_of(*reader.try_pop()), 47);
}

TEST(PacketRing, ASinglePacketLargerThanTheRingStillPasses) {
  PacketRing ring({1h, 100});
  auto reader = ring.open_reader(PacketRing::StartAt::kOldest);
  ring.push(video(1, true, 1000));
  EXPECT_EQ(number_of(*reader.try_pop()), 1);
}

TEST(PacketRing, LagIsWhatLiesBeforeTheReaderAndSkippingGoesToTheNewestKeyframe) {
  PacketRing ring(kLarge);
  auto reader = ring.open_reader(PacketRing::StartAt::kOldest);
  EXPECT_EQ(reader.lag(), 0ms);
  for (int i = 0; i <= 20; ++i) ring.push(video(i, i % 6 == 0));
  EXPECT_EQ(reader.lag(), 20ms);
  EXPECT_EQ(reader.skip_to_latest_keyframe(), 18);
  EXPECT_EQ(reader.lag(), 2ms);
  EXPECT_EQ(reader.skip_to_latest_keyframe(), 0);
  const auto item = reader.try_pop();
  EXPECT_EQ(number_of(*item), 18);
}

TEST(PacketRing, WakeDescriptorTellsADrainedReaderOfAPushAndOfTheClose) {
  PacketRing ring(kLarge);
  auto reader = ring.open_reader(PacketRing::StartAt::kOldest);
  EXPECT_FALSE(reader.try_pop());
  EXPECT_FALSE(is_readable(reader.wake_fd()));
  ring.push(video(1, true));
  EXPECT_TRUE(is_readable(reader.wake_fd()));
  EXPECT_TRUE(reader.try_pop());
  EXPECT_FALSE(reader.try_pop());
  EXPECT_FALSE(is_readable(reader.wake_fd()));
  ring.close();
  EXPECT_TRUE(is_readable(reader.wake_fd()));
  EXPECT_TRUE(reader.is_finished());
}

TEST(PacketRing, PopDrainsAfterCloseAndThenEnds) {
  PacketRing ring(kLarge);
  auto reader = ring.open_reader(PacketRing::StartAt::kOldest);
  ring.push(video(1, true));
  ring.close();
  ring.push(video(2, true));
  EXPECT_FALSE(reader.is_finished());
  EXPECT_EQ(number_of(*reader.pop({})), 1);
  EXPECT_EQ(reader.pop({}), std::nullopt);
  EXPECT_TRUE(reader.is_finished());
}

TEST(PacketRing, AReaderOutlivesTheRing) {
  auto ring = std::make_unique<PacketRing>(kLarge);
  auto reader = ring->open_reader(PacketRing::StartAt::kOldest);
  ring->push(video(1, true));
  ring.reset();
  EXPECT_EQ(number_of(*reader.pop({})), 1);
  EXPECT_EQ(reader.pop({}), std::nullopt);
}

TEST(PacketRing, StopEndsAWaitingPop) {
  PacketRing ring(kLarge);
  auto reader = ring.open_reader(PacketRing::StartAt::kOldest);
  std::jthread consumer([&](const std::stop_token& stop) { EXPECT_EQ(reader.pop(stop), std::nullopt); });
  consumer.request_stop();
}

TEST(PacketRing, TwoWritersAndASlowReaderNeverDelayAFastOne) {
  constexpr int kPackets = 5'000;
  PacketRing ring({1h, 1 << 30});
  auto fast = ring.open_reader(PacketRing::StartAt::kOldest);
  auto stuck = ring.open_reader(PacketRing::StartAt::kOldest);  // never reads
  std::jthread first([&] {
    for (int i = 0; i < kPackets; ++i) ring.push(video(i, i % 60 == 0));
  });
  std::jthread second([&] {
    for (int i = 0; i < kPackets; ++i) ring.push(audio(i));
  });
  std::array<int, 3> next{};
  for (int i = 0; i < 2 * kPackets; ++i) {
    const auto item = fast.pop({});
    ASSERT_TRUE(item);
    ASSERT_EQ(item->skipped, 0);
    ASSERT_EQ(number_of(*item), next[static_cast<size_t>(item->packet.kind)]++);
  }
}

}  // namespace
}  // namespace vitrine
