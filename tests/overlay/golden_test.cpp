// SPDX-License-Identifier: Apache-2.0
// Every template with every sample in every form and orientation, and two whole scenes as they go on air,
// against pictures that somebody looked at. VITRINE_UPDATE_GOLDEN=1 writes them anew; then look at them.
#include <algorithm>
#include <cairo.h>
#include <filesystem>
#include <map>
#include <stdlib.h>
#include <time.h>

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
  TileMaker::Drawn draw(const Picture& picture) {
    auto drawn = maker.draw(spec_of(picture), *parse_rfc3339("2026-11-11T12:00:00Z"));
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
  std::map<std::string, int> known{{"scene.landscape", 1}, {"scene.portrait", 1}};
  for (const auto& picture : every_picture()) known[picture.name()] = 1;
  for (const auto& entry : fs::directory_iterator(kGolden))
    EXPECT_TRUE(known.contains(entry.path().stem().string())) << entry.path();
}

/// The whole way: template to tile, tile onto a canvas in I420, and back to RGB by libyuv's own matrix.
class SceneTest : public GoldenTest {
 protected:
  void expect_scene(const std::string& name, const std::vector<Picture>& pictures) {
    const Size size = pictures.front().canvas();
    test::TestPicture canvas(size);
    canvas.fill([&](int plane, int, int row) {
      return static_cast<uint8_t>(plane != 0 ? 128 : 110 + 60 * row / size.height);
    });
    const Mixer mixer(size);
    for (const auto& picture : pictures) {
      const auto drawn = draw(picture);
      const auto pixels = to_tile_pixels(drawn.pixmap);
      const Rect rect{pixels.part.x + drawn.origin.x, pixels.part.y + drawn.origin.y, pixels.part.width,
                      pixels.part.height};
      const auto tile = Tile::open(std::move(*create_immutable_memfd("tile", pixels.planes)), rect);
      ASSERT_TRUE(tile) << tile.error().message;
      mixer.blend(canvas.view, **tile, {rect.x, rect.y});
    }
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

}  // namespace
}  // namespace vitrine::overlay
