// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/media_time.h"
#include "overlay/render/tile_maker.h"
#include "overlay/tile_spec.h"

namespace vitrine::overlay {

struct OnceOptions {
  TileMaker::Directories directories;
  TileSpec spec;  // without its data
  std::filesystem::path data;
  std::filesystem::path out;
  Instant at;
  bool prints_json = false;
};

/// One template and one data file to a PNG, as it would go on air. Returns the exit status: 0, 1 when
/// refused.
int render_once(OnceOptions options);

/// Every template of a theme, read, checked and drawn with each of its samples, in every form. Prints every
/// problem. Returns the exit status: 0 without problems, else 1.
int check_theme(const std::filesystem::path& directory);

}  // namespace vitrine::overlay
