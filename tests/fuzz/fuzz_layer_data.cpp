// SPDX-License-Identifier: Apache-2.0
// A layer's data from outside: parsed, checked against shipped templates, and set into them.
#include <cstdlib>
#include <filesystem>

#include "core/json_text.h"
#include "core/text_rules.h"
#include "overlay/render/theme.h"

namespace {

using namespace vitrine;
using namespace vitrine::overlay;

struct Bench {
  std::unique_ptr<Theme> theme = *Theme::load(std::filesystem::path(VITRINE_SOURCE_DIR) / "themes/classic");
  TextShaper shaper;
  PhotoStore photos{{"/nonexistent"}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Bench bench;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size}, 64 * 1024);
  if (!json) return 0;
  for (const auto* name : {"product_card", "countdown", "lottery", "vote", "qr", "recap"}) {
    const auto manifest = bench.theme->manifest(name);
    const auto checked = LayerData::check(*json, **manifest);
    if (!checked) continue;
    const auto compiled = bench.theme->find(name, Orientation::kLandscape, bench.shaper);
    const auto drawing =
        (*compiled)->draw({*checked, LayerForm::kNormal, Instant{}, 1.0, bench.photos, bench.shaper});
    // What was accepted may be shown: nothing in it turns text around or hides it.
    if (drawing && find_unsafe_character(drawing->svg)) std::abort();
  }
  return 0;
}
