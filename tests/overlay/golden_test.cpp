// SPDX-License-Identifier: Apache-2.0
// Every template with every sample in every form and orientation, and whole scenes as they go on air,
// against pictures that somebody looked at. VITRINE_UPDATE_GOLDEN=1 writes them anew; then look at them.
#include <algorithm>
#include <cairo.h>
#include <filesystem>
#include <set>
#include <stdlib.h>
#include <time.h>
#include <zbar.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libyuv/convert_argb.h>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "core/shared_memory.h"
#include "overlay/mixer.h"
#include "overlay/render/tile_maker.h"
#include "tests/fakes/temp_dir.h"
#include "tests/overlay/test_tile.h"

namespace vitrine::overlay {
namespace {

namespace fs = std::filesystem;

const fs::path kThemes = fs::path(VITRINE_SOURCE_DIR) / "themes";
const fs::path kGolden = fs::path(VITRINE_SOURCE_DIR) / "tests/overlay/golden";
const fs::path kActual = VITRINE_ACTUAL_DIR;  // what differed, for the person who looks

// The pictures come from one version of Cairo, Pango, FreeType and the fonts (Debian 12). Tolerance: edges
// may differ by a few levels between processors; more than one pixel in a thousand off by more than 10 of 255
// is another picture.
constexpr int kLevels = 10;
constexpr double kShare = 0.001;

struct Surface {
  explicit Surface(cairo_surface_t* surface) : owned(surface) {}
  struct Destroy {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  };
  [[nodiscard]] Size size() const {
    return {cairo_image_surface_get_width(owned.get()), cairo_image_surface_get_height(owned.get())};
  }
  [[nodiscard]] const uint8_t* row(int y) const {
    return cairo_image_surface_get_data(owned.get()) +
           static_cast<ptrdiff_t>(y) * cairo_image_surface_get_stride(owned.get());
  }
  std::unique_ptr<cairo_surface_t, Destroy> owned;
};

Surface from_pixels(const uint8_t* data, int stride_bytes, Size size) {
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, size.width, size.height));
  for (int y = 0; y < size.height; ++y) {
    std::copy_n(data + static_cast<ptrdiff_t>(y) * stride_bytes, static_cast<size_t>(size.width) * 4,
                cairo_image_surface_get_data(surface.owned.get()) +
                    static_cast<ptrdiff_t>(y) * cairo_image_surface_get_stride(surface.owned.get()));
  }
  cairo_surface_mark_dirty(surface.owned.get());
  return surface;
}

void expect_golden(const std::string& name, const Surface& actual) {
  const fs::path path = kGolden / (name + ".png");
  if (::getenv("VITRINE_UPDATE_GOLDEN") != nullptr) {
    fs::create_directories(kGolden);
    ASSERT_EQ(cairo_surface_write_to_png(actual.owned.get(), path.c_str()), CAIRO_STATUS_SUCCESS);
    return;
  }
  const Surface golden(cairo_image_surface_create_from_png(path.c_str()));
  ASSERT_EQ(cairo_surface_status(golden.owned.get()), CAIRO_STATUS_SUCCESS) << "no " << path;
  int64_t different = 0;
  const Size size = actual.size();
  if (golden.size() == size) {
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        int worst = 0;
        for (int c = 0; c < 4; ++c)
          worst = std::max(worst, std::abs(actual.row(y)[4 * x + c] - golden.row(y)[4 * x + c]));
        different += worst > kLevels ? 1 : 0;
      }
    }
  }
  const auto pixels = static_cast<double>(size.width) * size.height;
  if (golden.size() == size && static_cast<double>(different) <= kShare * pixels) return;
  fs::create_directories(kActual);
  cairo_surface_write_to_png(actual.owned.get(), (kActual / (name + ".png")).c_str());
  ADD_FAILURE() << different << " pixels differ from " << path << "; what was drawn is "
                << kActual / (name + ".png");
}

struct Picture {
  std::string template_name;
  std::string sample;
  Orientation orientation;
  LayerForm form;

  [[nodiscard]] Size canvas() const {
    return orientation == Orientation::kPortrait ? Size{1080, 1920} : Size{1920, 1080};
  }
  [[nodiscard]] std::string name() const {
    return fmt::format("{}.{}.{}.{}", template_name, sample,
                       orientation == Orientation::kPortrait ? "portrait" : "landscape", to_string(form));
  }
};

