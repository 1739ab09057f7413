// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/event_loop.h"
#include "core/latest_slot.h"
#include "studio/broadcast.h"
#include "studio/journal.h"
#include "studio/program_engine.h"

namespace vitrine::studio {

/// One program of the box: its engine, always running, and its broadcast while it is on air. Keeps what is
/// towards what should be: a broadcast that could not start or whose encoder failed is tried again without
/// end. Thread: the loop's.
class Program {
 public:
  struct Parts {
    EventLoop& loop;
    const vitrine::Config& config;
    const ProgramConfig& program;
    encoder::StreamRules rules;
    std::function<std::shared_ptr<const overlay::TileSet>()> tiles;
    Journal& journal;
  };

  explicit Program(Parts parts);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// The plan from the next frame on, whether the program should be on air, and where. A null plan keeps the
  /// one before.
  void show(std::shared_ptr<const Plan> plan, bool is_on_air, WantedDestinations destinations);

  /// Ends a running broadcast for good; `on_finished` when there is none any more.
  void shut_down(std::function<void()> on_finished);

  void retry_now();
  /// Whether its show publishes to this destination, is about to, or still takes its leave there.
  [[nodiscard]] bool needs(const std::string& destination) const;
  /// Errors: kStopped while it is off air; those of `Broadcast::open_view`.
  Result<Broadcast::View> open_view();

  enum class State { kOffAir = 0, kOnAir, kStopping, kFailed };
  [[nodiscard]] State state() const;
  [[nodiscard]] const ProgramConfig& config() const { return parts_.program; }
  [[nodiscard]] const ProgramEngine& engine() const { return engine_; }
  [[nodiscard]] const Broadcast* broadcast() const { return broadcast_.get(); }
  [[nodiscard]] const Error& last_error() const { return last_error_; }

  /// Counts frames really put out: while on air coded ones, else composed ones. What the watchdog looks at.
  [[nodiscard]] int64_t progress() const;

 private:
  struct Session {
    std::string name;
    std::filesystem::path records;
  };

  void reconcile();
  void start_broadcast();
  void stop_broadcast();
  void record(nlohmann::json entry) const;
  void record_change(const ProgramEngine::Change& change) const;

  const Parts parts_;
  LatestSlot<Session> session_;
  ProgramEngine engine_;
  std::unique_ptr<Broadcast> broadcast_;
  bool should_be_on_air_ = false;
  WantedDestinations wanted_;
  bool is_stopping_ = false;
  Error last_error_;
  std::function<void()> on_shut_down_;
  EventLoop::Watch check_timer_;
};

std::string_view to_string(Program::State state);

}  // namespace vitrine::studio
