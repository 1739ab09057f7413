// SPDX-License-Identifier: Apache-2.0
#include "encoder/rtmp_chunk.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::encoder {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::SizeIs;

Bytes payload(size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  return bytes;
}

/// All messages of `bytes`, fed `step` bytes at a time.
std::vector<RtmpMessage> read_all(const Bytes& bytes, size_t step) {
  RtmpChunkReader reader;
  std::vector<RtmpMessage> messages;
  for (size_t at = 0; at < bytes.size(); at += step) {
    const auto ok = reader.feed(std::span(bytes).subspan(at, std::min(step, bytes.size() - at)),
                                [&](RtmpMessage message) {
                                  messages.push_back(std::move(message));
                                  return Status{};
                                });
    EXPECT_TRUE(ok) << ok.error().message;
  }
  return messages;
}

Status feed(const Bytes& bytes) {
  RtmpChunkReader reader;
  return reader.feed(bytes, [](const RtmpMessage&) { return Status{}; });
}

TEST(RtmpChunk, BeginsWithAFullHeaderAndGoesOnWithDifferences) {
  RtmpChunkWriter writer;
  Bytes out;
  const Bytes body = payload(3);
  writer.write({6, RtmpType::kVideo, 1, 1000}, {body}, out);
  EXPECT_THAT(out, ElementsAre(0x06, 0, 0x03, 0xE8, 0, 0, 3, 9, 1, 0, 0, 0, 0, 1, 2));
  out.clear();
  writer.write({6, RtmpType::kVideo, 1, 1033}, {body}, out);
  EXPECT_THAT(out, ElementsAre(0x46, 0, 0, 33, 0, 0, 3, 9, 0, 1, 2));
  out.clear();
  writer.write({6, RtmpType::kVideo, 1, 1000}, {body}, out);
  EXPECT_EQ(out[0], 0x06) << "time went back: a full header";
  out.clear();
  writer.write({6, RtmpType::kVideo, 2, 1033}, {body}, out);
  EXPECT_EQ(out[0], 0x06) << "another message stream: a full header";
}

TEST(RtmpChunk, RepeatsTheExtendedTimestampOnEveryType3Chunk) {
  RtmpChunkWriter writer;
  Bytes out;
  writer.write({6, RtmpType::kVideo, 1, 0x01020304}, {payload(300)}, out);
  ASSERT_EQ(out.size(), 12U + 4 + 128 + 1 + 4 + 128 + 1 + 4 + 44);
  EXPECT_THAT(Bytes(out.begin() + 1, out.begin() + 4), ElementsAre(0xFF, 0xFF, 0xFF));
  EXPECT_THAT(Bytes(out.begin() + 12, out.begin() + 16), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Bytes(out.begin() + 144, out.begin() + 149), ElementsAre(0xC6, 1, 2, 3, 4));
  EXPECT_THAT(Bytes(out.begin() + 277, out.begin() + 282), ElementsAre(0xC6, 1, 2, 3, 4));
}

TEST(RtmpChunk, HasNoExtendedFieldWhereTheDifferenceIsSmall) {
  RtmpChunkWriter writer;
  Bytes out;
  writer.write({6, RtmpType::kVideo, 1, 0xFFFFFE}, {payload(1)}, out);
  EXPECT_EQ(out.size(), 13U);
  out.clear();
  writer.write({6, RtmpType::kVideo, 1, 0x1000020}, {payload(300)}, out);
  EXPECT_EQ(out.size(), 8U + 128 + 1 + 128 + 1 + 44);
  out.clear();
  RtmpChunkWriter late;
  late.write({6, RtmpType::kVideo, 1, 0xFFFFFF}, {payload(1)}, out);
  EXPECT_EQ(out.size(), 17U) << "0xFFFFFF itself is the mark and needs the field";
}

