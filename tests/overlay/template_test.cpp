// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/template.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/overlay/template_bench.h"

namespace vitrine::overlay {
namespace {

using namespace std::chrono_literals;
using test::all_texts;
using test::TemplateBench;

constexpr const char* kFieldsOfTheTemplates = R"(
[fields.name]
type = "text"
[fields.unit]
type = "text"
[fields.price]
type = "money"
[fields.stock]
type = "integer"
[fields.total]
type = "integer"
[fields.ends_at]
type = "instant"
[fields.opens_at]
type = "instant"
[fields.photo]
type = "image"
[fields.sold_out]
type = "boolean"
[fields.lines]
type = "list"
[fields.link]
type = "link"
[fields.options]
type = "rows"
[fields.options.fields.name]
type = "text"
[fields.options.fields.percent]
type = "integer"
)";

class TemplateTest : public testing::Test {
 protected:
  /// Why a template is refused; "" when it is not.
  std::string refusal(const std::string& body) {
    const auto compiled = bench.compile(body);
    return compiled ? "" : all_texts(compiled.error());
  }
  TemplateBench bench{kFieldsOfTheTemplates};
};

TEST_F(TemplateTest, PutsDataIntoText) {
  const auto& drawn = bench.drawn(
      R"(<text id="t" data-text="剩 {stock} {unit}" x="10" y="50" font-size="30">剩 126 箱</text>)",
      R"({"stock":9,"unit":"袋"})");
  EXPECT_EQ(TemplateBench::text_of(drawn, "t"), "剩 9 袋");
}

TEST_F(TemplateTest, DataCannotBecomeMarkup) {
  const auto& drawn = bench.drawn(R"(<text id="t" data-text="{name}" x="10" y="50" font-size="30">x</text>)",
                                  R"({"name":"</text><script>&lt;\"'"})");
  EXPECT_EQ(TemplateBench::text_of(drawn, "t"), "</text><script>&lt;\"'");
}

TEST_F(TemplateTest, TextOfAnAbsentFieldIsNotDrawn) {
  const auto& drawn = bench.drawn(R"(<text id="a" data-text="{name}" x="1" y="50" font-size="30">x</text>
    <text id="b" x="1" y="90" font-size="30"><tspan>价 </tspan><tspan data-text="{price}">¥1</tspan></text>)",
                                  "{}");
  EXPECT_EQ(TemplateBench::text_of(drawn, "a"), "(none)");
  EXPECT_EQ(TemplateBench::text_of(drawn, "b"), "价") << "the run without data goes, its neighbour stays";
}

TEST_F(TemplateTest, KeepsInkscapesPlaceAndStyleOfALine) {
  const auto& drawn = bench.drawn(
      R"(<text id="t" data-text="{name}" style="font-size:40px" x="1" y="2"><tspan x="30" y="80" style="font-weight:700;fill:#D7382B">Name</tspan></text>)",
      R"({"name":"水"})");
  const auto span = TemplateBench::by_id(drawn, "t").child("tspan");
  EXPECT_EQ(parse_length(span.attribute("x").value()), 30);
  EXPECT_EQ(parse_length(span.attribute("y").value()), 80);
  EXPECT_EQ(own_style(span, "fill"), "#D7382B");
}

TEST_F(TemplateTest, RunsOfOneTextShrinkTogether) {
  const std::string body =
      R"(<text id="t" x="10" y="90" data-width="120" data-min-size="30"><tspan data-text="{price|symbol}" font-size="36">¥</tspan><tspan data-text="{price|amount}" font-size="72">1</tspan></text>)";
  const auto& drawn = bench.drawn(body, R"({"price":{"minor":3990,"currency":"CNY"}})");
  const auto first = TemplateBench::by_id(drawn, "t").child("tspan");
  const double symbol = *parse_length(own_style(first, "font-size"));
  const double amount = *parse_length(own_style(first.next_sibling("tspan"), "font-size"));
  EXPECT_LT(amount, 72);
  EXPECT_NEAR(amount / symbol, 2, 0.01);
}

