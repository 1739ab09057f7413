// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/control_socket.h"
#include "core/event_loop.h"
#include "studio/director.h"
#include "studio/journal.h"
#include "studio/program.h"
#include "studio/sources.h"
#include "studio/trials.h"

namespace vitrine::studio {

/// The whole media plane of one box: sources, renderer, programs, and the door for those who tell it what to
/// show. Thread: the loop's.
class Studio {
 public:
  struct Parts {
    EventLoop& loop;
    Config config;
    std::vector<encoder::Platform> platforms;
    std::filesystem::path libexec_dir;  // where vitrine-source and vitrine-render are
  };

  /// Errors: kIo when a directory can't be made, kDeviceBusy when another studio runs here.
  static Result<std::unique_ptr<Studio>> start(Parts parts);
  Studio(const Studio&) = delete;
  Studio& operator=(const Studio&) = delete;

  /// Goes off air without forgetting that it was on: after a restart the show goes on. Then `on_finished`.
  void shut_down(std::function<void()> on_finished);

  // What status() reads.
  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const Sources& sources() const { return sources_; }
  [[nodiscard]] const Director& director() const { return director_; }
  [[nodiscard]] const Journal& journal() const { return journal_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Program>>& programs() const { return programs_; }
  [[nodiscard]] MediaTime started_at() const { return started_at_; }

 private:
  explicit Studio(Parts parts);
  void handle(const ControlServer::Caller& caller, nlohmann::json request, ControlServer::Reply reply);
  /// The canvas of a program as it is now, and of a camera what it sees.
  void take_snapshot(const std::string& program, int most_width, const ControlServer::Reply& reply);
  void take_camera_snapshot(const std::string& camera, int most_width, const ControlServer::Reply& reply);
  void open_view(const std::string& program, const ControlServer::Reply& reply);
  void try_destination(const std::string& id, const ControlServer::Reply& reply);
  void begin_trial(const DestinationConfig& destination, Result<Secret> key,
                   const ControlServer::Reply& reply);
  [[nodiscard]] Program* find_program(const std::string& id) const;
  void feed_watchdog();
  void keep_recordings();
  void log_statistics();

  EventLoop& loop_;
  const Config config_;
  const MediaTime started_at_;
  Journal journal_;
  Sources sources_;
  Trials trials_;
  Director director_;
  std::vector<std::unique_ptr<Program>> programs_;
  std::unique_ptr<ControlServer> control_;
  std::vector<int64_t> watched_progress_;
  std::vector<EventLoop::Watch> timers_;
};

}  // namespace vitrine::studio
