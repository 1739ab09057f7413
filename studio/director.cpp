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

/// nullptr when `value` is no object or has no such member: a saved state may hold anything.
const nlohmann::json* member(const nlohmann::json& value, const char* key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

/// On air if it was in `saved`, and only where it was: a destination that nobody chose must not begin because
/// another one was renamed.
void keep_air(const nlohmann::json& saved, const Config& config, nlohmann::json& program) {
  for (const auto& entry : saved) {
    const auto* const id = member(entry, "id");
    if (id == nullptr || *id != program["id"]) continue;
    const auto* const on_air = member(entry, "on_air");
    program["on_air"] = on_air != nullptr && *on_air == true;
    const auto* const wanted = member(entry, "destinations");
    if (wanted == nullptr) continue;
    auto& kept = program["destinations"] = nlohmann::json::array();
    for (const auto& destination : config.destinations)
      if (destination.program == program["id"] &&
          std::ranges::find(*wanted, nlohmann::json(destination.id)) != wanted->end())
        kept.push_back(destination.id);
  }
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
      const auto& before = **saved;
      const auto* const revision = member(before, "revision");
      if (revision != nullptr && revision->is_number_unsigned() && *revision < kMaxRevision)
        document["revision"] = revision->get<uint64_t>() + 1;
      const auto* const programs = member(before, "programs");
      for (auto& program : document["programs"])
        if (programs != nullptr) keep_air(*programs, config_, program);
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
      want();
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

void Director::want() {
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
  if (candidate_) add(candidate_->plans);
  ++generation_;
  const bool is_drawing = candidate_ && !candidate_->is_drawn;
  candidate_generation_ = is_drawing ? generation_ : 0;
  render_timer_ = {};
  if (is_drawing) render_timer_ = loop_.after(kRenderTimeout, [this] { give_up_drawing(); });
  renderer_.want(generation_, candidate_ ? candidate_->clock : clock_, std::move(tiles));
}

void Director::give_up_drawing() {
  finish({Error{ErrorCode::kTimeout,
                fmt::format("the render worker did not draw the scene within {} s (last error: {}); the show "
                            "goes on unchanged, send it again",
                            kRenderTimeout.count(), renderer_.status().last_error.message)},
          {},
          state_.revision,
          ""});
  want();
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
  want();
}

/// The disk must end with what is shown, so one change is saved at a time; only a stop goes ahead of a save,
/// and its own comes after it.
void Director::save(const nlohmann::json& document, std::function<void(const Status&)> then) {
  ++saves_;
  journal_.save_state(document, [this, then = std::move(then)](Status saved) {
    loop_.post([this, then, saved = std::move(saved)] {
      --saves_;
      then(saved);
      settle();
    });
  });
}

void Director::settle() {
  while (saves_ == 0 && !starts_.empty()) {
    const auto [program, done] = std::move(starts_.front());
    starts_.pop_front();
    start_programs(program, done);
  }
  if (saves_ == 0 && candidate_ && candidate_->is_drawn) save_and_show();
}

void Director::save_and_show() {
  candidate_->is_drawn = true;
  if (saves_ > 0) return;  // settle() comes back to it
  if (candidate_->state.revision <= state_.revision) return refuse_overtaken();
  candidate_->is_being_saved = true;
  save(candidate_->state.document, [this](const Status& saved) {
    if (candidate_->is_overtaken) return refuse_overtaken();
    if (!saved) {
      finish({saved.error().with_context("the state could not be saved and is not shown"),
              {},
              state_.revision,
              ""});
      return want();
    }
    Candidate candidate = std::move(*candidate_);
    candidate_.reset();
    show(std::move(candidate));
  });
}

/// By a start or stop while it was being drawn or saved.
void Director::refuse_overtaken() {
  finish({Error{ErrorCode::kStaleRevision, fmt::format("revision {} went on air meanwhile", state_.revision)},
          {},
          state_.revision,
          ""});
  want();
}

void Director::show(Candidate candidate) {
  state_ = std::move(candidate.state);
  clock_ = candidate.clock;
  plans_ = std::move(candidate.plans);
  for (const auto& program : config_.programs) {
    const auto* scene = state_.find_program(program.id);
    const auto plan = plans_.find(program.id);
    events_.on_plan(program.id, plan == plans_.end() ? nullptr : plan->second.plan,
                    scene != nullptr && scene->is_on_air,
                    scene != nullptr ? scene->destinations : std::nullopt);
  }
  want();
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
  return is_on_air ? start_programs(program, done) : stop_programs(program, done);
}

Director::Candidate Director::with_programs(bool is_on_air, const std::string& program) const {
  Candidate candidate;
  candidate.state = decode_own(with_on_air(state_.document, is_on_air, program), config_);
  candidate.clock = clock_;
  candidate.plans = prepare(candidate.state, clock_);
  return candidate;
}

void Director::start_programs(const std::string& program, const Done& done) {
  if (saves_ > 0) {
    starts_.emplace_back(program, done);
    return;
  }
  const auto candidate = std::make_shared<Candidate>(with_programs(true, program));
  save(candidate->state.document, [this, candidate, done](const Status& saved) {
    if (!saved) {
      return done({saved.error().with_context("not started, because it could not be saved"),
                   {},
                   state_.revision,
                   ""});
    }
    if (candidate->state.revision <= state_.revision) {
      return done({Error{ErrorCode::kStaleRevision, "a stop came first"}, {}, state_.revision, ""});
    }
    candidate->done = done;
    show(std::move(*candidate));
  });
}

void Director::stop_programs(const std::string& program, const Done& done) {
  // Who pressed Stop meant everything that was sent before it as well.
  for (const auto& [waiting, refuse] : std::exchange(starts_, {})) {
    refuse({Error{ErrorCode::kStaleRevision, "a stop came first"}, {}, state_.revision, ""});
  }
  for (const auto& [document, refuse] : std::exchange(waiting_, {})) {
    refuse({Error{ErrorCode::kStaleRevision, "a stop came first"}, {}, state_.revision, ""});
  }
  show(with_programs(false, program));
  if (candidate_ && candidate_->is_being_saved) {
    candidate_->is_overtaken = true;
  } else if (candidate_) {
    refuse_overtaken();
  }
  save(state_.document, [this, revision = state_.revision, done](const Status& saved) {
    const std::string warning =
        saved ? ""
              : "off air, but this could not be saved: after a restart the show would go on (" +
                    saved.error().message + ")";
    done({std::nullopt, {}, revision, warning});
  });
}

}  // namespace vitrine::studio