TEST_F(TemplateTest, PriceThatDoesNotFitIsRefusedAndNotCut) {
  const auto drawing = bench.draw(
      R"(<text id="t" data-text="{price}" x="1" y="50" font-size="60" data-width="80" data-min-size="40">x</text>)",
      R"({"price":{"minor":99999999,"currency":"CNY"}})");
  ASSERT_FALSE(drawing);
  EXPECT_NE(all_texts(drawing.error()).find("¥999999.99"), std::string::npos) << all_texts(drawing.error());
  EXPECT_NE(all_texts(drawing.error()).find("bench.svg:2"), std::string::npos);
}

TEST_F(TemplateTest, CharacterWithoutGlyphIsRefused) {
  const auto drawing = bench.draw(R"(<text data-text="{name}" x="1" y="50" font-size="60">x</text>)",
                                  "{\"name\":\"\xF3\xB0\x80\x80\"}");
  ASSERT_FALSE(drawing);
  EXPECT_NE(all_texts(drawing.error()).find("no installed font"), std::string::npos);
}

TEST_F(TemplateTest, FormsAndConditionsChooseWhatIsDrawn) {
  const std::string body =
      R"(<g id="always"/><g id="normal" data-form="normal"><g id="child"/></g><g id="over" data-form="ended neutral"/>
    <g id="with" data-if="name stock"/><g id="without" data-unless="name"/><g id="hot" data-if="sold_out"/>)";
  const auto ids = [&](const std::string& data, LayerForm form) {
    std::string shown;
    const auto& drawn = bench.drawn(body, data, form);
    for (const auto* id : {"always", "normal", "child", "over", "with", "without", "hot"}) {
      if (TemplateBench::by_id(drawn, id)) shown += std::string(id) + " ";
    }
    return shown;
  };
  EXPECT_EQ(ids("{}", LayerForm::kNormal), "always normal child without ");
  EXPECT_EQ(ids("{}", LayerForm::kEnded), "always over without ");
  EXPECT_EQ(ids("{}", LayerForm::kNeutral), "always over without ");
  EXPECT_EQ(ids(R"({"name":"x","stock":0,"sold_out":false})", LayerForm::kNormal),
            "always normal child with ");
  EXPECT_EQ(ids(R"({"name":"x","sold_out":true})", LayerForm::kNormal), "always normal child hot ");
}

TEST_F(TemplateTest, ConditionOnAnIntegerChoosesWhatIsDrawn) {
  const std::string body =
      R"(<g id="none" data-if="stock=0"/><g id="some" data-unless="stock=0"/><g id="card" data-unless="name stock=0"/>
    <g id="row" data-if="options.1.percent=100"/>)";
  const auto ids = [&](const char* data) {
    std::string shown;
    const auto& drawn = bench.drawn(body, data);
    for (const auto* id : {"none", "some", "card", "row"}) {
      if (TemplateBench::by_id(drawn, id)) shown += std::string(id) + " ";
    }
    return shown;
  };
  EXPECT_EQ(ids("{}"), "some card ") << "nothing said about the stock is not a stock of nothing";
  EXPECT_EQ(ids(R"({"stock":0})"), "none ");
  EXPECT_EQ(ids(R"({"stock":1})"), "some card ");
  EXPECT_EQ(ids(R"({"name":"x","stock":1})"), "some ");
  EXPECT_EQ(ids(R"({"options":[{"percent":100},{"percent":100}]})"), "some card row ");
}

TEST_F(TemplateTest, RowsAreDrawnAsFarAsTheyGo) {
  const std::string body =
      R"(<g id="r0" data-if="options.0"><text id="t0" data-text="{options.0.name}" x="1" y="30" font-size="30">x</text></g>
    <g id="r1" data-if="options.1"><text id="t1" data-text="{options.1.name}" x="1" y="30" font-size="30">x</text></g>)";
  const auto& drawn = bench.drawn(body, R"({"options":[{"name":"梨"}]})");
  EXPECT_EQ(TemplateBench::text_of(drawn, "t0"), "梨");
  EXPECT_FALSE(TemplateBench::by_id(drawn, "r1"));
}

