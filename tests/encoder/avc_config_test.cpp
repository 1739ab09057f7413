// SPDX-License-Identifier: Apache-2.0
#include "encoder/avc_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::encoder {
namespace {

using ::testing::ElementsAre;

const Bytes kSps{0x67, 0x64, 0x00, 0x28, 0xAC};
const Bytes kPps{0x68, 0xEE, 0x3C};

Bytes prefixed(std::initializer_list<Bytes> units) {
  Bytes out;
  for (const auto& unit : units) {
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<uint8_t>(unit.size() >> shift));
    out.insert(out.end(), unit.begin(), unit.end());
  }
  return out;
}

TEST(AvcConfig, HoldsTheParameterSetsAndTheProfilesTail) {
  const auto record = make_avc_config(prefixed({kSps, kPps}));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_THAT(*record, ElementsAre(1, 0x64, 0, 0x28, 0xFF, 0xE1, 0, 5, 0x67, 0x64, 0, 0x28, 0xAC,  // SPS
                                   1, 0, 3, 0x68, 0xEE, 0x3C,                                      // PPS
                                   0xFD, 0xF8, 0xF8, 0));
}

TEST(AvcConfig, MainProfileHasNoTail) {
  const auto record = make_avc_config(prefixed({{0x67, 0x4D, 0x40, 0x1F}, kPps}));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->size(), 6U + 2 + 4 + 1 + 2 + 3);
}

TEST(AvcConfig, LeavesOutWhatIsNoParameterSet) {
  const auto with_sei = make_avc_config(prefixed({{0x06, 0x05, 0x01}, kSps, kPps}));
  ASSERT_TRUE(with_sei);
  EXPECT_EQ(*with_sei, *make_avc_config(prefixed({kSps, kPps})));
}

TEST(AvcConfig, RefusesMissingOrImpossibleSets) {
  EXPECT_FALSE(make_avc_config(prefixed({kSps})));
  EXPECT_FALSE(make_avc_config(prefixed({kPps})));
  EXPECT_FALSE(make_avc_config({}));
  EXPECT_FALSE(make_avc_config(prefixed({{0x67, 0x64, 0}, kPps})));
  Bytes huge(70'000, 0);
  huge[0] = 0x67;
  EXPECT_FALSE(make_avc_config(prefixed({huge, kPps})));
}

TEST(AvcConfig, RefusesLengthsThatDoNotFit) {
  EXPECT_EQ(split_length_prefixed(prefixed({kSps, kPps}))->size(), 2U);
  EXPECT_FALSE(split_length_prefixed(Bytes{0, 0, 0, 5, 1, 2}));
  EXPECT_FALSE(split_length_prefixed(Bytes{0, 0, 0, 0}));
  EXPECT_FALSE(split_length_prefixed(Bytes{0, 0, 1}));
  EXPECT_FALSE(split_length_prefixed(Bytes{0xFF, 0xFF, 0xFF, 0xFF, 1}));
}

}  // namespace
}  // namespace vitrine::encoder
