// SPDX-License-Identifier: Apache-2.0
// What one tile costs vitrine-render, by template; a countdown's tick is budgeted at 5 ms.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <benchmark/benchmark.h>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "overlay/render/tile_maker.h"

namespace vitrine::overlay {
namespace {

const std::filesystem::path kThemes = std::filesystem::path(VITRINE_SOURCE_DIR) / "themes";

TileSpec sample(const std::string& name, const std::string& which) {
  std::ifstream file(kThemes / "classic/samples" / (name + "." + which + ".json"));
  std::ostringstream text;
  text << file.rdbuf();
  return {"classic", name, {1920, 1080}, LayerForm::kNormal, *parse_json(text.str(), 1 << 20)};
}

void draw(benchmark::State& state, const std::string& name, const std::string& which) {
  TileMaker maker({kThemes, kThemes / "classic/media"});
  const TileSpec spec = sample(name, which);
  Instant now = *parse_rfc3339("2026-11-11T12:00:00Z");
  for (auto _ : state) {
    auto drawn = maker.draw(spec, now);
    if (!drawn) return state.SkipWithError(drawn.error().front().text().c_str());
    benchmark::DoNotOptimize(to_tile_pixels(drawn->pixmap));
    now += std::chrono::milliseconds(
        drawn->is_time_bound ? 1 : 0);  // another text each time would soon pass the deadline
  }
}

BENCHMARK_CAPTURE(draw, product_card, "product_card", "water")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(draw, countdown_tick, "countdown", "minutes")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(draw, certificate, "certificate", "water")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(draw, licence, "licence", "shop")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(draw, shop_name, "shop_name", "shop")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(draw, slate, "slate", "default")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vitrine::overlay

BENCHMARK_MAIN();