TEST_F(TemplateTest, ProgressTakesANumberForTheWhole) {
  const std::string body =
      R"(<rect id="r" data-progress="options.0.percent/100" x="20" width="200" height="8"/>)";
  const auto width = [&](const char* data) {
    return TemplateBench::number(bench.drawn(body, data), "r", "width");
  };
  EXPECT_EQ(width(R"({"options":[{"percent":62}]})"), 124);
  EXPECT_EQ(width(R"({"options":[{"percent":0}]})"), -1);
  EXPECT_EQ(width("{}"), -1);
}

class QrTest : public TemplateTest {
 protected:
  static std::string body(int side) {
    return fmt::format(
        R"(<rect id="code" data-qr="link" x="10" y="20" width="{0}" height="{0}" fill="red"/>)", side);
  }
  const std::string data =
      R"({"link":"https://shop.example.com/g/7Kd2"})";  // 35 bytes: version 3, 29 modules
};

TEST_F(QrTest, IsBlackOnWhiteWithItsQuietZone) {
  const auto& drawn = bench.drawn(body(370), data);
  const auto box = TemplateBench::by_id(drawn, "code");
  EXPECT_EQ(own_style(box, "fill"), "#FFFFFF") << "whatever the template says";
  const auto path = box.next_sibling("path");
  EXPECT_STREQ(path.attribute("fill").value(), "#000000");
  // 29 modules and four on each side: 10 px each. The finder's upper edge is seven dark modules.
  EXPECT_TRUE(
      std::string_view(path.attribute("d").value()).starts_with("M50.0000 60.0000h70.0000v10.0000H50.0000z"))
      << path.attribute("d").value();
}

TEST_F(QrTest, ModulesAreWholePixelsOfTheCanvas) {
  const auto checked = LayerData::check(nlohmann::json::parse(data), bench.manifest);
  const auto compiled = bench.compile(body(370));
  ASSERT_TRUE(compiled) << all_texts(compiled.error());
  PhotoStore photos({bench.media});
  const auto drawing =
      compiled->draw({*checked, LayerForm::kNormal, Instant{}, 2.0 / 3, photos, bench.shaper});
  ASSERT_TRUE(drawing) << all_texts(drawing.error());
  // 370 px of the template are 246.7 of this canvas: 6 for each of 37 modules, which are 9 of the template's.
  EXPECT_NE(drawing->svg.find("h63.0000v9.0000"), std::string::npos) << drawing->svg;
}

TEST_F(QrTest, ThatCanNotBeReadIsRefused) {
  EXPECT_TRUE(bench.draw(body(37 * 6), data));
  const auto drawing = bench.draw(body(37 * 6 - 1), data);
  ASSERT_FALSE(drawing);
  EXPECT_EQ(drawing.error().at(0).where, "data.link");
  EXPECT_NE(drawing.error().at(0).found.find("37 modules"), std::string::npos) << all_texts(drawing.error());
}

TEST_F(QrTest, OfNothingIsNotDrawn) {
  EXPECT_FALSE(TemplateBench::by_id(bench.drawn(body(370), "{}"), "code"));
}

TEST_F(TemplateTest, ClassFollowsItsField) {
  const std::string body =
      R"(<rect id="r" class="box" data-class="sold_out:grey name:named" width="10" height="10"/>)";
  EXPECT_STREQ(
      TemplateBench::by_id(bench.drawn(body, R"({"sold_out":true})"), "r").attribute("class").value(),
      "box grey");
  EXPECT_STREQ(TemplateBench::by_id(bench.drawn(body, R"({"name":"x"})"), "r").attribute("class").value(),
               "box named");
}

