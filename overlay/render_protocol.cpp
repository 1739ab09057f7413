// SPDX-License-Identifier: Apache-2.0
#include "overlay/render_protocol.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/object_reader.h"
#include "core/shared_memory.h"
#include "core/text_rules.h"
#include "overlay/tile.h"

namespace vitrine::overlay {
namespace {

using nlohmann::json;

constexpr std::array kForms = {LayerForm::kNormal, LayerForm::kEnded, LayerForm::kNeutral};
constexpr size_t kMaxProblems = 64;
constexpr size_t kMaxProblemBytes = 512;

int64_t to_us(Instant instant) {
  return instant.time_since_epoch().count();
}
Instant from_us(int64_t us) {
  return Instant(std::chrono::microseconds(us));
}

Error protocol_error(std::string_view message, const Problems& problems) {
  return Error{ErrorCode::kProtocol, fmt::format("{}: {}", message, problems.front().text())};
}

json encode_tiles(const std::vector<WantedTile>& tiles) {
  json list = json::array();
  for (const auto& [key, spec] : tiles) {
    list.push_back({{"key", key},
                    {"theme", spec.theme},
                    {"template", spec.template_name},
                    {"canvas", {spec.canvas.width, spec.canvas.height}},
                    {"form", to_string(spec.form)},
                    {"data", spec.data}});
  }
  return list;
}

std::vector<int64_t> integers(ObjectReader& reader, std::string_view key, size_t count, int64_t min,
                              int64_t max) {
  std::vector<int64_t> numbers;
  reader.values(key, count, count, [&](const json& value, const std::string&) {
    const bool is_good =
        value.is_number_integer() && value.get<int64_t>() >= min && value.get<int64_t>() <= max;
    if (!is_good)
      reader.refuse(key, describe(value), fmt::format("{} integers from {} to {}", count, min, max));
    numbers.push_back(is_good ? value.get<int64_t>() : min);
  });
  numbers.resize(count, min);
  return numbers;
}

WantedTile read_wanted_tile(ObjectReader& reader) {
  WantedTile tile;
  tile.key = reader.id("key");
  tile.spec.theme = reader.id("theme");
  tile.spec.template_name = reader.id("template");
  const auto canvas = integers(reader, "canvas", 2, 16, Tile::kMaxSide);
  tile.spec.canvas = {static_cast<int>(canvas[0]), static_cast<int>(canvas[1])};
  tile.spec.form = kForms[reader.one_of("form", {"normal", "ended", "neutral"})];
  const auto* data = reader.any("data");
  if (data != nullptr && data->is_object()) {
    tile.spec.data = *data;
  } else {
    reader.refuse("data", data == nullptr ? "nothing" : describe(*data), "an object");
  }
  return tile;
}

/// What a problem quotes comes from layer data; it is bounded, and a quoted direction override must not turn
/// the sentence.
std::string sendable(std::string text) {
  if (const auto unsafe = find_unsafe_character(text)) return fmt::format("text with {}", *unsafe);
  if (text.size() <= kMaxProblemBytes) return text;
  size_t end = kMaxProblemBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

Result<OutgoingWant> encode_want(const Want& want) {
  OutgoingWant message;
  message.body = {{"type", "want"},
                  {"generation", want.generation},
                  {"clock", {{"steady_ns", want.clock.steady.count()}, {"utc_us", to_us(want.clock.utc)}}}};
  json tiles = encode_tiles(want.tiles);
  const std::string text = tiles.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kMaxWantBytes || want.tiles.size() > kMaxWantedTiles) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} tiles with {} bytes of data are wanted; at most {} and {}", want.tiles.size(),
                            text.size(), kMaxWantedTiles, kMaxWantBytes));
  }
  constexpr size_t kRoomForTheRest = 1024;
  if (text.size() + kRoomForTheRest <= Channel::kMaxMessageBytes) {
    message.body["tiles"] = std::move(tiles);
    return message;
  }
  auto document =
      create_immutable_memfd("want", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  if (!document) return tl::unexpected(document.error());
  message.document = std::move(*document);
  return message;
}

