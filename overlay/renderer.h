// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/event_loop.h"
#include "core/latest_slot.h"
#include "core/media_time.h"
#include "core/worker.h"
#include "overlay/render_protocol.h"
#include "overlay/tile_spec.h"

namespace vitrine::overlay {

/// The studio's hand on vitrine-render: says which tiles may be needed, and holds what came of it.
/// The worker may die or hang at any time: tiles that were received stay, it is started again and told the
/// newest want. A want that kills the worker three times is refused, and the last one that was ready takes
/// its place. Thread: the loop's, but for tiles(). Callbacks come on the loop's thread and may call want(); a
/// want that is too large is refused before want() returns.
class Renderer {
 public:
  struct Config {
    std::filesystem::path executable;
    std::filesystem::path theme_dir;  // holds a directory for each theme
    std::filesystem::path media_dir;
    WorkerPolicy policy{};
  };

  struct Events {
    std::function<void(uint64_t generation)> on_ready;
    std::function<void(uint64_t generation, Problems problems)> on_refused;
  };

  Renderer(EventLoop& loop, Config config, Events events);

  void start() { worker_.start(); }

  /// Everything that may be needed from now on, what is on air included. Each want is answered by on_ready
  /// (every tile is there), by on_refused (nothing changed), or not at all when a newer one came before.
  /// Tiles of the last ready want are kept until the want after this one, so that a change of scene finds
  /// both.
  void want(uint64_t generation, const ShowClock& clock, std::vector<TileSpec> specs);

  /// Thread: any. Never null.
  [[nodiscard]] std::shared_ptr<const TileSet> tiles() const { return tiles_.load(); }

  [[nodiscard]] const WorkerStatus& status() const { return worker_.status(); }

 private:
  struct PendingWant {
    Want want;
    std::set<std::string, std::less<>> keys;
    bool is_ready = false;
    int deaths = 0;  // of the worker, since it was told
  };

  void tell();
  void on_message(Channel::Message message);
  Status take_tile(Channel::Message& message);
  void on_worker_ended(const Error& cause);
  void refuse(Problems problems);

  const Events events_;
  PendingWant wanted_;  // what the worker was told last
  PendingWant ready_;   // the newest that became ready
  bool has_wanted_ = false;
  bool has_ready_ = false;
  TileSetBuilder builder_;
  LatestSlot<TileSet> tiles_;
  Worker worker_;
};

}  // namespace vitrine::overlay
