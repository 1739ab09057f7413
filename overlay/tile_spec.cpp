// SPDX-License-Identifier: Apache-2.0
#include "overlay/tile_spec.h"

#include <algorithm>
#include <array>
#include <sodium.h>

namespace vitrine::overlay {

std::string TileSpec::key() const {
  // nlohmann sorts the keys of an object, so equal values give equal text.
  const nlohmann::json canonical = {{"theme", theme},
                                    {"template", template_name},
                                    {"canvas", {canvas.width, canvas.height}},
                                    {"form", to_string(form)},
                                    {"data", data}};
  const std::string text = canonical.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  std::array<char, 2 * hash.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

const Tile* TileSet::find(std::string_view key, Instant instant) const {
  const auto found = timelines_.find(key);
  if (found == timelines_.end()) return nullptr;
  const auto& entries = found->second.entries;
  const auto next = std::ranges::upper_bound(entries, instant, {}, &Entry::from);
  if (next == entries.begin()) return nullptr;
  const Entry& entry = *std::prev(next);
  return instant < entry.until ? entry.tile.get() : nullptr;
}

bool TileSet::is_time_bound(std::string_view key) const {
  const auto found = timelines_.find(key);
  return found != timelines_.end() && found->second.is_time_bound;
}

Instant TileSet::covered_until(std::string_view key, Instant instant) const {
  const auto found = timelines_.find(key);
  if (found == timelines_.end()) return instant;
  Instant until = instant;
  for (const auto& entry : found->second.entries) {
    if (entry.from <= until && entry.until > until) until = entry.until;
  }
  return until;
}

size_t TileSet::tile_count() const {
  size_t count = 0;
  for (const auto& [key, timeline] : timelines_) count += timeline.entries.size();
  return count;
}

size_t TileSet::bytes() const {
  size_t bytes = 0;
  for (const auto& [key, timeline] : timelines_) {
    for (const auto& entry : timeline.entries) bytes += entry.tile->bytes();
  }
  return bytes;
}

void TileSetBuilder::add(const std::string& key, bool is_time_bound, Instant from, Instant until,
                         std::shared_ptr<const Tile> tile) {
  auto& timeline = set_.timelines_[key];
  timeline.is_time_bound = is_time_bound;
  auto& entries = timeline.entries;
  std::erase_if(entries, [&](const auto& entry) { return entry.from < until && from < entry.until; });
  const auto at = std::ranges::upper_bound(entries, from, {}, &TileSet::Entry::from);
  entries.insert(at, {from, until, std::move(tile)});
}

void TileSetBuilder::forget_expired(Instant now) {
  for (auto& [key, timeline] : set_.timelines_) {
    std::erase_if(timeline.entries, [&](const auto& entry) { return entry.until <= now; });
  }
}

}  // namespace vitrine::overlay
