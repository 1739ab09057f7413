// SPDX-License-Identifier: Apache-2.0
#include "encoder/amf0.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::encoder::amf0 {
namespace {

using ::testing::ElementsAre;

TEST(Amf0, WritesWhatTheSpecificationShows) {
  Bytes out;
  Writer(out).text("ab").number(1.0).boolean(true).null();
  EXPECT_THAT(out, ElementsAre(2, 0, 2, 'a', 'b', 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 1, 1, 5));
  out.clear();
  Writer(out).begin_object().name("k").text("v").end();
  EXPECT_THAT(out, ElementsAre(3, 0, 1, 'k', 2, 0, 1, 'v', 0, 0, 9));
}

TEST(Amf0, WritesLongTextsAsLongStrings) {
  Bytes out;
  Writer(out).text(std::string(70'000, 'x'));
  EXPECT_THAT(Bytes(out.begin(), out.begin() + 5), ElementsAre(0x0C, 0, 1, 0x11, 0x70));
  const auto values = decode(out);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->front().text()->size(), 70'000U);
}

TEST(Amf0, ReadsAServersAnswer) {
  Bytes in;
  Writer writer(in);
  writer.text("_result").number(1).begin_object().name("fmsVer").text("FMS/3").end();
  writer.begin_array(2).name("code").text("X").name("deep").begin_object().name("n").number(2).end().end();
  const auto values = decode(in);
  ASSERT_TRUE(values) << values.error().message;
  ASSERT_EQ(values->size(), 4U);
  EXPECT_EQ(*(*values)[0].text(), "_result");
  EXPECT_EQ(*(*values)[1].number(), 1);
  EXPECT_EQ((*values)[2].text_of("fmsVer"), "FMS/3");
  EXPECT_EQ((*values)[2].text_of("nothing"), "");
  EXPECT_EQ((*values)[3].text_of("code"), "X");
  EXPECT_EQ(*(*values)[3].find("deep")->find("n")->number(), 2);
  EXPECT_EQ((*values)[0].find("x"), nullptr);
}

TEST(Amf0, ReadsEveryTypeAServerMaySend) {
  const Bytes in{0x0A, 0,    0, 0,   2, 1,   1,   5,            // strict array: true, null
                 0x0B, 0,    0, 0,   0, 0,   0,   0, 0, 0, 0,   // date
                 0x06, 0x0D,                                    // undefined, unsupported
                 0x0F, 0,    0, 0,   1, 'x',                    // XML
                 0x10, 0,    1, 'T', 0, 1,   'a', 5, 0, 0, 9};  // typed object
  const auto values = decode(in);
  ASSERT_TRUE(values) << values.error().message;
  ASSERT_EQ(values->size(), 6U);
  EXPECT_TRUE(std::get<bool>((*values)[0].find("0")->data));
  EXPECT_EQ(*(*values)[1].number(), 0);
  EXPECT_EQ(*(*values)[4].text(), "x");
  EXPECT_NE((*values)[5].find("a"), nullptr);
}

TEST(Amf0, RefusesEveryCutOffMessage) {
  Bytes in;
  Writer(in)
      .text("onStatus")
      .number(0)
      .null()
      .begin_object()
      .name("code")
      .text("NetStream.Publish.Start")
      .end();
  int refused = 0;
  for (size_t length = 1; length < in.size(); ++length)
    refused += decode(std::span(in).first(length)) ? 0 : 1;
  EXPECT_EQ(refused, static_cast<int>(in.size()) - 1 - 3) << "all but the ends of whole values";
}

TEST(Amf0, RefusesWhatIsTooDeepTooManyOrUnknown) {
  Bytes deep;
  for (int i = 0; i < 20; ++i) deep.insert(deep.end(), {3, 0, 1, 'a'});
  EXPECT_FALSE(decode(deep));
  EXPECT_FALSE(decode(Bytes(2000, 5)));                          // 2000 nulls
  EXPECT_FALSE(decode(Bytes{0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 5}));  // an array of 2^32
  EXPECT_FALSE(decode(Bytes{0x11}));
  EXPECT_FALSE(decode(Bytes{3, 0, 0, 8}));
}

}  // namespace
}  // namespace vitrine::encoder::amf0
