// SPDX-License-Identifier: Apache-2.0
#include "core/frame_ring.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace vitrine {
namespace {

constexpr Size kSize{64, 32};
constexpr int64_t kLuma = 64 * 32;
constexpr size_t kPicture = kLuma * 3 / 2;
constexpr int kSlots = 12;

FrameDescriptor describe(int slot, Size size = kSize) {
  const auto base = static_cast<int64_t>(slot * kPicture);
  FrameDescriptor frame;
  frame.size = size;
  frame.offset_bytes[0] = base;
  frame.offset_bytes[1] = base + kLuma;
  frame.offset_bytes[2] = base + kLuma + kLuma / 4;
  frame.stride_bytes[0] = 64;
  frame.stride_bytes[1] = frame.stride_bytes[2] = 32;
  frame.captured_at = steady_now();
  return frame;
}

UniqueFd duplicate(int fd) {
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

class FrameRing : public testing::Test {
 protected:
  void SetUp() override {
    auto created = FrameRingWriter::create(kSlots * kPicture);
    ASSERT_TRUE(created) << created.error().message;
    writer = std::make_unique<FrameRingWriter>(std::move(*created));
    auto opened = FrameRingReader::open(duplicate(writer->fd()));
    ASSERT_TRUE(opened) << opened.error().message;
    reader = *opened;
  }

  void fill(int slot, uint8_t value) { std::memset(writer->pixels() + slot * kPicture, value, kPicture); }

  std::array<std::atomic<bool>, kSlots> is_busy{};  // before the writer, whose last holds touch it
  std::unique_ptr<FrameRingWriter> writer;
  std::shared_ptr<FrameRingReader> reader;
};

TEST_F(FrameRing, HasNothingBeforeTheFirstPicture) {
  EXPECT_FALSE(reader->latest());
}

TEST_F(FrameRing, TheNewestPictureWins) {
  fill(0, 10);
  fill(1, 20);
  EXPECT_TRUE(writer->publish(describe(0), nullptr));
  EXPECT_TRUE(writer->publish(describe(1), nullptr));
  const auto frame = reader->latest();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->picture.y.data[0], 20);
  EXPECT_EQ(frame->picture.size, kSize);
  EXPECT_EQ(frame->sequence, 2U);
}

TEST_F(FrameRing, APinnedPictureIsHeldUntilItsReaderLetsGo) {
  auto hold = std::make_shared<int>(0);
  const std::weak_ptr<int> held = hold;
  writer->publish(describe(0), std::move(hold));
  auto frame = reader->latest();
  for (int i = 1; i < 5; ++i) writer->publish(describe(i), nullptr);
  EXPECT_FALSE(held.expired());
  frame.reset();
  writer->publish(describe(5), nullptr);
  EXPECT_TRUE(held.expired());
}

TEST_F(FrameRing, OnlyTheNewestAndThePinnedAreHeld) {
  std::vector<std::weak_ptr<int>> holds;
  for (int i = 0; i < 6; ++i) {
    auto hold = std::make_shared<int>(i);
    holds.emplace_back(hold);
    writer->publish(describe(i), std::move(hold));
  }
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(holds[static_cast<size_t>(i)].expired()) << i;
  EXPECT_FALSE(holds[5].expired());
}

TEST_F(FrameRing, DropsThePictureWhenEveryDescriptorIsPinned) {
  std::vector<CameraFrame> pinned;
  int published = 0;
  while (writer->publish(describe(published), nullptr)) {
    ++published;
    pinned.push_back(*reader->latest());
    ASSERT_LT(published, kSlots);
  }
  EXPECT_EQ(published, 8);
  pinned.erase(pinned.begin());
  EXPECT_TRUE(writer->publish(describe(8), nullptr));
}

TEST_F(FrameRing, AFrameOutlivesItsReader) {
  fill(3, 99);
  writer->publish(describe(3), nullptr);
  const auto frame = reader->latest();
  reader.reset();
  EXPECT_EQ(frame->picture.v.data[0], 99);
}

TEST_F(FrameRing, ACaptureTimeInTheFutureIsNow) {
  auto frame = describe(0);
  frame.captured_at += std::chrono::hours(1);
  writer->publish(frame, nullptr);
  const auto seen = reader->latest();
  EXPECT_LE(seen->captured_at, steady_now());
}

TEST_F(FrameRing, RefusesEveryDescriptorThatLeavesTheMapping) {
  const auto publish = [&](auto change) {
    auto frame = describe(0);
    change(frame);
    writer->publish(frame, nullptr);
    return reader->latest().has_value();
  };
  EXPECT_TRUE(publish([](FrameDescriptor&) {}));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.offset_bytes[0] = -1; }));
  EXPECT_FALSE(
      publish([](FrameDescriptor& f) { f.offset_bytes[1] = kSlots * static_cast<int64_t>(kPicture); }));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.offset_bytes[2] = INT64_MAX; }));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.stride_bytes[0] = 63; }));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.stride_bytes[0] = -64; }));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.stride_bytes[1] = INT32_MAX; }));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.size = {0, 32}; }));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.size = {-64, 32}; }));
  EXPECT_FALSE(publish([](FrameDescriptor& f) { f.size = {64, 1 << 30}; }));
}

TEST_F(FrameRing, RefusesMemoryThatItsSenderCouldStillShrink) {
  UniqueFd fd(::memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(fd.get(), 1 << 20), 0);
  const auto opened = FrameRingReader::open(std::move(fd));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kProtocol);
}

TEST_F(FrameRing, RefusesMemoryOfAnotherKind) {
  auto fd = create_sealed_memfd("other", 1 << 20);
  ASSERT_TRUE(fd);
  EXPECT_FALSE(FrameRingReader::open(std::move(*fd)));
  EXPECT_FALSE(FrameRingReader::open(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC))));
}

TEST_F(FrameRing, AReaderNeverSeesAPictureThatIsBeingWritten) {
  // The writer owns a pool of slots as a decoder does: a slot is reused only when its hold is gone.
  constexpr int kPictures = 20'000;
  std::jthread producer([&] {
    for (int i = 0; i < kPictures; ++i) {
      int slot = 0;
      while (is_busy[static_cast<size_t>(slot)].exchange(true)) slot = (slot + 1) % kSlots;
      fill(slot, static_cast<uint8_t>(i));
      std::shared_ptr<void> hold(nullptr,
                                 [this, slot](void*) { is_busy[static_cast<size_t>(slot)] = false; });
      writer->publish(describe(slot), std::move(hold));
    }
  });
  uint64_t last = 0;
  while (last < kPictures) {
    const auto frame = reader->latest();
    if (!frame) continue;
    ASSERT_GE(frame->sequence, last);
    last = frame->sequence;
    const auto expected = static_cast<uint8_t>(frame->sequence - 1);
    for (int64_t i = 0; i < kLuma; i += 61) ASSERT_EQ(frame->picture.y.data[i], expected);
    ASSERT_EQ(frame->picture.v.data[kLuma / 4 - 1], expected);
  }
}

}  // namespace
}  // namespace vitrine