Result<Want> decode_want(const Channel::Message& message) {
  json body = message.body;
  if (!message.fds.empty()) {
    auto size = verify_memfd(message.fds.front().get(), Sealing::kImmutable, kMaxWantBytes);
    if (!size) return tl::unexpected(size.error());
    auto mapping = Mapping::create(message.fds.front().get(), 0, *size, Mapping::Access::kRead);
    if (!mapping) return tl::unexpected(mapping.error());
    auto tiles = parse_json({reinterpret_cast<const char*>(mapping->data()), mapping->size()}, kMaxWantBytes);
    if (!tiles) return tl::unexpected(tiles.error());
    body["tiles"] = std::move(*tiles);
  }
  Want want;
  Problems problems;
  ObjectReader reader(body, "want", problems);
  (void)reader.any("type");
  want.generation = static_cast<uint64_t>(reader.integer("generation", 0, INT64_MAX));
  reader.object("clock", [&](ObjectReader& clock) {
    want.clock.steady = MediaTime(clock.integer("steady_ns", 0, INT64_MAX));
    want.clock.utc = from_us(clock.integer("utc_us", 0, INT64_MAX / 2));
  });
  reader.array("tiles", 0, kMaxWantedTiles,
               [&](ObjectReader& tile) { want.tiles.push_back(read_wanted_tile(tile)); });
  reader.finish();
  if (!problems.empty()) return tl::unexpected(protocol_error("want not understood", problems));
  return want;
}

json encode_tile(const TileMessage& tile) {
  json body = {{"type", "tile"},
               {"key", tile.key},
               {"rect", {tile.rect.x, tile.rect.y, tile.rect.width, tile.rect.height}},
               {"time_bound", tile.is_time_bound}};
  if (tile.from != Instant::min()) body["from_us"] = to_us(tile.from);
  if (tile.until != Instant::max()) body["until_us"] = to_us(tile.until);
  return body;
}

Result<TileMessage> decode_tile(const json& body) {
  TileMessage tile;
  Problems problems;
  ObjectReader reader(body, "tile", problems);
  (void)reader.any("type");
  tile.key = reader.id("key");
  const auto rect = integers(reader, "rect", 4, -Tile::kMaxSide, Tile::kMaxSide);
  tile.rect = {static_cast<int>(rect[0]), static_cast<int>(rect[1]), static_cast<int>(rect[2]),
               static_cast<int>(rect[3])};
  tile.is_time_bound = reader.boolean_or("time_bound", false);
  constexpr int64_t kFarthest = INT64_MAX / 2;
  if (reader.has("from_us")) tile.from = from_us(reader.integer("from_us", 0, kFarthest));
  if (reader.has("until_us")) tile.until = from_us(reader.integer("until_us", 0, kFarthest));
  if (tile.until <= tile.from)
    reader.refuse("until_us", std::to_string(to_us(tile.until)), "later than from_us");
  reader.finish();
  if (!problems.empty()) return tl::unexpected(protocol_error("tile not understood", problems));
  return tile;
}

json encode_ready(uint64_t generation) {
  return {{"type", "ready"}, {"generation", generation}};
}

json encode_refused(uint64_t generation, const Problems& problems) {
  json list = json::array();
  for (const auto& problem : problems) {
    if (list.size() == kMaxProblems) break;
    list.push_back({{"where", sendable(problem.where)},
                    {"found", sendable(problem.found)},
                    {"allowed", sendable(problem.allowed)}});
  }
  return {{"type", "refused"}, {"generation", generation}, {"problems", std::move(list)}};
}

Result<uint64_t> decode_generation(const json& body) {
  Problems problems;
  ObjectReader reader(body, "message", problems);
  const auto generation = static_cast<uint64_t>(reader.integer("generation", 0, INT64_MAX));
  if (!problems.empty()) return tl::unexpected(protocol_error("message not understood", problems));
  return generation;
}

Result<Refusal> decode_refused(const json& body) {
  Refusal refusal;
  Problems problems;
  ObjectReader reader(body, "refused", problems);
  (void)reader.any("type");
  refusal.generation = static_cast<uint64_t>(reader.integer("generation", 0, INT64_MAX));
  constexpr ObjectReader::TextLimits kText{kMaxProblemBytes + 8, true};
  reader.array("problems", 1, kMaxProblems, [&](ObjectReader& item) {
    Problem problem;
    problem.where = item.text("where", kText);
    problem.found = item.text("found", kText);
    problem.allowed = item.text("allowed", kText);
    refusal.problems.push_back(std::move(problem));
  });
  reader.finish();
  if (!problems.empty()) return tl::unexpected(protocol_error("refusal not understood", problems));
  return refusal;
}

}  // namespace vitrine::overlay
