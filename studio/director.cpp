// SPDX-License-Identifier: Apache-2.0
#include "studio/director.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/log.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxWaiting = 8;

/// A whole scene with photos renders in well under a second; a restart of the worker fits in as well.
constexpr auto kRenderTimeout = 8s;

ProgramState decode_own(const nlohmann::json& document, const Config& config) {
  auto state = decode_program_state(document, config);
  return state ? *state : ProgramState{};
}

std::set<std::string> keys_of(const std::map<std::string, PreparedPlan>& plans) {
  std::set<std::string> keys;
  for (const auto& [program, prepared] : plans) {
    for (const auto& tile : prepared.tiles) keys.insert(tile.key());
  }
  return keys;
}

}  // namespace

Director::Director(Parts parts, Events events)
    : loop_(parts.loop),
      config_(parts.config),
      sources_(std::move(parts.sources)),
      journal_(parts.journal),
      store_(std::move(parts.store)),
      events_(std::move(events)),
      renderer_(
          parts.loop, std::move(parts.renderer),
          {[this](uint64_t generation) { on_ready(generation); },
           [this](uint64_t generation, Problems problems) { on_refused(generation, std::move(problems)); }}) {
}

ShowClock Director::clock_for(const ProgramState& state) const {
  return {steady_now(), system_now() + state.clock_offset};
}

std::map<std::string, PreparedPlan> Director::prepare(const ProgramState& state,
                                                      const ShowClock& clock) const {
  std::map<std::string, PreparedPlan> plans;
  for (const auto& program : state.programs) {
    plans[program.program] = prepare_plan(program, state.revision, clock, config_,
                                          *config_.find_program(program.program), sources_);
  }
  return plans;
}

void Director::start() {
  const auto fallback = default_program_state(config_);
  nlohmann::json document = fallback;
  auto saved = store_.load();
  if (!saved) {
    complaint_ = saved.error().message;
    log::error("director", "{}; starting with the default scene", complaint_);
  } else if (*saved) {
    if (const auto decoded = decode_program_state(**saved, config_)) {
      document = **saved;
    } else {
      complaint_ =
          "the saved scene does not fit the configuration any more: " + to_error(decoded.error()).message;
      log::error("director", "{}; showing the default scene", complaint_);
      // Whoever sends states must not be told that theirs is on air: the default is a revision of its own.
      const auto revision = (*saved)->value("revision", uint64_t{0});
      document["revision"] = std::max<uint64_t>(revision, 1) + 1;
      for (auto& program : document["programs"]) {
        for (const auto& before : (*saved)->value("programs", nlohmann::json::array())) {
          if (before.is_object() && before.value("id", "") == program["id"])
            program["on_air"] = before.value("on_air", false);
        }
      }
    }
  }
  renderer_.start();
  Candidate candidate;
  candidate.state = decode_own(document, config_);
  candidate.clock = clock_for(candidate.state);
  candidate.plans = prepare(candidate.state, candidate.clock);
  show(std::move(candidate));
}

void Director::apply(nlohmann::json document, Done done) {
  if (waiting_.size() >= kMaxWaiting) {
    return done(
        {Error{ErrorCode::kDeviceBusy, fmt::format("{} states are waiting to be rendered", waiting_.size())},
         {},
         state_.revision,
         ""});
  }
  waiting_.emplace_back(std::move(document), std::move(done));
  next();
}

void Director::next() {
  while (!candidate_ && !waiting_.empty()) {
    auto [document, done] = std::move(waiting_.front());
    waiting_.pop_front();
    auto state = decode_program_state(document, config_);
    if (!state) {
      done({Error{ErrorCode::kInvalidInput, "the state is refused; the show goes on unchanged"},
            std::move(state.error()), state_.revision, ""});
      continue;
    }
    if (state->revision == state_.revision && state->document == state_.document) {
      done({std::nullopt, {}, state_.revision, ""});  // sent again after a lost answer
      continue;
    }
    if (state->revision <= state_.revision) {
      done({Error{ErrorCode::kStaleRevision, fmt::format("revision {} is not newer than {}, which is on air; "
                                                         "read it with {{\"op\":\"state\"}} and build on it",
                                                         state->revision, state_.revision)},
            {},
            state_.revision,
            ""});
      continue;
    }
    candidate_ = std::make_unique<Candidate>();
    candidate_->state = std::move(*state);
    candidate_->clock = clock_for(candidate_->state);
    candidate_->plans = prepare(candidate_->state, candidate_->clock);
    candidate_->done = std::move(done);
    if (is_rendered(*candidate_)) {
      save_and_show();
    } else {
      want(candidate_.get());
    }
  }
}

bool Director::is_rendered(const Candidate& candidate) const {
  // Keys that are shown already, and drawn for the next second: a clock that moved needs other countdown
  // tiles.
  const auto tiles = renderer_.tiles();
  const Instant instant = candidate.clock.at(steady_now());
  return std::ranges::all_of(keys_of(candidate.plans), [&](const std::string& key) {
    return tiles->covered_until(key, instant) > instant + 1s;
  });
}