TEST_F(TemplateTest, ProgressScalesARect) {
  const std::string body = R"(<rect id="r" data-progress="stock/total" x="20" width="200" height="8"/>)";
  const auto width = [&](const std::string& data) {
    return TemplateBench::number(bench.drawn(body, data), "r", "width");
  };
  EXPECT_EQ(width(R"({"stock":75,"total":300})"), 50);
  EXPECT_EQ(width(R"({"stock":300,"total":300})"), 200);
  EXPECT_EQ(width(R"({"stock":900,"total":300})"), 200);
  EXPECT_EQ(width(R"({"stock":1,"total":100000})"), 2) << "the last one left still shows";
  EXPECT_EQ(width(R"({"stock":0,"total":300})"), -1);
  EXPECT_EQ(width(R"({"stock":5,"total":0})"), -1);
  EXPECT_EQ(width(R"({"stock":5})"), -1);
}

class FlowTest : public TemplateTest {
 protected:
  double width(const char* text, double size) {
    return bench.shaper.width(text, {"Noto Sans CJK SC", size, 400, false, 0});
  }
};

TEST_F(FlowTest, FollowsTheMeasuredEndOfAText) {
  const std::string body = R"(<text id="a" data-text="{name}" x="10" y="50" font-size="40">x</text>
    <text id="b" data-text="{unit}" data-follow="a" data-gap="12" x="500" y="50" font-size="30">y</text>
    <rect id="c" data-follow="b" data-gap="8" x="600" y="0" width="30" height="9"/>)";
  const auto& drawn = bench.drawn(body, R"({"name":"长白山","unit":"每箱"})");
  EXPECT_NEAR(TemplateBench::number(drawn, "b", "x"), 10 + width("长白山", 40) + 12, 0.01);
  EXPECT_NEAR(TemplateBench::number(drawn, "c", "x"), 10 + width("长白山", 40) + 12 + width("每箱", 30) + 8,
              0.01);
}

TEST_F(FlowTest, TakesThePlaceOfWhatIsNotThere) {
  const std::string body = R"(<text id="a" data-text="{name}" x="10" y="50" font-size="40">x</text>
    <text id="b" data-text="{unit}" data-follow="a" data-gap="12" x="500" y="50" font-size="30">y</text>
    <text id="c" data-text="{stock}" data-follow="b" data-gap="12" x="600" y="50" font-size="30">y</text>)";
  EXPECT_EQ(TemplateBench::number(bench.drawn(body, R"({"unit":"每箱"})"), "b", "x"), 10);
  EXPECT_EQ(TemplateBench::number(bench.drawn(body, R"({"stock":5})"), "c", "x"), 10);
}

TEST_F(FlowTest, HugsItsTextsOnEvenPixels) {
  const std::string body =
      R"(<rect id="box" data-hug="a b" data-padding="24 20" x="0" y="0" width="300" height="80"/>
    <text id="a" data-text="{name}" x="50" y="40" font-size="40">x</text><text id="b" data-text="{unit}" x="50" y="70" font-size="30">y</text>)";
  const auto& drawn = bench.drawn(body, R"({"name":"长白山","unit":"每箱二十四瓶"})");
  const double x = TemplateBench::number(drawn, "box", "x");
  const double end = x + TemplateBench::number(drawn, "box", "width");
  EXPECT_EQ(x, 26);
  EXPECT_GE(end, 50 + width("每箱二十四瓶", 30) + 20);
  EXPECT_LT(end, 50 + width("每箱二十四瓶", 30) + 20 + 2);
  EXPECT_EQ(static_cast<int>(end) % 2, 0);
}

TEST_F(FlowTest, HugsAnchoredTextAndKeepsItsLeastWidth) {
  const std::string body =
      R"(<rect id="box" data-hug="a" data-padding="10" data-min-width="200" x="0" y="0" width="300" height="80"/>
    <text id="a" data-text="{name}" x="400" y="40" font-size="40" text-anchor="end">x</text>)";
  const auto& drawn = bench.drawn(body, R"({"name":"水"})");
  EXPECT_EQ(TemplateBench::number(drawn, "box", "x"), 350);
  EXPECT_EQ(TemplateBench::number(drawn, "box", "width"), 200);
}

TEST_F(FlowTest, BoxOfNothingIsNotDrawn) {
  const std::string body =
      R"(<rect id="box" data-hug="a" x="0" y="0" width="300" height="80"/><text id="a" data-text="{name}" x="50" y="40" font-size="40">x</text>)";
  EXPECT_FALSE(TemplateBench::by_id(bench.drawn(body, "{}"), "box"));
}

