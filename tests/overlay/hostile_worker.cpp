// SPDX-License-Identifier: Apache-2.0
// Speaks vitrine-render's protocol as a taken-over worker might. The last argument says how.
#include <string_view>

#include "core/shared_memory.h"
#include "core/worker_session.h"
#include "overlay/render_protocol.h"

namespace {

using namespace vitrine;
using nlohmann::json;

void send(Channel& channel, const json& body, int fd = -1) {
  (void)channel.send(body, fd < 0 ? std::span<const int>() : std::span(&fd, 1));
}

void misbehave(std::string_view mode, Channel& channel, const overlay::Want& want) {
  const std::string key = want.tiles.front().key;
  const overlay::TileLayout layout({16, 16});
  const std::vector<uint8_t> pixels(layout.bytes, 255);
  const json tile = overlay::encode_tile({key, {0, 0, 16, 16}});
  if (mode == "early_ready") return send(channel, overlay::encode_ready(want.generation));
  if (mode == "type_is_a_number") return send(channel, {{"type", 7}});
  if (mode == "tile_without_pixels") return send(channel, tile);
  if (mode == "unsealed_pixels") return send(channel, tile, create_sealed_memfd("tile", layout.bytes)->get());
  if (mode == "small_pixels")
    return send(channel, tile, create_immutable_memfd("tile", std::span(pixels).first(100))->get());
  if (mode == "huge_rect") {
    json broken = tile;
    broken["rect"] = {0, 0, 1 << 30, 1 << 30};
    return send(channel, broken, create_immutable_memfd("tile", pixels)->get());
  }
  if (mode == "foreign_tile") {
    // A key nobody asked for is no crime, it may have crossed a newer want; but it must not be kept.
    json foreign = tile;
    foreign["key"] = "0123456789abcdef0123456789abcdef";
    send(channel, foreign, create_immutable_memfd("tile", pixels)->get());
    send(channel, tile, create_immutable_memfd("tile", pixels)->get());
    return send(channel, overlay::encode_ready(want.generation));
  }
  if (mode == "flood") {
    const auto memory = create_immutable_memfd("tile", pixels);
    for (int64_t i = 0; i < 20'000; ++i) {
      json timed = tile;
      timed["time_bound"] = true;
      timed["from_us"] = 4'000'000'000'000'000 + i;
      timed["until_us"] = 4'000'000'000'000'001 + i;
      const int fd = memory->get();
      while (true) {
        const auto sent = channel.send(timed, std::span(&fd, 1));
        if (sent) break;
        if (sent.error().code != ErrorCode::kTimeout) return;
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto session = WorkerSession::open();
  if (!session || argc < 2) return 1;
  const std::string_view mode = argv[argc - 1];
  const auto ended = session->run(
      [&](Channel::Message message) -> Status {
        const auto want = overlay::decode_want(message);
        if (!want) return tl::unexpected(want.error());
        misbehave(mode, session->channel(), *want);
        return {};
      },
      [] { return json::object(); });
  return ended ? 0 : 1;
}
