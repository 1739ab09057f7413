// SPDX-License-Identifier: Apache-2.0
// vitrine-render as a designer calls it.
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::overlay {
namespace {

namespace fs = std::filesystem;

const std::string kProgram = VITRINE_BIN_DIR "/vitrine-render";
const fs::path kThemes = fs::path(VITRINE_SOURCE_DIR) / "themes";

class OnceTest : public testing::Test {
 protected:
  fakes::Finished once(const std::string& name, const fs::path& data, std::vector<std::string> more = {}) {
    std::vector<std::string> command{kProgram,         "--once",     name,
                                     data.string(),    out.string(), "--theme-dir",
                                     kThemes.string(), "--at",       "2026-11-11T12:00:00Z"};
    command.insert(command.end(), more.begin(), more.end());
    return fakes::run(command);
  }
  static fs::path sample(const std::string& name) { return kThemes / "classic/samples" / (name + ".json"); }

  /// "width,height,pixel format", as ffprobe sees the picture; Cairo leaves out an alpha that is everywhere
  /// opaque.
  std::string probed() const {
    const auto probe = fakes::run({"ffprobe", "-v", "error", "-show_entries", "stream=width,height,pix_fmt",
                                   "-of", "csv=p=0", out.string()});
    return probe.output.substr(0, probe.output.find('\n'));
  }

  fakes::TempDir dir;
  fs::path out = dir.path() / "out.png";
};

TEST_F(OnceTest, DrawsAPictureThatOthersCanRead) {
  const auto done = once("product_card", sample("product_card.water"), {"--json"});
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_EQ(probed(), "832,248,rgba");
  const auto said = nlohmann::json::parse(done.output);
  EXPECT_EQ(said["rect"], (nlohmann::json{64, 736, 832, 248}));
  EXPECT_EQ(said["time_bound"], false);
}

TEST_F(OnceTest, SaysHowLongATimeBoundPictureIsRight) {
  const auto done = once("countdown", sample("countdown.minutes"), {"--json", "--canvas", "1080x1920"});
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_EQ(probed(), "840,96,rgba");
  const auto said = nlohmann::json::parse(done.output);
  EXPECT_EQ(said["from"], "2026-11-11T12:00:00.000Z");
  EXPECT_EQ(said["until"], "2026-11-11T12:00:01.000Z");
}

TEST_F(OnceTest, SmallerCanvasScalesThePictureAndItsPlace) {
  const auto done = once("licence", sample("licence.shop"), {"--json", "--canvas", "1280x720"});
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_EQ(probed(), "1280,48,rgb24");
  EXPECT_EQ(nlohmann::json::parse(done.output)["rect"], (nlohmann::json{0, 672, 1280, 48}));
}

TEST_F(OnceTest, SlateCoversACanvasOfAnyShape) {
  for (const auto* canvas : {"1280x720", "1080x1080", "720x1600"}) {
    const auto done = once("slate", sample("slate.default"), {"--json", "--canvas", canvas});
    ASSERT_EQ(done.exit_code, 0) << done.errors;
    std::string size = canvas;
    size.replace(size.find('x'), 1, ",");
    EXPECT_EQ(probed(), size + ",rgb24");
  }
}

TEST_F(OnceTest, RefusalNamesThePlaceAndLeavesNoPicture) {
  const auto data = dir.write("data.json", R"({"name":"水","price":{"minor":39.9,"currency":"CNY"}})");
  const auto done = once("product_card", data);
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_NE(done.errors.find("data.price.minor"), std::string::npos) << done.errors;
  EXPECT_NE(done.errors.find("39.9"), std::string::npos);
  EXPECT_FALSE(fs::exists(out));
}

struct Wrong {
  const char* name;
  std::vector<std::string> more;
  const char* says;
};
class WrongCallTest : public OnceTest, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongCallTest, IsExplained) {
  const auto done = once("product_card", sample("product_card.water"), GetParam().more);
  EXPECT_NE(done.exit_code, 0);
  EXPECT_NE((done.errors + done.output).find(GetParam().says), std::string::npos)
      << done.errors << done.output;
  EXPECT_FALSE(fs::exists(out));
}

INSTANTIATE_TEST_SUITE_P(Once, WrongCallTest,
                         testing::Values(Wrong{"Canvas", {"--canvas", "wide"}, "1920x1080"},
                                         Wrong{"CanvasTooLarge", {"--canvas", "99999x99999"}, "4096"},
                                         Wrong{"Form", {"--form", "over"}, "normal"},
                                         Wrong{"Theme", {"--theme", "night"}, "night/theme.toml"},
                                         Wrong{
                                             "ThemeFromAbove", {"--theme", "../themes/classic"}, "--theme"}),
                         [](const auto& tested) { return tested.param.name; });

TEST_F(OnceTest, FormThatATemplateDoesNotHaveIsSaid) {
  const auto done = once("licence", sample("licence.shop"), {"--form", "ended"});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_NE(done.errors.find("no form 'ended'"), std::string::npos) << done.errors;
}

TEST(CheckTheme, ClassicHasNoProblem) {
  const auto done = fakes::run({kProgram, "--check-theme", (kThemes / "classic").string()});
  EXPECT_EQ(done.exit_code, 0) << done.output << done.errors;
  EXPECT_NE(done.output.find(" 0 problems"), std::string::npos) << done.output;
}

/// Classic with one thing wrong.
class BrokenThemeTest : public testing::Test {
 protected:
  void SetUp() override { fs::copy(kThemes / "classic", theme, fs::copy_options::recursive); }
  void replace(const std::string& file, const std::string& from, const std::string& to) {
    std::string text = fakes::read_file(theme / file);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    (void)dir.write("classic/" + file, text);
  }
  std::string checked() {
    const auto done = fakes::run({kProgram, "--check-theme", theme.string()});
    EXPECT_EQ(done.exit_code, 1) << done.output << done.errors;
    return done.output;
  }
  fakes::TempDir dir;
  const fs::path theme = dir.path() / "classic";
};

TEST_F(BrokenThemeTest, EveryProblemOfEveryFileIsPrinted) {
  replace("product_card.landscape.svg", "{reference_basis}", "{reference_bases}");
  replace("countdown.portrait.svg", "<rect", "<script/><rect");
  replace("licence.toml", "required = true", "required = \"yes\"");
  const std::string output = checked();
  EXPECT_NE(output.find("product_card.landscape.svg:"), std::string::npos) << output;
  EXPECT_NE(output.find("{reference_bases}"), std::string::npos) << output;
  EXPECT_NE(output.find("countdown.portrait.svg:"), std::string::npos) << output;
  EXPECT_NE(output.find("licence.toml:"), std::string::npos) << output;
}

TEST_F(BrokenThemeTest, PixelsUnderThePlatformsButtonsAreFound) {
  replace("product_card.toml", "margin = [48, 1008]", "margin = [200, 1008]");
  EXPECT_NE(checked().find("the platform's buttons"), std::string::npos);
}

TEST_F(BrokenThemeTest, TextTooSmallToReadIsFound) {
  replace("slate.landscape.svg", "font-size=\"48\"", "font-size=\"18\"");
  EXPECT_NE(checked().find("18 px"), std::string::npos);
}

TEST_F(BrokenThemeTest, TextDrawnWiderThanMeasuredIsFound) {
  // A property that moves glyphs and that the engine does not measure.
  replace("slate.landscape.svg", "id=\"shop\"", "id=\"shop\" word-spacing=\"40\" transform=\"scale(1.2 1)\"");
  EXPECT_NE(checked().find("measured"), std::string::npos);
}

TEST_F(BrokenThemeTest, TemplateWithoutASampleIsFound) {
  fs::remove(theme / "samples/shop_name.shop.json");
  EXPECT_NE(checked().find("samples/shop_name."), std::string::npos);
}

}  // namespace
}  // namespace vitrine::overlay
