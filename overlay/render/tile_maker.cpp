// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/tile_maker.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "overlay/tile.h"

namespace vitrine::overlay {
namespace {

int even_up(double value) {
  return 2 * static_cast<int>(std::ceil(value / 2 - 1e-6));
}
int even_near(double value) {
  return 2 * static_cast<int>(std::lround(value / 2));
}

struct Geometry {
  double scale = 1;
  Point origin;
  Size size;
  Box viewport;
};

Geometry place(const Placement& placement, const SvgDocument& document, Size canvas) {
  const double across = static_cast<double>(canvas.width) / placement.canvas.width;
  const double down = static_cast<double>(canvas.height) / placement.canvas.height;
  Geometry geometry;
  geometry.scale = placement.is_full ? std::max(across, down) : std::min(across, down);
  const double width = document.width() * geometry.scale;
  const double height = document.height() * geometry.scale;
  if (placement.is_full) {
    geometry.size = canvas;
    geometry.viewport = {(canvas.width - width) / 2, (canvas.height - height) / 2, width, height};
    return geometry;
  }
  const auto along = [&](Placement::Edge edge, int extent, double length, int margin) {
    switch (edge) {
      case Placement::Edge::kStart:
        return margin * geometry.scale;
      case Placement::Edge::kMiddle:
        return (extent - length) / 2;
      case Placement::Edge::kEnd:
        return extent - length - margin * geometry.scale;
    }
    return 0.0;
  };
  geometry.origin = {even_near(along(placement.horizontal, canvas.width, width, placement.margin.x)),
                     even_near(along(placement.vertical, canvas.height, height, placement.margin.y))};
  geometry.size = {even_up(width), even_up(height)};
  geometry.viewport = {0, 0, width, height};
  return geometry;
}

Problems of_template(const std::string& name, Problems problems) {
  for (auto& problem : problems) {
    // What has a file name says where it stands; data needs the template's name.
    if (problem.where.starts_with("data"))
      problem.where = fmt::format("template '{}': {}", name, problem.where);
  }
  return problems;
}

}  // namespace

tl::expected<TileMaker::Loaded*, Problems> TileMaker::load(const std::string& name) {
  if (const auto known = themes_.find(name); known != themes_.end()) return &known->second;
  const auto directory = directories_.themes / name;
  auto theme = Theme::load(directory);
  if (!theme) return tl::unexpected(theme.error());
  Loaded loaded{std::move(*theme),
                std::make_unique<PhotoStore>(std::vector{directories_.media, directory / "media"})};
  return &themes_.emplace(name, std::move(loaded)).first->second;
}

tl::expected<Theme*, Problems> TileMaker::theme(const std::string& name) {
  auto loaded = load(name);
  if (!loaded) return tl::unexpected(loaded.error());
  return (*loaded)->theme.get();
}

tl::expected<TileMaker::Drawn, Problems> TileMaker::draw(const TileSpec& spec, Instant now) {
  auto loaded = load(spec.theme);
  if (!loaded) return tl::unexpected(loaded.error());
  Theme& theme = *(*loaded)->theme;
  const auto manifest = theme.manifest(spec.template_name);
  if (!manifest) return tl::unexpected(manifest.error());
  const auto tmpl = theme.find(spec.template_name, orientation_of(spec.canvas), shaper_);
  if (!tmpl) return tl::unexpected(tmpl.error());
  const auto data = LayerData::check(spec.data, **manifest);
  if (!data) return tl::unexpected(of_template(spec.template_name, data.error()));

  Drawn drawn;
  LayerForm form = spec.form;
  if (const auto deadline = (*tmpl)->first_deadline(*data, form); deadline && now >= *deadline) {
    form = LayerForm::kEnded;
    drawn.is_time_bound = true;
    drawn.from = *deadline;
  }
  drawn.is_blank = !(*manifest)->has_form(form);
  if (drawn.is_blank) return drawn;

  const Geometry geometry =
      place(*(*manifest)->placement(orientation_of(spec.canvas)), (*tmpl)->document(), spec.canvas);
  if (geometry.size.width > Tile::kMaxSide || geometry.size.height > Tile::kMaxSide) {
    return tl::unexpected(
        Problems{{spec.template_name,
                  fmt::format("{} x {} pixels on this canvas", geometry.size.width, geometry.size.height),
                  fmt::format("at most {} a side", Tile::kMaxSide)}});
  }
  auto drawing = (*tmpl)->draw({*data, form, now, geometry.scale, *(*loaded)->photos, shaper_});
  if (!drawing) return tl::unexpected(of_template(spec.template_name, drawing.error()));
  auto pixmap = rasterize(drawing->svg, geometry.viewport, geometry.size);
  if (!pixmap)
    return tl::unexpected(
        Problems{{spec.template_name, pixmap.error().message, "an SVG that librsvg can draw"}});
  drawn.viewport = geometry.viewport;
  drawn.pixmap = std::move(*pixmap);
  drawn.origin = geometry.origin;
  drawn.is_time_bound |= drawing->is_time_bound;
  drawn.from = std::max(drawn.from, drawing->from);
  drawn.until = std::min(drawn.until, drawing->until);
  drawn.drawing = std::move(*drawing);
  return drawn;
}

}  // namespace vitrine::overlay
