// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/svg_document.h"

#include <gtest/gtest.h>

#include "tests/overlay/template_bench.h"

namespace vitrine::overlay {
namespace {

std::string svg(const std::string& body, const std::string& attributes = "width=\"100\" height=\"50\"") {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" " +
         attributes + ">" + body + "</svg>";
}

tl::expected<SvgDocument, Problems> parse(const std::string& text) {
  return SvgDocument::parse(text, "x.svg", {});
}

TEST(SvgDocument, TakesAFileAsInkscapeSavesIt) {
  const auto document = parse(R"(<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Created with Inkscape (http://www.inkscape.org/) -->
<svg width="508mm" height="285.75mm" viewBox="0 0 1920 1080" version="1.1" id="svg5"
   xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
   xmlns="http://www.w3.org/2000/svg" xmlns:svg="http://www.w3.org/2000/svg">
  <sodipodi:namedview id="namedview7" pagecolor="#ffffff" inkscape:zoom="0.4"><inkscape:grid id="g1"/></sodipodi:namedview>
  <defs id="defs2"><inkscape:path-effect effect="x" id="pe"/></defs>
  <metadata id="m"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></metadata>
  <g inkscape:label="Ebene 1" inkscape:groupmode="layer" id="layer1">
    <text xml:space="preserve" style="font-size:40px;font-family:'Noto Sans CJK SC';-inkscape-font-specification:'Noto Sans CJK SC'" x="10" y="50" id="t"><tspan sodipodi:role="line" id="tspan1" x="10" y="50">Name</tspan></text>
  </g>
</svg>)");
  ASSERT_TRUE(document) << test::all_texts(document.error());
  EXPECT_EQ(document->width(), 1920);
  EXPECT_EQ(document->height(), 1080);
  EXPECT_FALSE(document->xml().find_node(
      [](const auto& node) { return std::string_view(node.name()).starts_with("sodipodi"); }));
  const auto text =
      document->xml().find_node([](const auto& node) { return std::string_view(node.name()) == "text"; });
  EXPECT_EQ(document->where(text), "x.svg:10: <text> 't'");
}

TEST(SvgDocument, TakesAFileAsFigmaSavesIt) {
  const auto document = parse(
      R"svg(<svg width="760" height="248" viewBox="0 0 760 248" fill="none" xmlns="http://www.w3.org/2000/svg">
<g filter="url(#filter0_d)"><rect width="760" height="248" rx="12" fill="#FBF9F5"/></g>
<text fill="#17191C" xml:space="preserve" style="white-space: pre" font-family="Noto Sans CJK SC" font-size="40" font-weight="bold" letter-spacing="0em"><tspan x="248" y="64.2">Name</tspan></text>
<defs><filter id="filter0_d" x="0" y="0" width="768" height="256" filterUnits="userSpaceOnUse" color-interpolation-filters="sRGB">
<feFlood flood-opacity="0" result="BackgroundImageFix"/><feColorMatrix in="SourceAlpha" type="matrix" values="0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 127 0"/>
<feOffset dy="4"/><feGaussianBlur stdDeviation="2"/><feBlend mode="normal" in2="BackgroundImageFix"/></filter>
<clipPath id="c"><rect width="760" height="248"/></clipPath></defs>
</svg>)svg");
  EXPECT_TRUE(document) << test::all_texts(document.error());
}

struct Hostile {
  const char* name;
  std::string text;
  const char* says;  // part of the problem, so that the refusal is for this reason and no other
};
class HostileSvgTest : public testing::TestWithParam<Hostile> {};

TEST_P(HostileSvgTest, IsRefusedWithItsReason) {
  const auto document = parse(GetParam().text);
  ASSERT_FALSE(document);
  EXPECT_NE(test::all_texts(document.error()).find(GetParam().says), std::string::npos)
      << test::all_texts(document.error());
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

/// Each level shows the one below ten times.
std::string laughing(const char* reference) {
  std::string body = "<defs><rect id=\"l0\" width=\"1\" height=\"1\"/>";
  for (int level = 1; level <= 9; ++level) {
    body += "<g id=\"l" + std::to_string(level) + "\">" +
            repeated(std::string("<") + reference + " href=\"#l" + std::to_string(level - 1) + "\"/>", 10) +
            "</g>";
  }
  return svg(body + "</defs><use href=\"#l9\"/>");
}

std::string nested_patterns() {
  std::string body = "<defs>";
  for (int i = 0; i < 20; ++i) {
    const std::string next = std::to_string(i + 1);
    body += "<pattern id=\"p" + std::to_string(i) +
            "\" width=\"1\" height=\"1\"><rect width=\"1\" height=\"1\" fill=\"url(#p" + next +
            ")\"/><rect width=\"1\" height=\"1\" fill=\"url(#p" + next + ")\"/></pattern>";
  }
  return svg(body + "</defs><rect width=\"9\" height=\"9\" fill=\"url(#p0)\"/>");
}

INSTANTIATE_TEST_SUITE_P(
    SvgDocument, HostileSvgTest,
    testing::Values(
        Hostile{"NoXml", "plain text", "can't be read"}, Hostile{"Empty", "", "can't be read"},
        Hostile{"Unclosed", svg("<g>").substr(0, 120), "x.svg:1"},
        Hostile{"OtherRoot", "<html xmlns=\"http://www.w3.org/2000/svg\"/>", "outermost"},
        Hostile{"NoNamespace", "<svg width=\"10\" height=\"10\"/>", "outermost"},
        Hostile{"EntityBomb",
                "<!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>" +
                    svg("<text>&b;</text>"),
                "entities"},
        Hostile{"ExternalEntity",
                "<!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" + svg("<text>&x;</text>"),
                "entities"},
        Hostile{"OutsideStyleSheet", "<?xml-stylesheet href=\"http://example.org/x.css\"?>" + svg(""),
                "style sheet"},
        Hostile{"XInclude",
                svg("<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\" "
                    "parse=\"text\"/>"),
                "xi:include"},
        Hostile{"XIncludeWithoutPrefix",
                svg("<include xmlns=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\"/>"),
                "<include>"},
        Hostile{"Script", svg("<script>alert(1)</script>"), "<script>"},
        Hostile{"ForeignObject", svg("<foreignObject/>"), "<foreignObject>"},
        Hostile{"Animation", svg("<rect><animate/></rect>"), "<animate>"},
        Hostile{"PictureFromTheNet", svg("<image href=\"http://example.org/x.png\"/>"), "http://example.org"},
        Hostile{"PictureFromDisk", svg("<image xlink:href=\"file:///etc/passwd\"/>"), "file:///"},
        Hostile{"PictureBesideIt", svg("<image href=\"other.png\"/>"), "other.png"},
        Hostile{"UseOfAnotherFile", svg("<use href=\"other.svg#a\"/>"), "other.svg"},
        Hostile{"SvgAsData", svg("<image href=\"data:image/svg+xml;base64,PHN2Zy8+\"/>"),
                "data:image/svg+xml"},
        Hostile{"PictureThatIsNone", svg("<image href=\"data:image/png;base64,AAAA\"/>"), "embedded picture"},
        Hostile{"DataInAUse", svg("<use href=\"data:image/png;base64,AAAA\"/>"), "only in <image>"},
        Hostile{"FillFromTheNet", svg("<rect fill=\"url(http://example.org/x.svg#p)\"/>"), "url(#id)"},
        Hostile{"StyleFromTheNet", svg("<rect style=\"fill:url('http://example.org/#p')\"/>"),
                "outside url()"},
        Hostile{"Import", svg("<style>@IMPORT 'x.css';</style>"), "@import"},
        Hostile{"HiddenInEscapes", svg("<style>rect{fill:u\\72l(http://x/#a)}</style>"), "backslash"},
        Hostile{"FontsInASheet", svg("<style>text{font-size:30px}</style>"), "<style> sheet"},
        Hostile{"TwoOfOneId", svg("<g id=\"a\"/><g id=\"a\"/>"), "second time"},
        Hostile{"CircleOfUses", svg("<g id=\"a\"><use href=\"#b\"/></g><g id=\"b\"><use href=\"#a\"/></g>"),
                "back to itself"},
        Hostile{"UseOfItself", svg("<use id=\"a\" href=\"#a\"/>"), "back to itself"},
        Hostile{"BillionLaughs", laughing("use"), "each reference is followed"},
        Hostile{"NestedPatterns", nested_patterns(), "each reference is followed"},
        Hostile{"MillionElements", svg(repeated("<g/>", 400'000)), "400001 elements"},
        Hostile{"TooManyBytes", svg(repeated("<g transform=\"translate(0)\"/>", 1'000'000)), "bytes"},
        Hostile{"TooDeep", svg(repeated("<g>", 3000) + repeated("</g>", 3000)), "deep"},
        Hostile{"NoSize", svg("", ""), "a size of"},
        Hostile{"HugeSize", svg("", "width=\"1000000\" height=\"10\""), "a size of"},
        Hostile{"NegativeSize", svg("", "width=\"-10\" height=\"10\""), "a size of"},
        Hostile{"NotANumber", svg("", "viewBox=\"0 0 nan inf\""), "a size of"},
        Hostile{"ShiftedBox", svg("", "viewBox=\"5 5 100 100\""), "viewBox"},
        Hostile{"TwoSizes", svg("", "width=\"200\" height=\"100\" viewBox=\"0 0 100 50\""), "same size"}),
    [](const auto& tested) { return tested.param.name; });

TEST(SvgDocument, TakesOutWhatRuns) {
  const auto document =
      parse(svg("<a href=\"http://example.org\"><rect onclick=\"x()\" width=\"1\" height=\"1\"/></a>"));
  ASSERT_TRUE(document) << test::all_texts(document.error());
  for (const auto& node : elements_of(document->xml())) {
    EXPECT_FALSE(node.attribute("onclick"));
    EXPECT_FALSE(node.attribute("href"));
  }
}

TEST(SvgDocument, NamesEveryProblemAtOnce) {
  const auto document = parse(svg("<script/>\n<image href=\"a.png\"/>\n<foreignObject/>"));
  ASSERT_FALSE(document);
  ASSERT_EQ(document.error().size(), 3U);
  EXPECT_TRUE(document.error()[0].where.starts_with("x.svg:1:"));
  EXPECT_TRUE(document.error()[1].where.starts_with("x.svg:2:"));
  EXPECT_TRUE(document.error()[2].where.starts_with("x.svg:3:"));
}

TEST(SvgDocument, ElementsStandInTheSamePlaceInACopy) {
  const auto document = parse(
      svg("<g id=\"a\">text<rect id=\"b\" width=\"1\" height=\"1\"/> more <g id=\"c\"/></g><g id=\"d\"/>"));
  ASSERT_TRUE(document);
  pugi::xml_document copy;
  copy.reset(document->xml());
  const auto originals = elements_of(document->xml());
  const auto copies = elements_of(copy);
  ASSERT_EQ(originals.size(), 5U);
  ASSERT_EQ(copies.size(), 5U);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_STREQ(originals[i].attribute("id").value(), copies[i].attribute("id").value());
}

}  // namespace
}  // namespace vitrine::overlay
