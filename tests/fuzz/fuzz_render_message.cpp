// SPDX-License-Identifier: Apache-2.0
// What a worker says to the studio, and the studio to a worker.
#include <cstdlib>

#include "core/json_text.h"
#include "core/text_rules.h"
#include "overlay/render_protocol.h"
#include "overlay/tile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;
  using namespace vitrine::overlay;
  auto body = parse_json({reinterpret_cast<const char*>(data), size}, Channel::kMaxMessageBytes);
  if (!body || !body->is_object()) return 0;
  if (const auto tile = decode_tile(*body)) {
    if (tile->until <= tile->from) std::abort();
    if (const auto again = decode_tile(encode_tile(*tile));
        !again || again->key != tile->key || again->rect != tile->rect)
      std::abort();
  }
  if (const auto refusal = decode_refused(*body)) {
    for (const auto& problem : refusal->problems) {
      if (find_unsafe_character(problem.text())) std::abort();
    }
  }
  (void)decode_generation(*body);
  if (const auto want = decode_want({std::move(*body), {}})) {
    for (const auto& tile : want->tiles) {
      if (tile.spec.canvas.width < 16 || tile.spec.canvas.width > Tile::kMaxSide) std::abort();
      (void)tile.spec.key();
    }
  }
  return 0;
}
