// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/photo.h"

#include <sys/stat.h>

#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"
#include "tests/overlay/test_photos.h"

namespace vitrine::overlay {
namespace {

using test::Rgb;
using Crop = PhotoStore::Crop;

/// Red on the left half, green above right, blue below right: every turn and mirror looks different.
Rgb signpost(Size size, int x, int y) {
  if (x < size.width / 2) return {200, 20, 20};
  return y < size.height / 2 ? Rgb{20, 200, 20} : Rgb{20, 20, 200};
}
test::Paint signpost_of(Size size) {
  return [size](int x, int y) { return signpost(size, x, y); };
}

char name_of(Rgb color) {
  if (color.red > 120) return 'r';
  return color.green > color.blue ? 'g' : 'b';
}
/// Colours of the four quarters, row by row.
std::string quarters(const test::Decoded& picture) {
  const int w = picture.size.width;
  const int h = picture.size.height;
  return {name_of(picture.at(w / 4, h / 4)), name_of(picture.at(3 * w / 4, h / 4)),
          name_of(picture.at(w / 4, 3 * h / 4)), name_of(picture.at(3 * w / 4, 3 * h / 4))};
}

class PhotoTest : public testing::Test {
 protected:
  test::Decoded fit(const std::string& name, Size box, Crop crop = Crop::kCover) {
    const auto photo = store.fit(name, box, crop);
    EXPECT_TRUE(photo) << photo.error().message;
    return photo ? test::decode_uri((*photo)->data_uri) : test::Decoded{};
  }
  std::string refusal(const std::string& name) {
    const auto photo = store.fit(name, {64, 64}, Crop::kCover);
    EXPECT_FALSE(photo) << name;
    return photo ? "" : photo.error().message;
  }
  fakes::TempDir media;
  PhotoStore store{{media.path()}};
};

TEST_F(PhotoTest, DecodesEachFormatByItsBytesWhateverItsName) {
  const Size size{80, 40};
  (void)media.write("a.txt", test::png_of(size, signpost_of(size)));
  (void)media.write("b.png", test::jpeg_of(size, signpost_of(size)));
  (void)media.write("c.jpg", test::webp_of(size, signpost_of(size)));
  for (const auto* name : {"a.txt", "b.png", "c.jpg"})
    EXPECT_EQ(quarters(fit(name, {40, 20})), "rgrb") << name;
}

TEST_F(PhotoTest, CoverFillsTheBoxAndCropsTheMiddle) {
  const Size size{120, 40};
  (void)media.write("wide.png", test::png_of(size, [](int x, int) {
                      return x < 40 ? Rgb{200, 0, 0} : x < 80 ? Rgb{0, 200, 0} : Rgb{0, 0, 200};
                    }));
  const auto cropped = fit("wide.png", {32, 32});
  EXPECT_EQ(cropped.size, (Size{32, 32}));
  for (const int x : {1, 16, 30}) EXPECT_EQ(name_of(cropped.at(x, 16)), 'g') << x;
}

TEST_F(PhotoTest, ContainShowsAllInsideTheBox) {
  const Size size{120, 40};
  (void)media.write("wide.png", test::png_of(size, signpost_of(size)));
  const auto whole = fit("wide.png", {60, 60}, Crop::kContain);
  EXPECT_EQ(whole.size, (Size{60, 20}));
  EXPECT_EQ(quarters(whole), "rgrb");
}

TEST_F(PhotoTest, TurnsAPhonesPhotoUpright) {
  const Size size{80, 40};
  const std::string jpeg = test::jpeg_of(size, signpost_of(size));
  // Source: EXIF 2.32, 4.6.4, Orientation. What each value makes of "left half red, green above blue".
  const std::map<int, std::string> expected{{1, "rgrb"}, {2, "grbr"}, {3, "brgr"}, {4, "rbrg"},
                                            {5, "rrgb"}, {6, "rrbg"}, {7, "bgrr"}, {8, "gbrr"}};
  for (const auto& [orientation, turned] : expected) {
    const std::string name = std::to_string(orientation) + ".jpg";
    (void)media.write(name, test::with_orientation(jpeg, orientation));
    const Size box = orientation >= 5 ? Size{40, 80} : Size{80, 40};
    const auto picture = fit(name, box, Crop::kContain);
    EXPECT_EQ(picture.size, box) << orientation;
    EXPECT_EQ(quarters(picture), turned) << orientation;
  }
}

TEST_F(PhotoTest, RefusesWhatIsNoPhoto) {
  (void)media.write("page.png", "<html></html>");
  (void)media.write("drawing.png", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"99\" height=\"99\"/>");
  (void)media.write("moving.png", "GIF89a\x20\0\x20\0");
  (void)media.write("empty.png", "");
  (void)media.write("magic.png", "\x89PNG\r\n\x1a\n");
  (void)media.write("magic.jpg", "\xFF\xD8\xFF");
  (void)media.write("magic.webp", "RIFF\x10\0\0\0WEBPVP8 ");
  for (const auto* name : {"page.png", "drawing.png", "moving.png"})
    EXPECT_NE(refusal(name).find("first bytes"), std::string::npos) << name;
  EXPECT_NE(refusal("empty.png").find("0 bytes"), std::string::npos);
  for (const auto* name : {"magic.png", "magic.jpg", "magic.webp"}) refusal(name);
}

TEST_F(PhotoTest, RefusesBombsBeforeTheyAreDecoded) {
  (void)media.write("bomb.png", test::png_bomb(60'000, 60'000));
  (void)media.write("long.png", test::png_bomb(0x7FFFFFFF, 1));
  (void)media.write("none.png", test::png_bomb(0, 0));
  EXPECT_NE(refusal("bomb.png").find("60000 x 60000"), std::string::npos);
  refusal("long.png");
  refusal("none.png");
  std::string jpeg = test::jpeg_of({64, 64}, signpost_of({64, 64}));
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xEA\x60\xEA\x60");  // 60000 lines of 60000 samples
  (void)media.write("bomb.jpg", jpeg);
  EXPECT_NE(refusal("bomb.jpg").find("60000 x 60000"), std::string::npos);
}

TEST_F(PhotoTest, RefusesAFileThatIsTooLarge) {
  const auto path = media.write("large.png", test::png_of({64, 64}, signpost_of({64, 64})));
  ASSERT_EQ(::truncate(path.c_str(), (16 << 20) + 1), 0);
  EXPECT_NE(refusal("large.png").find("16777217 bytes"), std::string::npos);
}

TEST_F(PhotoTest, RefusesAPictureOfOnePixel) {
  (void)media.write("dot.png", test::png_of({1, 1}, signpost_of({1, 1})));
  (void)media.write("dot.webp", test::webp_of({1, 1}, signpost_of({1, 1})));
  EXPECT_NE(refusal("dot.png").find("1 x 1"), std::string::npos);
  EXPECT_NE(refusal("dot.webp").find("1 x 1"), std::string::npos);
}

TEST_F(PhotoTest, RefusesAPhotoCutOffAnywhere) {
  const Size size{200, 160};
  const auto noisy = [](int x, int y) {
    return Rgb{static_cast<uint8_t>(x * 7 + y), static_cast<uint8_t>(x ^ y), static_cast<uint8_t>(x * y)};
  };
  for (const auto& [name, file] : {std::pair<std::string, std::string>{"c.png", test::png_of(size, noisy)},
                                   {"c.jpg", test::jpeg_of(size, noisy)},
                                   {"c.webp", test::webp_of(size, noisy)}}) {
    for (const double part : {0.2, 0.5, 0.9}) {
      (void)media.write(name, file.substr(0, static_cast<size_t>(part * static_cast<double>(file.size()))));
      EXPECT_FALSE(refusal(name).empty()) << name << " " << part;
    }
  }
}

TEST_F(PhotoTest, StaysInsideItsDirectory) {
  const fakes::TempDir outside;
  const auto secret = outside.write("secret.png", test::png_of({64, 64}, signpost_of({64, 64})));
  std::filesystem::create_symlink(secret, media.path() / "link.png");
  std::filesystem::create_directory_symlink(outside.path(), media.path() / "dir");
  std::filesystem::create_directory(media.path() / "sub");
  for (const auto& name : {std::string("link.png"), std::string("dir/secret.png"),
                           "sub/../../" + outside.path().filename().string() + "/secret.png", secret.string(),
                           std::string("/proc/self/root") + secret.string(), std::string("..")}) {
    EXPECT_FALSE(store.fit(name, {64, 64}, Crop::kCover)) << name;
  }
}

TEST_F(PhotoTest, DoesNotWaitForAPipeOrReadADirectory) {
  ASSERT_EQ(::mkfifo((media.path() / "pipe.png").c_str(), 0600), 0);
  std::filesystem::create_directory(media.path() / "dir.png");
  EXPECT_NE(refusal("pipe.png").find("regular"), std::string::npos);
  EXPECT_NE(refusal("dir.png").find("regular"), std::string::npos);
  EXPECT_NE(refusal("missing.png").find(media.path().string()), std::string::npos)
      << "where it was looked for";
}

TEST_F(PhotoTest, LooksInEachDirectoryInOrder) {
  const fakes::TempDir theme;
  (void)theme.write("both.png", test::png_of({64, 64}, [](int, int) { return Rgb{200, 0, 0}; }));
  (void)theme.write("theme.png", test::png_of({64, 64}, [](int, int) { return Rgb{0, 200, 0}; }));
  (void)media.write("both.png", test::png_of({64, 64}, [](int, int) { return Rgb{0, 0, 200}; }));
  PhotoStore two({media.path(), theme.path()});
  EXPECT_EQ(name_of(test::decode_uri((*two.fit("both.png", {32, 32}, Crop::kCover))->data_uri).at(9, 9)),
            'b');
  EXPECT_EQ(name_of(test::decode_uri((*two.fit("theme.png", {32, 32}, Crop::kCover))->data_uri).at(9, 9)),
            'g');
}

TEST_F(PhotoTest, RemembersAPhotoUntilItsFileChanges) {
  (void)media.write("p.png", test::png_of({64, 64}, [](int, int) { return Rgb{200, 0, 0}; }));
  const auto first = *store.fit("p.png", {32, 32}, Crop::kCover);
  EXPECT_EQ(*store.fit("p.png", {32, 32}, Crop::kCover), first);
  EXPECT_NE(*store.fit("p.png", {33, 32}, Crop::kCover), first);
  EXPECT_NE(*store.fit("p.png", {32, 32}, Crop::kContain), first);
  (void)media.write("p.png", test::png_of({66, 64}, [](int, int) { return Rgb{0, 0, 200}; }));
  EXPECT_EQ(name_of(test::decode_uri((*store.fit("p.png", {32, 32}, Crop::kCover))->data_uri).at(9, 9)), 'b');
}

}  // namespace
}  // namespace vitrine::overlay
