// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/layer_data.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "overlay/render/pattern.h"
#include "tests/overlay/template_bench.h"

namespace vitrine::overlay {
namespace {

using nlohmann::json;
using test::all_texts;

constexpr const char* kFieldsOfEveryType = R"(
[fields.name]
type = "text"
required = true
max_chars = 6
[fields.stock]
type = "integer"
min = 0
max = 1000
[fields.price]
type = "money"
[fields.reference]
type = "money"
needs = ["basis"]
because = "reference price needs basis"
[fields.basis]
type = "text"
[fields.due]
type = "instant"
[fields.photo]
type = "image"
[fields.hot]
type = "boolean"
[fields.lines]
type = "list"
max_items = 3
max_chars = 5
[fields.who]
type = "text"
masked = true
[fields.link]
type = "link"
[fields.options]
type = "rows"
min_items = 2
max_items = 3
[fields.options.fields.name]
type = "text"
required = true
max_chars = 4
[fields.options.fields.votes]
type = "integer"
min = 0
[fields.options.fields.price]
type = "money"
[fields.options.fields.reference]
type = "money"
needs = ["price"]
[fields.winners]
type = "list"
masked = true
)";

class LayerDataTest : public testing::Test {
 protected:
  Problems refused(const std::string& text) {
    const auto data = LayerData::check(json::parse(text), bench.manifest);
    EXPECT_FALSE(data) << text;
    return data ? Problems() : data.error();
  }
  /// The text of `pattern`, "(absent)", or the reason why the pattern is refused.
  std::string format(const std::string& pattern, const std::string& data) {
    const auto parsed = Pattern::parse(pattern, bench.manifest);
    if (!parsed) return "refused: " + parsed.error().message;
    const auto checked = LayerData::check(json::parse(data), bench.manifest);
    EXPECT_TRUE(checked) << (checked ? "" : all_texts(checked.error()));
    return parsed->format(*checked).value_or("(absent)");
  }
  test::TemplateBench bench{kFieldsOfEveryType};
};

struct BadData {
  const char* name;
  const char* data;
  const char* where;
  const char* found;
};
class BadDataTest : public LayerDataTest, public testing::WithParamInterface<BadData> {};

TEST_P(BadDataTest, IsRefusedWithPlaceAndValue) {
  const auto problems = refused(GetParam().data);
  ASSERT_EQ(problems.size(), 1U) << all_texts(problems);
  EXPECT_EQ(problems[0].where, GetParam().where);
  EXPECT_NE(problems[0].found.find(GetParam().found), std::string::npos) << problems[0].text();
  EXPECT_FALSE(problems[0].allowed.empty());
}

INSTANTIATE_TEST_SUITE_P(
    LayerData, BadDataTest,
    testing::Values(
        BadData{"RequiredIsMissing", R"({})", "data.name", "nothing"},
        BadData{"EmptyText", R"({"name":""})", "data.name", "empty"},
        BadData{"BlankText", R"({"name":"  "})", "data.name", "2 characters"},
        BadData{"TooManyCharacters", R"({"name":"一二三四五六七"})", "data.name", "7 characters"},
        BadData{"TextIsANumber", R"({"name":7})", "data.name", "7"},
        BadData{"DirectionOverride", R"({"name":"a\u202eb"})", "data.name", "U+202E"},
        BadData{"ControlCharacter", R"({"name":"a\u0007"})", "data.name", "U+0007"},
        BadData{"LineBreak", R"({"name":"a\nb"})", "data.name", "line break"},
        BadData{"IntegerTooLarge", R"({"name":"x","stock":1001})", "data.stock", "1001"},
        BadData{"IntegerIsAFloat", R"({"name":"x","stock":1.5})", "data.stock", "1.5"},
        BadData{"MoneyIsANumber", R"({"name":"x","price":39.9})", "data.price", "39.9"},
        BadData{"MoneyIsAFloat", R"({"name":"x","price":{"minor":39.9,"currency":"CNY"}})",
                "data.price.minor", "39.9"},
        BadData{"NegativeMoney", R"({"name":"x","price":{"minor":-1,"currency":"CNY"}})", "data.price.minor",
                "-1"},
        BadData{"UnknownCurrency", R"({"name":"x","price":{"minor":1,"currency":"RMB"}})",
                "data.price.currency", "RMB"},
        BadData{"MoneyWithMore", R"({"name":"x","price":{"minor":1,"currency":"CNY","was":2}})",
                "data.price.was", "unknown"},
        BadData{"ReferenceWithoutBasis", R"({"name":"x","reference":{"minor":1,"currency":"CNY"}})",
                "data.reference", "without basis"},
        BadData{"InstantWithoutZone", R"({"name":"x","due":"2026-11-11T12:00:00"})", "data.due", "2026"},
        BadData{"PhotoFromTheRoot", R"({"name":"x","photo":"/etc/passwd"})", "data.photo", "/etc/passwd"},
        BadData{"PhotoFromAbove", R"({"name":"x","photo":"../x.png"})", "data.photo", "../x.png"},
        BadData{"BooleanIsText", R"({"name":"x","hot":"yes"})", "data.hot", "yes"},
        BadData{"ListTooLong", R"({"name":"x","lines":["1","2","3","4"]})", "data.lines", "array of 4"},
        BadData{"ListItemTooLong", R"({"name":"x","lines":["123456"]})", "data.lines[0]", "6 characters"},
        BadData{"RowWithoutWhatItNeeds", R"({"name":"x","options":[{"name":"a"},{"votes":1}]})",
                "data.options[1].name", "nothing"},
        BadData{"RowWithAnUnknownColumn", R"({"name":"x","options":[{"name":"a"},{"name":"b","vots":1}]})",
                "data.options[1].vots", "unknown"},
        BadData{"RowWithATextTooLong", R"({"name":"x","options":[{"name":"a"},{"name":"12345"}]})",
                "data.options[1].name", "5 characters"},
        BadData{
            "RowWithHalfOfAPair",
            R"({"name":"x","options":[{"name":"a"},{"name":"b","reference":{"minor":1,"currency":"CNY"}}]})",
            "data.options[1].reference", "without price"},
        BadData{"RowIsText", R"({"name":"x","options":[{"name":"a"},"b"]})", "data.options[1]", "\"b\""},
        BadData{"TooFewRows", R"({"name":"x","options":[{"name":"a"}]})", "data.options", "array of 1"},
        BadData{"TooManyRows",
                R"({"name":"x","options":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]})",
                "data.options", "array of 4"},
        BadData{"NameInFull", R"({"name":"x","who":"林小明"})", "data.who", "not hidden"},
        BadData{"NameHardlyHidden", R"({"name":"x","who":"林小明明*"})", "data.who", "not hidden"},
        BadData{"WinnerInFull", R"({"name":"x","winners":["林**","王小明"]})", "data.winners[1]",
                "not hidden"},
        BadData{"LinkWithoutTls", R"({"name":"x","link":"http://shop.example"})", "data.link", "http://"},
        BadData{"LinkThatPosesAsAnother", R"({"name":"x","link":"https://taobao.com@evil.example/"})",
                "data.link", "evil"},
        BadData{"LinkWithAnEmptyUser", R"({"name":"x","link":"https://@evil.example/"})", "data.link",
                "evil"},
        BadData{"LinkWithABackslash", R"({"name":"x","link":"https://a.example\\@evil.example/"})",
                "data.link", "evil"},
        BadData{"LinkWithASpace", R"({"name":"x","link":"https://a.example/ b"})", "data.link", "/ b"},
        BadData{"LinkWithAControlCharacter", R"({"name":"x","link":"https://a.example/\u0007"})", "data.link",
                "a.example"},
        BadData{"LinkNotInAscii", R"({"name":"x","link":"https://商店.example/"})", "data.link", "example"},
        BadData{"LinkInCapitals", R"({"name":"x","link":"https://A.example/"})", "data.link", "A.example"},
        BadData{"LinkToAnAddressInDisguise", R"({"name":"x","link":"https://0x7f.1/"})", "data.link", "0x7f"},
        BadData{"LinkToNoDomain", R"({"name":"x","link":"https://router/"})", "data.link", "router"},
        BadData{"LinkIsANumber", R"({"name":"x","link":7})", "data.link", "7"},
        BadData{"UnknownField", R"({"name":"x","nmae":"y"})", "data.nmae", "unknown"},
        BadData{"NotAnObject", R"([1])", "data", "array"}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(LayerDataTest, NamesTheReasonForAMissingBasis) {
  const auto problems = refused(R"({"name":"x","reference":{"minor":1,"currency":"CNY"}})");
  EXPECT_EQ(problems.at(0).allowed, "reference price needs basis");
}

TEST_F(LayerDataTest, NamesEveryProblemAtOnce) {
  EXPECT_EQ(refused(R"({"stock":-1,"price":3,"due":"soon"})").size(), 4U);
}

TEST_F(LayerDataTest, PatternsPutDataIntoText) {
  EXPECT_EQ(format("剩 {stock} 箱", R"({"name":"水","stock":126})"), "剩 126 箱");
  EXPECT_EQ(format("{name}{name}", R"({"name":"水"})"), "水水");
  EXPECT_EQ(format("{{{name}}", R"({"name":"水"})"), "{水}");
  EXPECT_EQ(format("{lines.1}", R"({"name":"水","lines":["a","b"]})"), "b");
}

TEST_F(LayerDataTest, PatternsReachIntoRows) {
  const char* data = R"({"name":"x","options":[{"name":"梨","votes":62},{"name":"水"}]})";
  EXPECT_EQ(format("{options.0.name} {options.0.votes}%", data), "梨 62%");
  EXPECT_EQ(format("{options.1.name}", data), "水");
  EXPECT_EQ(format("{options.1.votes}", data), "(absent)");
  EXPECT_EQ(format("{options.2.name}", data), "(absent)");
}

TEST_F(LayerDataTest, NoProblemRepeatsANameThatShouldBeHidden) {
  EXPECT_EQ(refused(R"({"name":"x","who":"林小明"})").at(0).text().find("林小明"), std::string::npos);
}

TEST_F(LayerDataTest, HiddenNamesAreTakenAsShopsWriteThem) {
  for (const char* name : {"林**", "林*", "欧阳**", "j***n", "138****0457"})
    EXPECT_EQ(format("{who}", fmt::format(R"({{"name":"x","who":"{}"}})", name)), name);
}

TEST_F(LayerDataTest, LinkShowsWhereItLeads) {
  const auto host = [&](const char* link) {
    return format("{link|host}", fmt::format(R"({{"name":"x","link":"{}"}})", link));
  };
  EXPECT_EQ(host("https://shop.example.com/g/7Kd2?a=1#b"), "shop.example.com");
  EXPECT_EQ(host("https://shop.example.com"), "shop.example.com");
  EXPECT_EQ(host("https://shop.example.com:8443/"), "shop.example.com");
  EXPECT_EQ(host("https://xn--fiq228c.example/?u=@x"), "xn--fiq228c.example");
}

TEST_F(LayerDataTest, LinkHasItsLength) {
  const std::string link = "https://shop.example/";
  const auto data = [&](size_t bytes) {
    return fmt::format(R"({{"name":"x","link":"{}"}})", link + std::string(bytes - link.size(), 'a'));
  };
  EXPECT_TRUE(LayerData::check(json::parse(data(300)), bench.manifest));
  EXPECT_EQ(refused(data(301)).at(0).where, "data.link");
}

TEST_F(LayerDataTest, PatternOfAnAbsentFieldIsAbsentAsAWhole) {
  EXPECT_EQ(format("剩 {stock} 箱", R"({"name":"水"})"), "(absent)");
  EXPECT_EQ(format("{lines.2}", R"({"name":"水","lines":["a","b"]})"), "(absent)");
}

TEST_F(LayerDataTest, MoneyIsExactAndWrittenAsShopsDo) {
  const auto price = [&](const char* pattern, const char* money) {
    return format(pattern, std::string(R"({"name":"x","price":)") + money + "}");
  };
  EXPECT_EQ(price("{price}", R"({"minor":3990,"currency":"CNY"})"), "¥39.9");
  EXPECT_EQ(price("{price|amount}", R"({"minor":4000,"currency":"CNY"})"), "40");
  EXPECT_EQ(price("{price|cents}", R"({"minor":3990,"currency":"CNY"})"), "39.90");
  EXPECT_EQ(price("{price|symbol}", R"({"minor":3990,"currency":"EUR"})"), "€");
  EXPECT_EQ(price("{price}", R"({"minor":3990,"currency":"JPY"})"), "¥3990");
  EXPECT_EQ(price("{price}", R"({"minor":1,"currency":"CNY"})"), "¥0.01");
  EXPECT_EQ(price("{price}", R"({"minor":999999999999,"currency":"CNY"})"), "¥9999999999.99");
}

TEST_F(LayerDataTest, PatternsThatMakeNoSenseAreRefused) {
  for (const auto* pattern : {"{unknown}",
                              "{name",
                              "{price|euro}",
                              "{stock|amount}",
                              "{photo}",
                              "{hot}",
                              "{due}",
                              "{due|%s}",
                              "{lines}",
                              "{lines.x}",
                              "{name.0}",
                              "{}",
                              "{|x}",
                              "{lines.3}",
                              "{lines.-1}",
                              "{lines.0.name}",
                              "{lines.}",
                              "{options}",
                              "{options.0}",
                              "{options.name}",
                              "{options.0.unit}",
                              "{options.3.name}",
                              "{options.0.name.0}",
                              "{link}",
                              "{link|url}"}) {
    EXPECT_TRUE(format(pattern, R"({"name":"x"})").starts_with("refused")) << pattern;
  }
}

TEST_F(LayerDataTest, PatternKnowsWhetherItSaysAFigure) {
  const auto has_figures = [&](const char* text) {
    return Pattern::parse(text, bench.manifest)->has_figures();
  };
  EXPECT_TRUE(has_figures("剩 {stock}"));
  EXPECT_TRUE(has_figures("{price}"));
  EXPECT_TRUE(has_figures("{due|%H:%M}"));
  EXPECT_TRUE(has_figures("{options.1.votes}"));
  EXPECT_TRUE(has_figures("{link|host}")) << "half a host is another one";
  EXPECT_FALSE(has_figures("{name} {lines.0} {options.1.name}"));
}

TEST_F(LayerDataTest, ConditionsSeeFalseAndEmptyAsUnset) {
  const auto data =
      LayerData::check(json::parse(R"({"name":"x","hot":false,"lines":[],"stock":0})"), bench.manifest);
  ASSERT_TRUE(data);
  EXPECT_TRUE(data->is_set("name"));
  EXPECT_TRUE(data->is_set("stock")) << "zero left is news, not absence";
  EXPECT_FALSE(data->is_set("hot"));
  EXPECT_FALSE(data->is_set("lines"));
  EXPECT_FALSE(data->is_set("photo"));
  EXPECT_FALSE(data->is_set("options"));
  const auto rows =
      LayerData::check(json::parse(R"({"name":"x","options":[{"name":"a"},{"name":"b"}]})"), bench.manifest);
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->is_set("options"));
  EXPECT_TRUE(rows->is_set("options.1"));
  EXPECT_FALSE(rows->is_set("options.2"));
}

struct BadManifest {
  const char* name;
  const char* toml;
  const char* says;
};
class BadManifestTest : public testing::TestWithParam<BadManifest> {};

TEST_P(BadManifestTest, IsRefusedWithFileAndLine) {
  const auto manifest = parse_manifest(GetParam().toml, "card", "card.toml");
  ASSERT_FALSE(manifest);
  EXPECT_NE(all_texts(manifest.error()).find(GetParam().says), std::string::npos)
      << all_texts(manifest.error());
  EXPECT_TRUE(manifest.error()[0].where.starts_with("card.toml:")) << all_texts(manifest.error());
}

INSTANTIATE_TEST_SUITE_P(
    Manifest, BadManifestTest,
    testing::Values(
        BadManifest{"NotToml", "title = ", "card.toml:1"},
        BadManifest{"NoPlacement", "title = \"x\"\nforms = [\"normal\"]\n", "[landscape]"},
        BadManifest{"NoForms", "title = \"x\"\n[landscape]\nfile = \"a.svg\"\n", "forms"},
        BadManifest{"UnknownForm", "title = \"x\"\nforms = [\"hidden\"]\n[landscape]\nfile = \"a.svg\"\n",
                    "hidden"},
        BadManifest{"UnknownType",
                    "title = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"a.svg\"\n[fields.a]\ntype = "
                    "\"float\"\n",
                    "card.toml:6"},
        BadManifest{"NeedsNothingKnown",
                    "title = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"a.svg\"\n[fields.a]\ntype = "
                    "\"text\"\nneeds = [\"b\"]\n",
                    "\"b\""},
        BadManifest{"RowsWithoutColumns",
                    "title = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"a.svg\"\n[fields.a]\ntype = "
                    "\"rows\"\n",
                    "fields.a.fields"},
        BadManifest{
            "RowsInRows",
            "title = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"a.svg\"\n[fields.a]\ntype = "
            "\"rows\"\n[fields.a.fields.b]\ntype = \"rows\"\n[fields.a.fields.b.fields.c]\ntype = \"text\"\n",
            "rows within rows"},
        BadManifest{"ColumnNeedsNothingKnown",
                    "title = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"a.svg\"\n[fields.a]\ntype = "
                    "\"rows\"\n[fields.a.fields.b]\ntype = \"text\"\nneeds = [\"a\"]\n",
                    "names of other fields"},
        BadManifest{"FileLeadsOut", "title = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"../a.svg\"\n",
                    "../a.svg"},
        BadManifest{"UnknownKey",
                    "titel = \"x\"\ntitle = \"x\"\nforms = [\"normal\"]\n[landscape]\nfile = \"a.svg\"\n",
                    "did you mean"}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace vitrine::overlay
