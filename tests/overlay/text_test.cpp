// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "overlay/render/rasterizer.h"
#include "overlay/render/text_fit.h"
#include "overlay/render/text_shaper.h"
#include "tests/overlay/template_bench.h"

namespace vitrine::overlay {
namespace {

const TextStyle kSans{"Noto Sans CJK SC", 40, 400, false, 0};

struct Shaped {
  const char* name;
  const char* text;
  TextStyle style;
};
class ShapedTest : public testing::TestWithParam<Shaped> {};

TEST_P(ShapedTest, InkStandsWhereLibrsvgDrawsIt) {
  const auto& [name, text, style] = GetParam();
  const std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2000 200\"><text id=\"t\" x=\"100\" y=\"100\" "
      "xml:space=\"preserve\" "
      "font-family=\"{}\" font-size=\"{}\" font-weight=\"{}\" font-style=\"{}\" "
      "letter-spacing=\"{}\">{}</text></svg>",
      style.family, style.size_px, style.weight, style.is_italic ? "italic" : "normal",
      style.letter_spacing_px, text);
  const auto drawn = logical_box(svg, "t", {0, 0, 2000, 200});
  ASSERT_TRUE(drawn) << drawn.error().message;
  TextShaper shaper;
  const auto ink = shaper.ink(text, style);
  EXPECT_NEAR(drawn->x, 100 + ink.begin, 0.5);
  EXPECT_NEAR(drawn->x + drawn->width, 100 + ink.end, 0.5);
}

TEST_P(ShapedTest, AdvanceIsWhereLibrsvgPutsWhatFollows) {
  const auto& [name, text, style] = GetParam();
  // A second run without spacing begins where the first one's advance ends.
  const std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2000 200\"><text x=\"100\" y=\"100\" "
      "xml:space=\"preserve\" id=\"t\" "
      "font-family=\"{0}\" font-size=\"{1}\" font-weight=\"{2}\" font-style=\"{3}\"><tspan "
      "letter-spacing=\"{4}\">{5}</tspan><tspan>国</tspan></text></svg>",
      style.family, style.size_px, style.weight, style.is_italic ? "italic" : "normal",
      style.letter_spacing_px, text);
  const auto drawn = logical_box(svg, "t", {0, 0, 2000, 200});
  ASSERT_TRUE(drawn) << drawn.error().message;
  TextShaper shaper;
  TextStyle plain = style;
  plain.letter_spacing_px = 0;
  EXPECT_NEAR(drawn->x + drawn->width, 100 + shaper.width(text, style) + shaper.ink("国", plain).end, 0.5);
}

INSTANTIATE_TEST_SUITE_P(
    TextShaper, ShapedTest,
    testing::Values(Shaped{"Chinese", "长白山天然矿泉水", kSans},
                    Shaped{"Figures", "¥39.9", {"Noto Sans CJK SC", 72, 700, false, 0}},
                    Shaped{"Mixed", "500 ml × 24 瓶 · 整箱", {"Noto Sans CJK SC", 28, 400, false, 0}},
                    Shaped{"Serif", "编号 W2026-11-0457", {"Noto Serif CJK SC", 27, 400, false, 0}},
                    Shaped{"Latin", "AVAToWa fifty", {"DejaVu Sans", 33.3, 400, false, 0}},
                    Shaped{"Spaced", "直播价 39", {"Noto Sans CJK SC", 40, 400, false, 6}},
                    Shaped{"Tightened", "橱窗 Vitrine", {"Noto Sans CJK SC", 40, 700, false, -1.5}},
                    Shaped{"Small", "销售方 老李生鲜", {"Noto Sans CJK SC", 13.5, 400, false, 0}}),
    [](const auto& tested) { return tested.param.name; });

TEST(TextShaper, FiguresOfTheThemesFontAreTabular) {
  TextShaper shaper;
  for (const int weight : {400, 700}) {
    const TextStyle style{"Noto Sans CJK SC", 100, weight, false, 0};
    for (const auto* digit : {"1", "4", "7", "9"})
      EXPECT_DOUBLE_EQ(shaper.width(digit, style), shaper.width("0", style));
  }
}

TEST(TextShaper, BreaksChineseBetweenCharactersButNotBeforePunctuation) {
  TextShaper shaper;
  const auto lines = shaper.break_lines("今天的水，真的很甜。", kSans, 4.5 * 40);
  ASSERT_GE(lines.size(), 3U);
  for (const auto& line : lines) {
    EXPECT_FALSE(line.starts_with("，") || line.starts_with("。")) << line;
    EXPECT_LE(shaper.width(line, kSans), 4.5 * 40 + 40) << "hanging punctuation at most";
  }
}

TEST(TextShaper, KeepsLatinWordsWholeWhereTheyFit) {
  TextShaper shaper;
  const auto lines =
      shaper.break_lines("organic mountain water", kSans, shaper.width("organic mountain", kSans) + 1);
  EXPECT_EQ(lines, (std::vector<std::string>{"organic mountain", "water"}));
}

