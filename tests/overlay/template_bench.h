// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "core/rfc3339.h"
#include "overlay/render/svg_style.h"
#include "overlay/render/template.h"

namespace vitrine::overlay::test {

inline Instant at(std::string_view rfc3339) {
  return *parse_rfc3339(rfc3339);
}

inline std::string all_texts(const Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += problem.text() + "\n";
  return text;
}

/// One template on the bench: SVG and fields in, drawn SVG out.
class TemplateBench {
 public:
  /// `fields` is TOML under [fields.…]; all three forms are declared.
  explicit TemplateBench(const std::string& fields) {
    auto parsed = parse_manifest(
        "title = \"bench\"\nforms = [\"normal\", \"ended\", \"neutral\"]\n[landscape]\nfile = "
        "\"bench.svg\"\n" +
            fields,
        "bench", "bench.toml");
    EXPECT_TRUE(parsed) << (parsed ? "" : all_texts(parsed.error()));
    manifest = std::move(*parsed);
  }

  /// Puts `body` into an <svg> of 800 x 200 with the theme's font.
  tl::expected<Template, Problems> compile(const std::string& body) {
    const std::string svg =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 200\" font-family=\"Noto Sans CJK "
        "SC\">\n" +
        body + "</svg>";
    auto document = SvgDocument::parse(svg, "bench.svg", {});
    if (!document) return tl::unexpected(document.error());
    return Template::compile(std::move(*document), manifest, rules, shaper);
  }

  tl::expected<Drawing, Problems> draw(const std::string& body, const std::string& data,
                                       LayerForm form = LayerForm::kNormal, Instant now = Instant{}) {
    auto compiled = compile(body);
    if (!compiled) return tl::unexpected(compiled.error());
    auto checked = LayerData::check(nlohmann::json::parse(data), manifest);
    if (!checked) return tl::unexpected(checked.error());
    PhotoStore photos({media});
    return compiled->draw({*checked, form, now, 1.0, photos, shaper});
  }

  /// The drawn document; a test fails when there is none.
  pugi::xml_document& drawn(const std::string& body, const std::string& data,
                            LayerForm form = LayerForm::kNormal, Instant now = Instant{}) {
    auto drawing = draw(body, data, form, now);
    EXPECT_TRUE(drawing) << (drawing ? "" : all_texts(drawing.error()));
    document_.reset();
    if (drawing) document_.load_string(drawing->svg.c_str(), pugi::parse_default | pugi::parse_ws_pcdata);
    return document_;
  }

  /// The text of an element with this id, runs and lines joined; "(none)" when it is not drawn.
  static std::string text_of(const pugi::xml_document& document, const char* id) {
    const pugi::xml_node node = by_id(document, id);
    if (!node) return "(none)";
    std::string text;
    for (const auto& span : node.children("tspan")) text += span.text().get();
    return text.empty() ? node.text().get() : text;
  }
  static pugi::xml_node by_id(const pugi::xml_document& document, const char* id) {
    return document.find_node(
        [&](const pugi::xml_node& node) { return std::string_view(node.attribute("id").value()) == id; });
  }
  static double number(const pugi::xml_document& document, const char* id, const char* attribute) {
    return parse_length(by_id(document, id).attribute(attribute).value()).value_or(-1);
  }

  Manifest manifest;
  ThemeRules rules;
  TextShaper shaper;
  std::filesystem::path media;

 private:
  pugi::xml_document document_;
};

}  // namespace vitrine::overlay::test