TEST_F(FlowTest, StandsBelowTheLastLine) {
  const std::string body =
      R"(<text id="a" data-text="{name}" x="10" y="50" font-size="40" data-width="90" data-lines="2" data-line-height="1.5">x</text>
    <text id="b" data-text="{unit}" data-below="a" data-drop="30" x="10" y="80" font-size="20">y</text>)";
  EXPECT_EQ(TemplateBench::number(bench.drawn(body, R"({"name":"水","unit":"箱"})"), "b", "y"), 80);
  EXPECT_EQ(TemplateBench::number(bench.drawn(body, R"({"name":"矿泉水","unit":"箱"})"), "b", "y"), 140);
  EXPECT_EQ(TemplateBench::number(bench.drawn(body, R"({"unit":"箱"})"), "b", "y"), 50)
      << "in the place of what is not there";
}

TEST_F(FlowTest, BoxBelowATextStandsOnEvenPixels) {
  const std::string body =
      R"(<text id="a" data-text="{name}" x="10" y="50" font-size="36" data-width="80" data-lines="2" data-line-height="1.3">x</text>
    <rect id="b" data-below="a" data-drop="-20" x="10" y="30" width="90" height="60"/>)";
  EXPECT_EQ(TemplateBench::number(bench.drawn(body, R"({"name":"水"})"), "b", "y"), 30);
  EXPECT_EQ(TemplateBench::number(bench.drawn(body, R"({"name":"矿泉水"})"), "b", "y"), 78) << "76.8";
}

TEST_F(FlowTest, RoomEndsAtAnEdgeWhereverTheTextBegins) {
  const std::string body = R"(<text id="a" data-text="{name}" x="10" y="50" font-size="40">x</text>
    <text id="b" data-text="{unit}" data-follow="a" x="500" y="50" font-size="40" data-right="250" data-min-size="10">y</text>)";
  const auto& drawn = bench.drawn(body, R"({"name":"长白山","unit":"天然矿泉水"})");
  const double scaled =
      *parse_length(own_style(TemplateBench::by_id(drawn, "b").child("tspan"), "font-size"));
  EXPECT_NEAR(scaled, 40 * (250.0 - 130) / 200, 0.51);
}

TEST_F(TemplateTest, CountdownChangesWithTheClockAndSaysForHowLong) {
  const std::string body =
      R"(<text id="t" data-countdown="ends_at" x="1" y="50" font-size="60">04:36</text>)";
  const std::string data = R"({"ends_at":"2026-11-11T12:00:00Z"})";
  auto drawing = bench.draw(body, data, LayerForm::kNormal, test::at("2026-11-11T11:55:24.500Z"));
  ASSERT_TRUE(drawing) << all_texts(drawing.error());
  EXPECT_TRUE(drawing->is_time_bound);
  EXPECT_EQ(drawing->from, test::at("2026-11-11T11:55:24Z"));
  EXPECT_EQ(drawing->until, test::at("2026-11-11T11:55:25Z"));
  EXPECT_NE(drawing->svg.find("04:36"), std::string::npos);
}

TEST_F(TemplateTest, SeveralClocksAreRightForAsLongAsTheShortest) {
  const std::string body =
      R"(<text data-countdown="ends_at" x="1" y="50" font-size="60">1</text><text data-clock="%H:%M" x="1" y="90" font-size="60">1</text>)";
  const auto drawing = bench.draw(body, R"({"ends_at":"2026-11-11T12:00:00.300Z"})", LayerForm::kNormal,
                                  test::at("2026-11-11T11:54:59.900Z"));
  ASSERT_TRUE(drawing);
  EXPECT_EQ(drawing->from, test::at("2026-11-11T11:54:59.300Z"));
  EXPECT_EQ(drawing->until, test::at("2026-11-11T11:55:00Z"));
}

