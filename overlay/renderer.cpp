// SPDX-License-Identifier: Apache-2.0
#include "overlay/renderer.h"

#include <utility>

#include <fmt/format.h>

#include "core/log.h"

namespace vitrine::overlay {
namespace {

constexpr std::string_view kComponent = "render";

// A worker that floods the studio with tiles must not fill its memory. One want of the largest kind (32
// layers with three forms, four programs) with 60 ticks ahead stays below.
constexpr size_t kMaxTiles = 4096;
constexpr size_t kMaxTileBytes = 512U << 20;

// One death may be an accident (memory, a person's kill), two a coincidence.
constexpr int kMaxDeaths = 3;

WorkerSpec worker_spec(const Renderer::Config& config) {
  return {"render",
          config.executable,
          {"--worker", "--theme-dir", config.theme_dir.string(), "--media-dir", config.media_dir.string()}};
}

}  // namespace

Renderer::Renderer(EventLoop& loop, Config config, Events events)
    : events_(std::move(events)),
      worker_(loop, worker_spec(config), config.policy,
              {.on_spawned = [this] { tell(); },
               .on_message = [this](Channel::Message message) { on_message(std::move(message)); },
               .on_ended =
                   [this](const Error& cause, std::chrono::milliseconds retry_in) {
                     log::warning(kComponent,
                                  "vitrine-render ended: {}; its tiles stay up, starting it again in {} ms",
                                  cause.message, retry_in.count());
                     on_worker_ended(cause);
                   }}) {
  tiles_.store(builder_.snapshot());
}

void Renderer::want(uint64_t generation, const ShowClock& clock, std::vector<TileSpec> specs) {
  PendingWant next;
  next.want.generation = generation;
  next.want.clock = clock;
  for (auto& spec : specs) {
    std::string key = spec.key();
    if (!next.keys.insert(key).second) continue;
    next.want.tiles.push_back({std::move(key), std::move(spec)});
  }
  wanted_ = std::move(next);
  has_wanted_ = true;
  builder_.keep_only(
      [this](const std::string& key) { return wanted_.keys.contains(key) || ready_.keys.contains(key); });
  tiles_.store(builder_.snapshot());
  tell();
}

void Renderer::tell() {
  if (!has_wanted_ || worker_.status().pid == 0) return;
  auto message = encode_want(wanted_.want);
  if (!message) return refuse({{"want", message.error().message, "a scene with less text or fewer layers"}});
  const int document = message->document.get();
  const auto sent =
      worker_.send(message->body, document < 0 ? std::span<const int>() : std::span(&document, 1));
  // A worker that doesn't read hangs; its missing heartbeat ends it, and the next one is told again.
  if (!sent)
    log::warning(kComponent, "telling vitrine-render what is wanted: {}; again after its restart",
                 sent.error().message);
}

void Renderer::on_message(Channel::Message message) {
  const auto found = message.body.find("type");
  const std::string type = found != message.body.end() && found->is_string() ? found->get<std::string>() : "";
  Status status;
  if (type == "tile") {
    status = take_tile(message);
  } else if (type == "ready") {
    const auto generation = decode_generation(message.body);
    if (!generation) {
      status = tl::unexpected(generation.error());
    } else if (*generation == wanted_.want.generation && !wanted_.is_ready) {
      wanted_.is_ready = true;
      ready_ = wanted_;
      has_ready_ = true;
      if (events_.on_ready) events_.on_ready(*generation);
    }
  } else if (type == "refused") {
    auto refusal = decode_refused(message.body);
    if (!refusal) {
      status = tl::unexpected(refusal.error());
    } else if (refusal->generation == wanted_.want.generation && !wanted_.is_ready) {
      refuse(std::move(refusal->problems));
    }
  }
  if (!status) worker_.fail_now(status.error());
}

Status Renderer::take_tile(Channel::Message& message) {
  auto header = decode_tile(message.body);
  if (!header) return tl::unexpected(header.error());
  // Not named any more: it crossed a newer want on its way.
  if (!wanted_.keys.contains(header->key) && !ready_.keys.contains(header->key)) return {};
  std::shared_ptr<const Tile> tile = Tile::blank();
  if (header->rect.width != 0 || header->rect.height != 0) {
    if (message.fds.size() != 1)
      return fail(ErrorCode::kProtocol, "render worker sent a tile without its pixels");
    auto opened = Tile::open(std::move(message.fds.front()), header->rect);
    if (!opened) return tl::unexpected(opened.error());
    tile = std::move(*opened);
  }
  builder_.forget_expired(wanted_.want.clock.at(steady_now()));
  builder_.add(header->key, header->is_time_bound, header->from, header->until, std::move(tile));
  if (builder_.set().tile_count() > kMaxTiles || builder_.set().bytes() > kMaxTileBytes) {
    builder_.keep_only([](const std::string&) { return false; });
    tiles_.store(builder_.snapshot());
    return fail(ErrorCode::kProtocol, "render worker sent more tiles than any scene needs");
  }
  tiles_.store(builder_.snapshot());
  return {};
}

void Renderer::on_worker_ended(const Error& cause) {
  if (!has_wanted_ || wanted_.is_ready || ++wanted_.deaths < kMaxDeaths) return;
  refuse({{"vitrine-render", fmt::format("died {} times while drawing this: {}", kMaxDeaths, cause.message),
           "layers that can be drawn"}});
}

void Renderer::refuse(Problems problems) {
  const uint64_t generation = wanted_.want.generation;
  // What is on air goes on: its countdowns need ticks, and a worker that was restarted meanwhile knows
  // nothing of it.
  has_wanted_ = has_ready_;
  wanted_ = has_ready_ ? ready_ : PendingWant();
  builder_.keep_only([this](const std::string& key) { return ready_.keys.contains(key); });
  tiles_.store(builder_.snapshot());
  tell();
  if (events_.on_refused) events_.on_refused(generation, std::move(problems));
}

}  // namespace vitrine::overlay