void Director::want(const Candidate* candidate) {
  std::vector<overlay::TileSpec> tiles;
  std::set<std::string> keys;
  const auto add = [&](const std::map<std::string, PreparedPlan>& plans) {
    for (const auto& [program, prepared] : plans) {
      for (const auto& tile : prepared.tiles) {
        if (keys.insert(tile.key()).second) tiles.push_back(tile);
      }
    }
  };
  // What is shown goes on being rendered until the candidate takes its place.
  add(plans_);
  if (candidate != nullptr) add(candidate->plans);
  ++generation_;
  candidate_generation_ = candidate != nullptr ? generation_ : 0;
  render_timer_ = {};
  if (candidate != nullptr) {
    render_timer_ = loop_.after(kRenderTimeout, [this] {
      finish(
          {Error{
               ErrorCode::kTimeout,
               fmt::format(
                   "the render worker did not draw the scene within {} s (last error: {}); the show goes on "
                   "unchanged, send it again",
                   kRenderTimeout.count(), renderer_.status().last_error.message)},
           {},
           state_.revision,
           ""});
      want(nullptr);
    });
  }
  renderer_.want(generation_, candidate != nullptr ? candidate->clock : clock_, std::move(tiles));
}

void Director::on_ready(uint64_t generation) {
  if (generation != candidate_generation_) {
    if (complaint_.starts_with("not drawn")) complaint_.clear();
    return;
  }
  render_timer_ = {};
  candidate_generation_ = 0;
  save_and_show();
}

void Director::on_refused(uint64_t generation, Problems problems) {
  if (generation != candidate_generation_) {
    // What is on air was accepted once: a template or photo has been changed under it.
    complaint_ = "not drawn: " + to_error(problems).message;
    log::error("director", "{}", complaint_);
    return;
  }
  finish(
      {Error{ErrorCode::kInvalidInput, "the scene can't be drawn and is refused; the show goes on unchanged"},
       std::move(problems), state_.revision, ""});
  want(nullptr);
}

void Director::save_and_show() {
  const auto refuse_if_overtaken = [this] {
    if (candidate_->state.revision > state_.revision) return false;
    finish(
        {Error{ErrorCode::kStaleRevision, fmt::format("revision {} went on air meanwhile", state_.revision)},
         {},
         state_.revision,
         ""});
    want(nullptr);
    return true;
  };
  if (refuse_if_overtaken()) return;  // by a start or stop, while this one was being drawn
  journal_.save_state(candidate_->state.document, [this, refuse_if_overtaken](Status saved) {
    loop_.post([this, refuse_if_overtaken, saved = std::move(saved)] {
      if (!saved) {
        finish({saved.error().with_context("the state could not be saved and is not shown"),
                {},
                state_.revision,
                ""});
        return want(nullptr);
      }
      if (refuse_if_overtaken()) return;  // the other's save came after this one's: the disk holds the other
      Candidate candidate = std::move(*candidate_);
      candidate_.reset();
      show(std::move(candidate));
    });
  });
}

void Director::show(Candidate candidate) {
  state_ = std::move(candidate.state);
  clock_ = candidate.clock;
  plans_ = std::move(candidate.plans);
  for (const auto& program : config_.programs) {
    const auto* scene = state_.find_program(program.id);
    const auto plan = plans_.find(program.id);
    events_.on_plan(program.id, plan == plans_.end() ? nullptr : plan->second.plan,
                    scene != nullptr && scene->is_on_air);
  }
  want(nullptr);
  if (candidate.done) candidate.done({std::nullopt, {}, state_.revision, ""});
  loop_.post([this] { next(); });
}

void Director::finish(Outcome outcome) {
  candidate_generation_ = 0;
  render_timer_ = {};
  auto done = std::move(candidate_->done);
  candidate_.reset();
  done(std::move(outcome));
  loop_.post([this] { next(); });
}

void Director::set_on_air(bool is_on_air, const std::string& program, Done done) {
  if (!program.empty() && state_.find_program(program) == nullptr) {
    return done({Error{ErrorCode::kNotFound, fmt::format("there is no program \"{}\"", program)},
                 {},
                 state_.revision,
                 ""});
  }
  Candidate candidate;
  candidate.state = decode_own(with_on_air(state_.document, is_on_air, program), config_);
  candidate.clock = clock_;
  candidate.plans = prepare(candidate.state, clock_);
  const auto document = candidate.state.document;
  const uint64_t revision = candidate.state.revision;
  const auto shared = std::make_shared<Candidate>(std::move(candidate));
  if (!is_on_air) {
    show(std::move(*shared));
    journal_.save_state(document, [this, revision, done](Status saved) {
      loop_.post([revision, done, saved = std::move(saved)] {
        done({std::nullopt,
              {},
              revision,
              saved ? ""
                    : "off air, but this could not be saved: after a restart the show would go on (" +
                          saved.error().message + ")"});
      });
    });
    return;
  }
  journal_.save_state(document, [this, shared, revision, done](Status saved) {
    loop_.post([this, shared, revision, done, saved = std::move(saved)] {
      if (!saved) {
        return done({saved.error().with_context("not started, because it could not be saved"),
                     {},
                     state_.revision,
                     ""});
      }
      if (revision <= state_.revision) {
        return done({Error{ErrorCode::kStaleRevision, "another change came first; try again"},
                     {},
                     state_.revision,
                     ""});
      }
      show(std::move(*shared));
      done({std::nullopt, {}, revision, ""});
    });
  });
}

}  // namespace vitrine::studio
