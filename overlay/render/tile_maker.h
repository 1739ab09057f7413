// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/media_time.h"
#include "overlay/render/photo.h"
#include "overlay/render/rasterizer.h"
#include "overlay/render/template.h"
#include "overlay/render/text_shaper.h"
#include "overlay/render/theme.h"
#include "overlay/render/tile_pixels.h"
#include "overlay/tile_spec.h"

namespace vitrine::overlay {

/// From a spec and an instant to pixels.
/// Thread: one; that of its fonts.
class TileMaker {
 public:
  struct Directories {
    std::filesystem::path themes;
    std::filesystem::path media;
  };
  explicit TileMaker(Directories directories) : directories_(std::move(directories)) {}

  struct Drawn {
    Drawing drawing;  // what librsvg drew
    Box viewport;     // where in `pixmap` the drawing lies
    Pixmap pixmap;
    Point origin;           // of the pixmap on the canvas; even
    bool is_blank = false;  // the template does not have this form
    bool is_time_bound = false;
    Instant from = Instant::min();
    Instant until = Instant::max();
  };
  /// What this spec shows at `now`, and how long. A countdown that is over shows its ended form, whatever was
  /// asked for. Problems name the template and its data, or file, line and element.
  tl::expected<Drawn, Problems> draw(const TileSpec& spec, Instant now);

  tl::expected<Theme*, Problems> theme(const std::string& name);
  [[nodiscard]] TextShaper& shaper() { return shaper_; }

 private:
  struct Loaded {
    std::unique_ptr<Theme> theme;
    std::unique_ptr<PhotoStore> photos;
  };
  tl::expected<Loaded*, Problems> load(const std::string& name);

  const Directories directories_;
  TextShaper shaper_;
  std::map<std::string, Loaded> themes_;
};

}  // namespace vitrine::overlay