TEST_F(TemplateTest, HiddenCountdownMakesNothingTimeBound) {
  const std::string body =
      R"(<text data-form="normal" data-countdown="ends_at" x="1" y="50" font-size="60">1</text><rect width="9" height="9"/>)";
  const std::string data = R"({"ends_at":"2026-11-11T12:00:00Z"})";
  const auto drawing = bench.draw(body, data, LayerForm::kNeutral, test::at("2026-11-11T11:00:00Z"));
  ASSERT_TRUE(drawing);
  EXPECT_FALSE(drawing->is_time_bound);
  EXPECT_EQ(drawing->until, Instant::max());
}

TEST_F(TemplateTest, FirstDeadlineIsTheEarliestThatIsShown) {
  const auto compiled = bench.compile(R"(<text data-countdown="ends_at" x="1" y="50" font-size="60">1</text>
    <text data-countdown="opens_at" data-if="name" x="1" y="50" font-size="60">1</text>)");
  ASSERT_TRUE(compiled);
  const auto deadline = [&](const char* text) {
    return compiled->first_deadline(*LayerData::check(nlohmann::json::parse(text), bench.manifest),
                                    LayerForm::kNormal);
  };
  EXPECT_EQ(deadline(R"({"ends_at":"2026-11-11T12:00:00Z","opens_at":"2026-11-11T11:00:00Z","name":"x"})"),
            test::at("2026-11-11T11:00:00Z"));
  EXPECT_EQ(deadline(R"({"ends_at":"2026-11-11T12:00:00Z","opens_at":"2026-11-11T11:00:00Z"})"),
            test::at("2026-11-11T12:00:00Z"));
  EXPECT_EQ(deadline("{}"), std::nullopt);
}

struct BadTemplate {
  const char* name;
  const char* body;
  const char* says;
};
class BadTemplateTest : public TemplateTest, public testing::WithParamInterface<BadTemplate> {};

TEST_P(BadTemplateTest, IsRefusedWithFileLineAndReason) {
  const std::string reason = refusal(GetParam().body);
  EXPECT_NE(reason.find(GetParam().says), std::string::npos) << reason;
  EXPECT_NE(reason.find("bench.svg:2"), std::string::npos) << reason;
}

