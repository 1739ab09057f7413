// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/channel.h"
#include "core/error.h"
#include "core/geometry.h"
#include "core/media_time.h"
#include "core/program_state.h"
#include "core/unique_fd.h"
#include "overlay/tile_spec.h"

namespace vitrine::overlay {

/// What the studio and vitrine-render say to each other: docs/architecture.md, "Worker channels". Both ends
/// check.

struct WantedTile {
  std::string key;
  TileSpec spec;
};

/// Everything that may be needed now; it takes the place of the one before.
struct Want {
  uint64_t generation = 0;
  ShowClock clock;
  std::vector<WantedTile> tiles;
};

inline constexpr size_t kMaxWantedTiles = 1024;
inline constexpr size_t kMaxWantBytes = 16U << 20;

/// A message ready to be sent. A want too large for the channel travels as JSON in an immutable memfd beside
/// it.
struct OutgoingWant {
  nlohmann::json body;
  UniqueFd document;
};
Result<OutgoingWant> encode_want(const Want& want);
Result<Want> decode_want(const Channel::Message& message);

/// One tile, its pixels in the descriptor beside the message. A blank one has an empty rect and no
/// descriptor.
struct TileMessage {
  std::string key;
  Rect rect;
  bool is_time_bound = false;
  Instant from = Instant::min();
  Instant until = Instant::max();
};
nlohmann::json encode_tile(const TileMessage& tile);
Result<TileMessage> decode_tile(const nlohmann::json& body);

nlohmann::json encode_ready(uint64_t generation);
nlohmann::json encode_refused(uint64_t generation, const Problems& problems);
struct Refusal {
  uint64_t generation = 0;
  Problems problems;
};
Result<Refusal> decode_refused(const nlohmann::json& body);
Result<uint64_t> decode_generation(const nlohmann::json& body);

}  // namespace vitrine::overlay