TileSpec spec_of(const Picture& picture) {
  const std::string file = picture.template_name + "." + picture.sample + ".json";
  return {"classic", picture.template_name, picture.canvas(), picture.form,
          *parse_json(fakes::read_file(kThemes / "classic/samples" / file), 1 << 20)};
}

std::vector<Picture> every_picture() {
  std::vector<Picture> pictures;
  for (const auto& entry : fs::directory_iterator(kThemes / "classic/samples")) {
    const std::string stem = entry.path().stem().string();
    const std::string name = stem.substr(0, stem.find('.'));
    const auto manifest =
        parse_manifest(fakes::read_file(kThemes / "classic" / (name + ".toml")), name, name + ".toml");
    if (!manifest) continue;  // the theme's own check says so
    for (const auto orientation : {Orientation::kLandscape, Orientation::kPortrait}) {
      for (const auto form : manifest->forms)
        pictures.push_back({name, stem.substr(name.size() + 1), orientation, form});
    }
  }
  std::ranges::sort(pictures, {}, &Picture::name);
  return pictures;
}

class GoldenTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("TZ", "Asia/Shanghai", 1);
    ::tzset();
  }
  TileMaker::Drawn draw(const Picture& picture, std::optional<Size> canvas = {}) {
    TileSpec spec = spec_of(picture);
    spec.canvas = canvas.value_or(spec.canvas);
    auto drawn = maker.draw(spec, *parse_rfc3339("2026-11-11T12:00:00Z"));
    EXPECT_TRUE(drawn) << (drawn ? "" : drawn.error().front().text());
    return drawn ? std::move(*drawn) : TileMaker::Drawn{};
  }
  TileMaker maker{{kThemes, kThemes / "classic/media"}};
};

class EveryPictureTest : public GoldenTest, public testing::WithParamInterface<Picture> {};

TEST_P(EveryPictureTest, LooksAsItWasSeen) {
  const auto drawn = draw(GetParam());
  ASSERT_FALSE(drawn.is_blank);
  expect_golden(GetParam().name(),
                from_pixels(drawn.pixmap.data(), drawn.pixmap.stride_bytes(), drawn.pixmap.size()));
}

INSTANTIATE_TEST_SUITE_P(Classic, EveryPictureTest, testing::ValuesIn(every_picture()),
                         [](const auto& tested) {
                           std::string name = tested.param.name();
                           std::ranges::replace_if(
                               name, [](char c) { return c == '.' || c == '-'; }, '_');
                           return name;
                         });

TEST_F(GoldenTest, NoPictureIsLeftOfWhatIsGone) {
  std::set<std::string> known;
  for (const auto* scene : {"scene", "scene.deposit", "scene.vote"}) {
    for (const auto* orientation : {"landscape", "portrait"})
      known.insert(fmt::format("{}.{}", scene, orientation));
  }
  for (const auto& picture : every_picture()) known.insert(picture.name());
  for (const auto& entry : fs::directory_iterator(kGolden))
    EXPECT_TRUE(known.contains(entry.path().stem().string())) << entry.path();
}

/// The whole way: template to tile, tile onto a canvas in I420, and back to RGB by libyuv's own matrix.
class SceneTest : public GoldenTest {
 protected:
  /// Where on the canvas something of the picture is seen.
  static Rect seen(const TileMaker::Drawn& drawn, const Rect& part) {
    return {part.x + drawn.origin.x, part.y + drawn.origin.y, part.width, part.height};
  }

  /// Draws the pictures over a grey canvas; none may lie over another.
  test::TestPicture compose(Size size, const std::vector<Picture>& pictures) {
    test::TestPicture canvas(size);
    canvas.fill([&](int plane, int, int row) {
      return static_cast<uint8_t>(plane != 0 ? 128 : 110 + 60 * row / size.height);
    });
    const Mixer mixer(size);
    std::vector<Rect> others;
    for (const auto& picture : pictures) {
      const auto drawn = draw(picture, size);
      const auto pixels = to_tile_pixels(drawn.pixmap);
      const Rect rect = seen(drawn, pixels.part);
      for (size_t i = 0; i < others.size(); ++i) {
        EXPECT_FALSE(rect.x < others[i].x + others[i].width && others[i].x < rect.x + rect.width &&
                     rect.y < others[i].y + others[i].height && others[i].y < rect.y + rect.height)
            << picture.name() << " lies over " << pictures[i].name();
      }
      others.push_back(rect);
      const auto tile = Tile::open(std::move(*create_immutable_memfd("tile", pixels.planes)), rect);
      if (tile) mixer.blend(canvas.view, **tile, {rect.x, rect.y});
      EXPECT_TRUE(tile) << tile.error().message;
    }
    return canvas;
  }