INSTANTIATE_TEST_SUITE_P(
    Template, BadTemplateTest,
    testing::Values(
        BadTemplate{"UnknownAttribute", R"(<text data-txt="{name}" x="1" y="1" font-size="30">x</text>)",
                    "data-txt"},
        BadTemplate{"UnknownField", R"(<text data-text="{title}" x="1" y="1" font-size="30">x</text>)",
                    "{title}"},
        BadTemplate{"UnknownCondition", R"(<g data-if="titel"/>)", "titel"},
        BadTemplate{"UnknownForm", R"(<g data-form="over"/>)", "over"},
        BadTemplate{"CountdownOfText", R"(<text data-countdown="name" x="1" y="1" font-size="30">x</text>)",
                    "ends_at, opens_at"},
        BadTemplate{"CountdownFormat",
                    R"(<text data-countdown="ends_at" data-format="HH" x="1" y="1" font-size="30">x</text>)",
                    "data-format"},
        BadTemplate{"ClockFormat", R"(<text data-clock="%c" x="1" y="1" font-size="30">x</text>)", "%c"},
        BadTemplate{"PhotoFromText", R"(<rect data-image="name" width="9" height="9"/>)", "photo"},
        BadTemplate{"PhotoOnAPath", R"(<path data-image="photo" d="M0 0h9v9z"/>)",
                    "data-image on this element"},
        BadTemplate{"PhotoWithoutSize", R"(<rect data-image="photo" width="100%" height="9"/>)",
                    "data-image on this element"},
        BadTemplate{"Crop", R"(<rect data-image="photo" data-crop="fill" width="9" height="9"/>)",
                    "data-crop"},
        BadTemplate{"ProgressOfOne", R"(<rect data-progress="stock" width="9" height="9"/>)",
                    "stock/stock_total"},
        BadTemplate{"ProgressOfAnUnknownWhole", R"(<rect data-progress="stock/all" width="9" height="9"/>)",
                    "\"all\""},
        BadTemplate{"ConditionOnText", R"(<g data-if="name=0"/>)", "stock, total"},
        BadTemplate{"ConditionOnAWord", R"(<g data-if="stock=none"/>)", "stock=none"},
        BadTemplate{"ConditionOnARowTooFar", R"(<g data-if="options.8"/>)", "options.8"},
        BadTemplate{"CodeOfText", R"(<rect data-qr="name" width="300" height="300"/>)", "link"},
        BadTemplate{"CodeOnAnImage", R"(<image data-qr="link" width="300" height="300"/>)",
                    "data-qr on this element"},
        BadTemplate{"TextOnAShape", R"(<rect data-text="{name}" width="9" height="9"/>)", "bound to a shape"},
        BadTemplate{"FollowsNobody",
                    R"(<text data-follow="nobody" data-text="{name}" x="1" y="1" font-size="30">x</text>)",
                    "nobody"},
        BadTemplate{
            "FollowsAGroup",
            R"(<g id="g"/><text data-follow="g" data-text="{name}" x="1" y="1" font-size="30">x</text>)",
            "a <g>"},
        BadTemplate{"FollowsItself",
                    R"(<text id="t" data-follow="t" data-text="{name}" x="1" y="1" font-size="30">x</text>)",
                    "circle"},
        BadTemplate{
            "FollowsInACircle",
            R"(<text id="a" data-follow="b" data-text="{name}" x="1" y="1" font-size="30">x</text><rect id="b" data-hug="a" width="9" height="9"/>)",
            "circle"},
        BadTemplate{
            "FollowsAcrossATransform",
            R"svg(<g transform="scale(2)"><rect id="r" width="9" height="9"/></g><text data-follow="r" data-text="{name}" x="1" y="1" font-size="30">x</text>)svg",
            "transform"},
        BadTemplate{
            "FollowsCentred",
            R"(<rect id="r" width="9" height="9"/><text data-follow="r" text-anchor="middle" data-text="{name}" x="1" y="1" font-size="30">x</text>)",
            "text-anchor"},
        BadTemplate{"NoFontSize", R"(<text data-text="{name}" x="1" y="1">x</text>)", "font-size"},
        BadTemplate{"FontSizeInEm", R"(<text data-text="{name}" x="1" y="1" font-size="2em">x</text>)",
                    "2em"},
        BadTemplate{
            "FontOfAnotherBox",
            R"(<text data-text="{name}" x="1" y="1" font-size="30" font-family="PingFang SC">x</text>)",
            "PingFang SC"},
        BadTemplate{"FontShorthand",
                    R"(<text data-text="{name}" x="1" y="1" style="font:30px serif">x</text>)", "shorthand"},
        BadTemplate{"LinesWithoutWidth",
                    R"(<text data-text="{name}" data-lines="2" x="1" y="1" font-size="30">x</text>)",
                    "data-lines"},
        BadTemplate{
            "EllipsisForAPrice",
            R"(<text data-text="{price}" data-overflow="ellipsis" data-width="90" x="1" y="1" font-size="30">x</text>)",
            "figure"},
        BadTemplate{"WidthIsWords",
                    R"(<text data-text="{name}" data-width="wide" x="1" y="1" font-size="30">x</text>)",
                    "data-width"},
        BadTemplate{"ManyXs", R"(<text data-text="{name}" x="1 2 3" y="1" font-size="30">x</text>)",
                    "one number"}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(TemplateTest, TextTooSmallToReadIsRefused) {
  bench.rules.min_text_px = 26;
  EXPECT_NE(refusal(R"(<text x="1" y="1" font-size="20">fixed</text>)").find("20 px"), std::string::npos);
  EXPECT_NE(
      refusal(
          R"(<text data-text="{name}" data-width="90" data-min-size="12" x="1" y="1" font-size="30">x</text>)")
          .find("data-min-size"),
      std::string::npos);
  EXPECT_EQ(
      refusal(
          R"(<text data-text="{name}" data-width="90" data-min-size="26" x="1" y="1" font-size="30">x</text>)"),
      "");
}

}  // namespace
}  // namespace vitrine::overlay
