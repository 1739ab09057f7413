// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/geometry.h"
#include "core/media_time.h"
#include "core/program_state.h"
#include "overlay/tile.h"

namespace vitrine::overlay {

/// What is to be drawn: everything a tile depends on but time.
struct TileSpec {
  std::string theme;
  std::string template_name;
  Size canvas;
  LayerForm form = LayerForm::kNormal;
  nlohmann::json data = nlohmann::json::object();

  /// Stable across processes and runs; equal specs have equal keys. BLAKE2b-128 of the canonical JSON, in
  /// hex.
  [[nodiscard]] std::string key() const;
};

/// Every tile there is, by the key of its spec: an immutable snapshot, so that card, countdown and licence of
/// one frame come from one moment. Thread: any.
class TileSet {
 public:
  /// The tile to show at `instant`; nullptr when there is none. It lives as long as this set.
  [[nodiscard]] const Tile* find(std::string_view key, Instant instant) const;

  /// True when what is shown changes by itself with time. A missing tile of such a layer must not be replaced
  /// by an older one: a standing countdown would be a lie.
  [[nodiscard]] bool is_time_bound(std::string_view key) const;

  /// The instant up to which find() has an answer without a gap, from `instant` on; `instant` itself when it
  /// has none.
  [[nodiscard]] Instant covered_until(std::string_view key, Instant instant) const;

  [[nodiscard]] size_t tile_count() const;
  [[nodiscard]] size_t bytes() const;

 private:
  friend class TileSetBuilder;
  struct Entry {
    Instant from;
    Instant until;
    std::shared_ptr<const Tile> tile;
  };
  struct Timeline {
    bool is_time_bound = false;
    std::vector<Entry> entries;  // by `from`, not overlapping
  };
  std::map<std::string, Timeline, std::less<>> timelines_;
};

/// Grows the next snapshot. Thread: one at a time.
class TileSetBuilder {
 public:
  /// Shown in [from, until). What it overlaps goes: a restarted worker's tiles take the place of the old
  /// ones.
  void add(const std::string& key, bool is_time_bound, Instant from, Instant until,
           std::shared_ptr<const Tile> tile);
  void forget_expired(Instant now);
  /// Drops every key that `is_wanted` doesn't want.
  template <typename Predicate>
  void keep_only(const Predicate& is_wanted) {
    std::erase_if(set_.timelines_, [&](const auto& item) { return !is_wanted(item.first); });
  }
  [[nodiscard]] const TileSet& set() const { return set_; }
  [[nodiscard]] std::shared_ptr<const TileSet> snapshot() const {
    return std::make_shared<const TileSet>(set_);
  }

 private:
  TileSet set_;
};

}  // namespace vitrine::overlay