TEST(RtmpChunk, ReaderUnderstandsTheWriterHoweverTheBytesArrive) {
  for (const uint32_t chunk : {1U, 128U, 60'000U}) {
    RtmpChunkWriter writer;
    Bytes out;
    const Bytes size{static_cast<uint8_t>(chunk >> 24), static_cast<uint8_t>(chunk >> 16),
                     static_cast<uint8_t>(chunk >> 8), static_cast<uint8_t>(chunk)};
    writer.write({2, RtmpType::kSetChunkSize, 0, 0}, {size}, out);
    writer.set_chunk_size(chunk);
    std::vector<uint32_t> times{0, 40, 0xFFFFFE, 0x1000001, 0x1000001, 0x500, 0xFFFFFFFF};
    for (const uint32_t time : times)
      writer.write({6, RtmpType::kVideo, 1, time}, {payload(300), payload(17)}, out);
    for (const size_t step : {size_t{1}, size_t{7}, out.size()}) {
      const auto messages = read_all(out, step);
      ASSERT_THAT(messages, SizeIs(1 + times.size()));
      for (size_t i = 0; i < times.size(); ++i) {
        EXPECT_EQ(messages[i + 1].timestamp, times[i]);
        EXPECT_EQ(messages[i + 1].type, RtmpType::kVideo);
        EXPECT_EQ(messages[i + 1].stream_id, 1U);
        EXPECT_EQ(messages[i + 1].payload.size(), 317U);
        EXPECT_EQ(messages[i + 1].payload[299], 43);
      }
    }
  }
}

TEST(RtmpChunk, ReadsInterleavedStreamsAndAllHeaderForms) {
  // Two messages of 130 bytes, chunk by chunk in turn; stream 70 has a two-byte, 400 a three-byte basic
  // header.
  Bytes in{0x00, 6, 0, 0, 9, 0, 0, 130, 20, 0, 0, 0, 0};
  in.insert(in.end(), 128, 0xA);
  in.insert(in.end(), {0x01, 0x50, 1, 0, 0, 9, 0, 0, 130, 20, 0, 0, 0, 0});
  in.insert(in.end(), 128, 0xB);
  in.insert(in.end(), {0xC0, 6, 0xA, 0xA});
  in.insert(in.end(), {0xC1, 0x50, 1, 0xB, 0xB});
  in.insert(in.end(), {0x80, 6, 0, 0, 5});  // type 2: only the time differs
  in.insert(in.end(), 128, 0xC);
  in.insert(in.end(), {0xC0, 6, 0xC, 0xC});
  const auto messages = read_all(in, 3);
  ASSERT_THAT(messages, SizeIs(3));
  EXPECT_THAT(messages[0].payload, ElementsAreArray(Bytes(130, 0xA)));
  EXPECT_THAT(messages[1].payload, ElementsAreArray(Bytes(130, 0xB)));
  EXPECT_THAT(messages[2].payload, ElementsAreArray(Bytes(130, 0xC)));
  EXPECT_EQ(messages[2].timestamp, 14U);
}

TEST(RtmpChunk, ForgetsAnAbortedMessage) {
  Bytes in{0x06, 0, 0, 0, 0, 0, 200, 20, 0, 0, 0, 0};
  in.insert(in.end(), 128, 0xA);
  in.insert(in.end(), {0x02, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 6});  // abort stream 6
  in.insert(in.end(), {0x06, 0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, 0xB});
  const auto messages = read_all(in, 11);
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[1].payload, Bytes{0xB});
}

TEST(RtmpChunk, EndsTheConnectionOverALimit) {
  EXPECT_FALSE(feed({0x06, 0, 0, 0, 0x0F, 0xFF, 0xFF, 20, 0, 0, 0, 0}));       // a message of 1 MiB
  EXPECT_FALSE(feed({0xC6, 0}));                                               // begins with type 3
  EXPECT_FALSE(feed({0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0}));     // chunk size 0
  EXPECT_FALSE(feed({0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x80, 0, 0, 0}));  // or 2^31
  EXPECT_FALSE(feed({0x02, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 1}));           // cut off
  Bytes many;
  for (uint8_t stream = 2; stream < 60; ++stream) {
    many.insert(many.end(), {stream, 0, 0, 0, 0, 1, 0, 20, 0, 0, 0, 0});
    many.insert(many.end(), 128, 0);
  }
  EXPECT_FALSE(feed(many));
}

}  // namespace
}  // namespace vitrine::encoder