  void expect_scene(const std::string& name, const std::vector<Picture>& pictures) {
    const Size size = pictures.front().canvas();
    const auto canvas = compose(size, pictures);
    std::vector<uint8_t> argb(static_cast<size_t>(size.width) * static_cast<size_t>(size.height) * 4);
    libyuv::I420ToARGBMatrix(canvas.view.y.data, canvas.view.y.stride_bytes, canvas.view.u.data,
                             canvas.view.u.stride_bytes, canvas.view.v.data, canvas.view.v.stride_bytes,
                             argb.data(), size.width * 4, &libyuv::kYuvH709Constants, size.width,
                             size.height);
    expect_golden(name, from_pixels(argb.data(), size.width * 4, size));
  }
};

TEST_F(SceneTest, LandscapeOnAir) {
  constexpr auto kWide = Orientation::kLandscape;
  expect_scene("scene.landscape", {{"shop_name", "shop", kWide, LayerForm::kNormal},
                                   {"certificate", "water", kWide, LayerForm::kNormal},
                                   {"product_card", "water", kWide, LayerForm::kNormal},
                                   {"countdown", "minutes", kWide, LayerForm::kNormal},
                                   {"licence", "shop", kWide, LayerForm::kNormal}});
}

TEST_F(SceneTest, PortraitOnAir) {
  constexpr auto kTall = Orientation::kPortrait;
  expect_scene("scene.portrait", {{"shop_name", "shop", kTall, LayerForm::kNormal},
                                  {"licence", "shop", kTall, LayerForm::kNormal},
                                  {"certificate", "water", kTall, LayerForm::kNormal},
                                  {"countdown", "minutes", kTall, LayerForm::kNormal},
                                  {"product_card", "long-name", kTall, LayerForm::kNormal}});
}

constexpr std::array kBothOrientations = {Orientation::kLandscape, Orientation::kPortrait};

std::string scene_name(const std::string& name, Orientation orientation) {
  return name + (orientation == Orientation::kPortrait ? ".portrait" : ".landscape");
}

TEST_F(SceneTest, DepositOnAir) {
  for (const auto shape : kBothOrientations) {
    expect_scene(scene_name("scene.deposit", shape), {{"shop_name", "shop", shape, LayerForm::kNormal},
                                                      {"licence", "shop", shape, LayerForm::kNormal},
                                                      {"ai_notice", "host", shape, LayerForm::kNormal},
                                                      {"ticker", "three", shape, LayerForm::kNormal},
                                                      {"deposit", "teapot", shape, LayerForm::kNormal}});
  }
}

TEST_F(SceneTest, VoteOnAir) {
  for (const auto shape : kBothOrientations) {
    expect_scene(scene_name("scene.vote", shape), {{"shop_name", "shop", shape, LayerForm::kNormal},
                                                   {"licence", "shop", shape, LayerForm::kNormal},
                                                   {"ai_notice", "host", shape, LayerForm::kNormal},
                                                   {"question", "long", shape, LayerForm::kNormal},
                                                   {"vote", "four", shape, LayerForm::kNormal}});
  }
}

/// What docs/program-state.md says may be on screen together.
struct Together {
  const char* name;
  std::vector<std::pair<const char*, const char*>> pictures;  // template, its largest sample
  std::vector<Orientation> orientations;
};
class TogetherTest : public SceneTest, public testing::WithParamInterface<Together> {};

