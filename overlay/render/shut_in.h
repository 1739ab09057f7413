// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/error.h"
#include "overlay/render/tile_maker.h"

namespace vitrine::overlay {

/// Loads what the renderer's libraries read lazily (font configuration and its caches, picture formats, the
/// time zone), then enters the sandbox: from here on only the themes, the media and the fonts can be read,
/// and nothing written. Before the first foreign byte and before any other thread. Pango is not warmed: it
/// starts threads of its own, which would stay outside.
Result<std::string> shut_in(const TileMaker::Directories& directories);

}  // namespace vitrine::overlay
