// SPDX-License-Identifier: Apache-2.0
#include "commerce/picture.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_pictures.h"

namespace vitrine::commerce {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal_of(const std::string& bytes) {
  const auto info = check_picture("扫描.jpg", bytes);
  if (info) return "taken";
  EXPECT_EQ(info.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(info.error().message, HasSubstr("扫描.jpg"));
  return info.error().message;
}

TEST(Picture, ReadsTypeAndSizeOfWhatRealEncodersWrite) {
  const std::map<std::string, PictureType> files = {{"baseline.jpg", PictureType::kJpeg},
                                                    {"small.png", PictureType::kPng},
                                                    {"lossy.webp", PictureType::kWebp},
                                                    {"lossless.webp", PictureType::kWebp},
                                                    {"alpha.webp", PictureType::kWebp}};
  for (const auto& [name, type] : files) {
    const auto info = check_picture(name, real_picture(name));
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(*info, (PictureInfo{type, {48, 32}})) << name;
  }
}

TEST(Picture, ACutOneIsRefusedAtEveryByteOfItsHeader) {
  for (const char* name : {"baseline.jpg", "small.png", "lossy.webp", "lossless.webp", "alpha.webp"}) {
    const std::string whole = real_picture(name);
    size_t needed = whole.size();
    for (size_t length = 0; length < whole.size(); ++length) {
      if (check_picture(name, whole.substr(0, length))) {
        needed = length;
        break;
      }
    }
    EXPECT_LT(needed, whole.size()) << name << ": the header is not all of it";
    EXPECT_GE(needed, 24U) << name;
  }
}

TEST(Picture, WhatPeopleBringInThePlaceOfOneIsNamed) {
  EXPECT_THAT(refusal_of("%PDF-1.7\n%..."),
              AllOf(HasSubstr("a PDF document"), HasSubstr("JPEG, PNG or WebP")));
  EXPECT_THAT(refusal_of("GIF89a......"), HasSubstr("a GIF picture"));
  EXPECT_THAT(refusal_of("\n<!doctype html>"), HasSubstr("a web page"));
  EXPECT_THAT(refusal_of(std::string("\0\0\0\x18"
                                     "ftypheic",
                                     12)),
              HasSubstr("HEIC"));
  EXPECT_THAT(refusal_of(""), HasSubstr("nothing"));
  EXPECT_THAT(refusal_of(real_picture("anim.webp")), HasSubstr("an animated WebP"));
}

TEST(Picture, SizesAreHeldToWhatTheRendererDraws) {
  EXPECT_TRUE(check_picture("a", png_head(5000, 5000)));
  EXPECT_THAT(refusal_of(png_head(5001, 5000)),
              AllOf(HasSubstr("5001×5000"), HasSubstr("at most 25 megapixels")));
  EXPECT_TRUE(check_picture("a", png_head(12'000, 16)));
  EXPECT_THAT(refusal_of(png_head(12'001, 16)), HasSubstr("12001×16"));
  EXPECT_THAT(refusal_of(png_head(16, 15)), HasSubstr("16 to 12000 pixels a side"));
  EXPECT_THAT(refusal_of(png_head(0, 100)), HasSubstr("0×100"));
  EXPECT_THAT(refusal_of(png_head(0x80000010, 0xFFFFFFFF)), HasSubstr("2147483664×4294967295"));
  EXPECT_THAT(refusal_of(png_head(100, 100, std::string(kMostPictureBytes, 'x'))),
              AllOf(HasSubstr("8388632 bytes"), HasSubstr("at most 8388608")));
}

TEST(Picture, AFrameThatIsLargerThanItsFileSaysIsNotTaken) {
  std::string lying = real_picture("alpha.webp");
  lying[24] = 31;  // the extended header's width, minus one
  EXPECT_THAT(refusal_of(lying), HasSubstr("two different sizes"));
}

TEST(Picture, AJpegIsReadBehindMetadataThatLooksLikeAFrame) {
  std::string jpeg = real_picture("baseline.jpg");
  // A comment that holds a frame header of 9999×9999, and fill bytes before the next marker.
  const std::string comment = std::string("\xFF\xFE", 2) + big_endian_bytes(2 + 11, 2) +
                              std::string("\xFF\xC0\x00\x11\x08\x27\x0F\x27\x0F\x03\x01", 11) + "\xFF\xFF";
  jpeg.insert(2, comment);
  const auto info = check_picture("a", jpeg);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->size, (Size{48, 32}));
}

TEST(Picture, AJpegThatNothingHereCanDrawIsRefused) {
  std::string jpeg = real_picture("baseline.jpg");
  const size_t frame = jpeg.find("\xFF\xC0");
  jpeg[frame + 1] = static_cast<char>(0xC9);
  EXPECT_THAT(refusal_of(jpeg), HasSubstr("lossless or arithmetic"));
  jpeg[frame + 1] = static_cast<char>(0xDA);
  EXPECT_THAT(refusal_of(jpeg), HasSubstr("damaged JPEG"));
}

}  // namespace
}  // namespace vitrine::commerce
