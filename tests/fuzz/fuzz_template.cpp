// SPDX-License-Identifier: Apache-2.0
// A template from outside: read, checked, compiled, filled. Not drawn: what librsvg makes of it is bounded by
// the worker's watchdog, not by us, and would only be slow here.
#include <cstdlib>
#include <string>

#include "core/rfc3339.h"
#include "overlay/render/template.h"

namespace {

using namespace vitrine;
using namespace vitrine::overlay;

constexpr const char* kManifest = R"(
title = "fuzz"
forms = ["normal", "ended", "neutral"]
[landscape]
file = "x.svg"
[fields.name]
type = "text"
[fields.price]
type = "money"
[fields.stock]
type = "integer"
[fields.total]
type = "integer"
[fields.until]
type = "instant"
[fields.photo]
type = "image"
[fields.hot]
type = "boolean"
[fields.lines]
type = "list"
[fields.link]
type = "link"
[fields.rows]
type = "rows"
[fields.rows.fields.name]
type = "text"
[fields.rows.fields.percent]
type = "integer"
)";

constexpr const char* kData =
    R"({"name":"长白山天然矿泉水 24 bottles","price":{"minor":3990,"currency":"CNY"},"stock":5,"total":9,
  "until":"2026-11-11T12:00:00Z","hot":true,"lines":["a","二"],
  "link":"https://shop.example/g","rows":[{"name":"a","percent":62},{"name":"b"}]})";

struct Bench {
  Manifest manifest = *parse_manifest(kManifest, "fuzz", "fuzz.toml");
  LayerData data = *LayerData::check(nlohmann::json::parse(kData), manifest);
  ThemeRules rules;
  TextShaper shaper;
  PhotoStore photos{{"/nonexistent"}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Bench bench;
  SvgDocument::Limits limits;
  limits.max_elements = 200;
  auto document = SvgDocument::parse(std::string(reinterpret_cast<const char*>(data), size), "x.svg", limits);
  if (!document) return 0;
  auto compiled = Template::compile(std::move(*document), bench.manifest, bench.rules, bench.shaper);
  if (!compiled) return 0;
  const Instant now = *parse_rfc3339("2026-11-11T11:59:55Z");
  for (const auto form : {LayerForm::kNormal, LayerForm::kEnded}) {
    (void)compiled->first_deadline(bench.data, form);
    const auto drawing = compiled->draw({bench.data, form, now, 1.0, bench.photos, bench.shaper});
    if (!drawing) continue;
    // What we hand to librsvg is XML, whatever came in.
    pugi::xml_document again;
    if (!again.load_string(drawing->svg.c_str())) std::abort();
    if (drawing->is_time_bound && (drawing->from > now || drawing->until <= now)) std::abort();
  }
  return 0;
}
