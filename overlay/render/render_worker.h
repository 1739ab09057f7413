// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/channel.h"
#include "core/error.h"
#include "core/media_time.h"
#include "overlay/render/tile_maker.h"
#include "overlay/render_protocol.h"

namespace vitrine::overlay {

/// The drawing thread of vitrine-render: takes the newest want, draws what is new in it, and keeps every
/// countdown and clock drawn ahead of the show clock.
class RenderWorker {
 public:
  /// How far ahead time-bound tiles are drawn: three seconds are promised, and a restart of this worker takes
  /// one.
  static constexpr std::chrono::seconds kAhead{5};

  /// `channel` outlives this. `on_ended` is called once, from the drawing thread, when it can't go on.
  RenderWorker(Channel& channel, TileMaker::Directories directories, std::function<void(Error)> on_ended);
  ~RenderWorker();

  /// Thread: any. A want that was not finished is superseded.
  void want(Want want);

  /// What is being drawn and since when; for the thread that beats. A drawing that does not end is the
  /// studio's to see.
  struct Busy {
    uint64_t generation = 0;
    std::string template_name;
    MediaTime since{};
  };
  [[nodiscard]] std::optional<Busy> busy() const;

  [[nodiscard]] uint64_t tiles_drawn() const { return tiles_drawn_.load(std::memory_order_relaxed); }

 private:
  /// One wanted tile, drawn up to `drawn_until`.
  struct Live {
    TileSpec spec;
    bool is_time_bound = false;
    Instant drawn_until = Instant::min();
  };
  using LiveTiles = std::map<std::string, Live>;

  void run(const std::stop_token& stop);
  void take(const Want& want);
  /// Draws one tile and sends it. Returns when it ends.
  tl::expected<void, Problems> advance(const std::string& key, Live& live, Instant now, uint64_t generation);
  tl::expected<void, Problems> draw_ahead(const std::string& key, Live& live, uint64_t generation);
  void tick();
  [[nodiscard]] std::optional<Instant> next_due() const;
  [[nodiscard]] bool is_superseded() const;
  Status send_tile(const std::string& key, const TileMaker::Drawn& drawn);
  Status send(const nlohmann::json& body, std::span<const int> fds = {});

  Channel& channel_;
  const std::function<void(Error)> on_ended_;
  std::atomic<uint64_t> tiles_drawn_{0};

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Want> newest_;  // guarded by mutex_; not yet taken
  std::optional<Busy> busy_;    // guarded by mutex_

  // The drawing thread's own.
  TileMaker::Directories directories_;
  std::optional<TileMaker> maker_;
  ShowClock clock_;
  uint64_t generation_ = 0;
  LiveTiles live_;
  std::optional<Error> failure_;

  std::jthread thread_;
};

}  // namespace vitrine::overlay