TEST_P(TogetherTest, NoneLiesOverAnother) {
  for (const auto shape : GetParam().orientations) {
    std::vector<Picture> pictures;
    for (const auto& [name, sample] : GetParam().pictures)
      pictures.push_back({name, sample, shape, LayerForm::kNormal});
    for (const auto* always : {"shop_name", "licence"})
      pictures.push_back({always, "shop", shape, LayerForm::kNormal});
    pictures.push_back({"ai_notice", "long", shape, LayerForm::kNormal});
    (void)compose(pictures.front().canvas(), pictures);
  }
}

const std::vector kUpright{Orientation::kPortrait};
const std::vector kWide{Orientation::kLandscape};
const std::vector kEither{Orientation::kLandscape, Orientation::kPortrait};
INSTANTIATE_TEST_SUITE_P(
    Classic, TogetherTest,
    testing::Values(
        Together{
            "Selling", {{"product_card", "long-name"}, {"countdown", "hours"}, {"ticker", "three"}}, kEither},
        Together{"SellingFew",
                 {{"product_card", "long-name"}, {"limited", "pears"}, {"ticker", "three"}},
                 kEither},
        Together{"SellingWithCertificate",
                 {{"product_card", "long-name"}, {"countdown", "hours"}, {"certificate", "scan"}},
                 kEither},
        Together{
            "Between", {{"mini_card", "long-name"}, {"countdown", "hours"}, {"ticker", "three"}}, kEither},
        Together{"Deposit", {{"deposit", "long-name"}, {"countdown", "hours"}, {"ticker", "three"}}, kEither},
        Together{"SellingAndQuestion",
                 {{"product_card", "water"}, {"countdown", "hours"}, {"question", "long"}},
                 kEither},
        Together{"Draw", {{"lottery", "long"}, {"ticker", "three"}}, kEither},
        Together{"VoteAndQuestion", {{"vote", "four"}, {"question", "long"}}, kEither},
        Together{"RecapAndTicker", {{"recap", "six"}, {"ticker", "three"}}, kEither},
        Together{"NextShow", {{"next_show", "long"}, {"ticker", "three"}}, kEither},
        Together{"StartingSoon", {{"starting_soon", "hours"}, {"ticker", "three"}}, kEither},
        Together{"CodeUpright", {{"qr", "long"}}, kUpright},
        Together{"WideSellingAndDraw",
                 {{"product_card", "water"},
                  {"countdown", "hours"},
                  {"certificate", "scan"},
                  {"ticker", "three"},
                  {"lottery", "long"},
                  {"question", "long"}},
                 kWide},
        Together{"WideSellingAndVote",
                 {{"product_card", "water"}, {"countdown", "hours"}, {"vote", "four"}, {"question", "long"}},
                 kWide},
        Together{
            "WideSellingAndCode", {{"product_card", "water"}, {"countdown", "hours"}, {"qr", "long"}}, kWide},
        Together{"WideRecapAndNextShow", {{"recap", "six"}, {"next_show", "long"}}, kWide}),
    [](const auto& tested) { return std::string(tested.param.name); });

/// As a viewer's phone reads it: from the luma of the canvas.
std::string scanned(const test::TestPicture& picture) {
  const Size size = picture.layout.size;
  std::vector<uint8_t> luma;
  for (int y = 0; y < size.height; ++y) {
    const uint8_t* row = picture.view.y.data + static_cast<ptrdiff_t>(y) * picture.view.y.stride_bytes;
    luma.insert(luma.end(), row, row + size.width);
  }
  zbar::Image image(static_cast<unsigned>(size.width), static_cast<unsigned>(size.height), "Y800",
                    luma.data(), luma.size());
  zbar::ImageScanner scanner;
  if (scanner.scan(image) != 1) return "(not one code)";
  return image.symbol_begin()->get_data();
}

TEST_F(SceneTest, CodeIsReadByAScanner) {
  for (const auto shape : kBothOrientations) {
    const bool is_tall = shape == Orientation::kPortrait;
    for (const auto size :
         {is_tall ? Size{1080, 1920} : Size{1920, 1080}, is_tall ? Size{720, 1280} : Size{1280, 720}}) {
      for (const auto* sample : {"group", "long"}) {
        const Picture code{"qr", sample, shape, LayerForm::kNormal};
        EXPECT_EQ(scanned(compose(size, {code})), spec_of(code).data.at("link"))
            << sample << " on " << size.width << " x " << size.height;
      }
    }
  }
}

}  // namespace
}  // namespace vitrine::overlay
