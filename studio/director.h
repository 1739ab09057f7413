// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/event_loop.h"
#include "core/program_state.h"
#include "overlay/renderer.h"
#include "studio/journal.h"
#include "studio/plan.h"

namespace vitrine::studio {

/// Takes desired program states and brings them on air: checked, rendered, saved, then shown, as one. What is
/// refused or fails on the way changes nothing. Thread: the loop's.
class Director {
 public:
  /// nullopt: it is on air and on disk. `warning` is not empty when it is on air but could not be saved (stop
  /// only).
  struct Outcome {
    std::optional<Error> error;
    Problems problems;
    uint64_t revision = 0;
    std::string warning;
  };
  using Done = std::function<void(Outcome)>;

  struct Events {
    /// Show this from the next frame on. Called for every program, once more after each accepted state.
    std::function<void(const std::string& program, std::shared_ptr<const Plan> plan, bool is_on_air,
                       const WantedDestinations& destinations)>
        on_plan;
  };

  struct Parts {
    EventLoop& loop;
    const Config& config;
    overlay::Renderer::Config renderer;
    SourceAccess sources;
    Journal& journal;
    StateStore store;
  };

  Director(Parts parts, Events events);

  /// Takes up the state saved on disk, or the default, and shows it at once. A saved state that no longer
  /// fits the configuration gives way to the default scene; programs that were on air stay on air.
  void start();

  /// A whole new state. Errors: kInvalidInput with problems, kStaleRevision, kTimeout when the render worker
  /// does not answer, kDiskFull and kIo when it can't be saved, kDeviceBusy when too many are waiting.
  void apply(nlohmann::json document, Done done);

  /// The current state with one program (all when empty) on or off air. Needs no rendering, so it works with
  /// a dead render worker. Off air happens before it is saved: a full disk must not keep a shop on air.
  void set_on_air(bool is_on_air, const std::string& program, Done done);

  [[nodiscard]] const ProgramState& state() const { return state_; }
  [[nodiscard]] const ShowClock& clock() const { return clock_; }
  [[nodiscard]] std::shared_ptr<const overlay::TileSet> tiles() const { return renderer_.tiles(); }
  [[nodiscard]] const overlay::Renderer& renderer() const { return renderer_; }
  /// What is wrong with the state that is shown, in a sentence; empty when nothing is.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

 private:
  struct Candidate {
    ProgramState state;
    ShowClock clock;
    std::map<std::string, PreparedPlan> plans;
    Done done;
    bool is_drawn = false;
    bool is_being_saved = false;
    bool is_overtaken = false;  // by a stop, while it was being saved
  };

  [[nodiscard]] ShowClock clock_for(const ProgramState& state) const;
  [[nodiscard]] std::map<std::string, PreparedPlan> prepare(const ProgramState& state,
                                                            const ShowClock& clock) const;
  [[nodiscard]] bool is_rendered(const Candidate& candidate) const;
  void next();
  void want();
  void give_up_drawing();
  void on_ready(uint64_t generation);
  void on_refused(uint64_t generation, Problems problems);
  void save(const nlohmann::json& document, std::function<void(const Status&)> then);
  void settle();
  void save_and_show();
  void start_programs(const std::string& program, const Done& done);
  void stop_programs(const std::string& program, const Done& done);
  void refuse_overtaken();
  [[nodiscard]] Candidate with_programs(bool is_on_air, const std::string& program) const;
  void show(Candidate candidate);
  void finish(Outcome outcome);

  EventLoop& loop_;
  const Config& config_;
  const SourceAccess sources_;
  Journal& journal_;
  const StateStore store_;
  const Events events_;

  ProgramState state_;
  ShowClock clock_;
  std::map<std::string, PreparedPlan> plans_;  // what is shown
  std::string complaint_;

  std::deque<std::pair<nlohmann::json, Done>> waiting_;
  std::unique_ptr<Candidate> candidate_;
  std::deque<std::pair<std::string, Done>> starts_;  // wait for the save that is under way
  int saves_ = 0;                                    // under way
  uint64_t generation_ = 0;
  uint64_t candidate_generation_ = 0;  // 0: it is not being rendered
  EventLoop::Watch render_timer_;

  overlay::Renderer renderer_;
};

}  // namespace vitrine::studio