TEST(TextShaper, EllipsisFitsAndLeavesWholeNumbersAndNoSeparators) {
  TextShaper shaper;
  const auto cut = [&](const char* text, double room) {
    const auto result = shaper.ellipsized(text, kSans, room);
    EXPECT_LE(shaper.width(result, kSans), room + 0.01) << result;
    EXPECT_TRUE(result.ends_with("…")) << result;
    return result;
  };
  EXPECT_EQ(cut("长白山天然矿泉水", shaper.width("长白山…", kSans) + 1), "长白山…");
  // There is room for one digit of two, and a number cut in two is another number.
  EXPECT_EQ(cut("500 ml × 24 瓶", shaper.width("500 ml × 2…", kSans) + 1), "500 ml…");
  EXPECT_EQ(cut("净重 5 斤 · 坏果包赔", shaper.width("净重 5 斤 · …", kSans) + 1), "净重 5 斤…");
}

TEST(TextShaper, EllipsisDoesNotCutACharacterInTwo) {
  TextShaper shaper;
  // e with a combining acute: one character to people, two to Unicode.
  const auto cut = shaper.ellipsized("caf\x65\xCC\x81s", kSans, shaper.width("cafe…", kSans) + 1);
  EXPECT_TRUE(cut == "caf\x65\xCC\x81…" || cut == "caf…") << cut;
}

TEST(TextShaper, KnowsWhatItsFontsCannotDraw) {
  TextShaper shaper;
  EXPECT_TRUE(shaper.has_all_glyphs("长白山 ¥39.9 × “好”", kSans));
  EXPECT_FALSE(shaper.has_all_glyphs("\xF3\xB0\x80\x80", kSans));  // private use
  EXPECT_TRUE(shaper.has_family("Noto Serif CJK SC"));
  EXPECT_FALSE(shaper.has_family("PingFang SC of another box"));
}

class FitTest : public testing::Test {
 protected:
  void SetUp() override {
    rule.min_size_px = 20;
    rule.wrap_size_px = 40;
    rule.may_be_cut = true;
  }
  Result<SetText> fit(const char* text, double room) {
    rule.runs = {{0, 0, TextSource(std::string(text)), kSans}};
    return fit_text(rule, {{&rule.runs[0], text}}, room, shaper);
  }
  static std::vector<std::string> lines_of(const SetText& set) {
    std::vector<std::string> lines;
    for (const auto& line : set.lines) lines.push_back(line.at(0).text);
    return lines;
  }
  TextShaper shaper;
  TextRule rule{};
};

TEST_F(FitTest, LeavesWhatFits) {
  const auto set = fit("长白山", 200);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->scale, 1);
  EXPECT_NEAR(set->width, 120, 0.1);
}

TEST_F(FitTest, ShrinksNoMoreThanNeeded) {
  const auto set = fit("长白山天然", 150);
  ASSERT_TRUE(set);
  EXPECT_NEAR(set->scale * 40, 30, 0.51);
  EXPECT_LE(set->width, 150.1);
  EXPECT_EQ(lines_of(*set), std::vector<std::string>{"长白山天然"});
}

TEST_F(FitTest, CutsAtTheLeastSize) {
  const auto set = fit("长白山天然矿泉水二十四瓶", 100);
  ASSERT_TRUE(set);
  EXPECT_NEAR(set->scale * 40, 20, 0.01);
  EXPECT_EQ(lines_of(*set), std::vector<std::string>{"长白山天…"});
}

TEST_F(FitTest, RefusesToCutFigures) {
  rule.may_be_cut = false;
  const auto set = fit("¥1299999.99", 60);
  ASSERT_FALSE(set);
  EXPECT_NE(set.error().message.find("¥1299999.99"), std::string::npos);
}

TEST_F(FitTest, WrapsAtOnceWhereNothingElseIsSaid) {
  rule.max_lines = 2;
  const auto set = fit("长白山天然矿泉水", 170);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->scale, 1);
  EXPECT_EQ(lines_of(*set), (std::vector<std::string>{"长白山天", "然矿泉水"}));
}

TEST_F(FitTest, ShrinksToItsWrapSizeBeforeItWraps) {
  rule.max_lines = 2;
  rule.wrap_size_px = 25;
  const auto one = fit("长白山天然", 150);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->lines.size(), 1U);
  const auto two = fit("长白山天然矿泉水", 150);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->lines.size(), 2U);
  EXPECT_NEAR(two->scale * 40, 25, 0.01);
}

TEST_F(FitTest, CutsTheLastOfItsLines) {
  rule.max_lines = 2;
  const auto set = fit("长白山天然矿泉水二十四瓶整箱包邮到家", 100);
  ASSERT_TRUE(set);
  EXPECT_EQ(lines_of(*set), (std::vector<std::string>{"长白山天然", "矿泉水二…"}));
}

TEST_F(FitTest, NothingFitsIntoNothing) {
  EXPECT_FALSE(fit("长白山", 5)) << "not even an ellipsis";
  rule.max_lines = 2;
  rule.may_be_cut = false;
  EXPECT_FALSE(fit("长白山", -10));
}

}  // namespace
}  // namespace vitrine::overlay
