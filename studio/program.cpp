// SPDX-License-Identifier: Apache-2.0
#include "studio/program.h"

#include <algorithm>

#include "core/log.h"
#include "core/rfc3339.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;

/// Sorts by time, and stands in file names.
std::string session_name(Instant instant) {
  std::string name = format_rfc3339(instant).substr(0, 19) + "Z";
  std::erase_if(name, [](char c) { return c == '-' || c == ':'; });
  return name;
}

std::string camera_name(const Plan& plan, int camera) {
  if (camera == Visible::kSlate) return "";
  if (camera == 0) return plan.pictures.front().camera.id;
  return plan.fallbacks[static_cast<size_t>(camera - 1)].id;
}

}  // namespace

std::string_view to_string(Program::State state) {
  switch (state) {
    case Program::State::kOffAir:
      return "off air";
    case Program::State::kOnAir:
      return "on air";
    case Program::State::kStopping:
      return "stopping";
    case Program::State::kFailed:
      return "failed";
  }
  return "off air";
}

Program::Program(Parts parts)
    : parts_(std::move(parts)),
      engine_({parts_.program, parts_.tiles,
               [this](const ProgramEngine::Change& change) { record_change(change); }}) {
  engine_.start();
  check_timer_ = parts_.loop.every(2s, [this] { reconcile(); });
}

Program::~Program() = default;

void Program::show(std::shared_ptr<const Plan> plan, bool is_on_air, WantedDestinations destinations) {
  if (plan) engine_.set_plan(std::move(plan));
  should_be_on_air_ = is_on_air;
  wanted_ = std::move(destinations);
  reconcile();
}

void Program::shut_down(std::function<void()> on_finished) {
  should_be_on_air_ = false;
  on_shut_down_ = std::move(on_finished);
  reconcile();
}

void Program::reconcile() {
  if (is_stopping_) return;
  if (broadcast_ && broadcast_->encoder().stats().last_error) {
    last_error_ = *broadcast_->encoder().stats().last_error;
    log::error("program", "{}: the encoder failed: {}; starting another", parts_.program.id,
               last_error_.message);
    return stop_broadcast();
  }
  if (should_be_on_air_ && !broadcast_) return start_broadcast();
  if (!should_be_on_air_ && broadcast_) return stop_broadcast();
  if (broadcast_) return broadcast_->publish_to(wanted_);
  if (!broadcast_ && on_shut_down_) std::exchange(on_shut_down_, nullptr)();
}

void Program::start_broadcast() {
  const std::string session = session_name(system_now());
  const auto directory = parts_.config.recording.directory / parts_.program.id / session;
  session_.store(std::make_shared<Session>(Session{session, directory / "as-run.jsonl"}));
  auto broadcast = Broadcast::start({parts_.config, parts_.program, parts_.rules, session,
                                     [this](nlohmann::json entry) { record(std::move(entry)); }});
  if (!broadcast) {
    session_.store(nullptr);
    last_error_ = broadcast.error();
    log::error("program", "{}: could not go on air: {}; trying again in 2 s", parts_.program.id,
               last_error_.message);
    return;
  }
  last_error_ = {};
  broadcast_ = std::move(*broadcast);
  broadcast_->publish_to(wanted_);
  record({{"type", "session"},
          {"event", "started"},
          {"fps_num", parts_.program.frame_rate.num},
          {"fps_den", parts_.program.frame_rate.den}});
  engine_.set_sink(broadcast_->sink());
  log::info("program", "{}: on air, session {}, {} destinations, recording {}", parts_.program.id, session,
            std::ranges::count_if(broadcast_->destinations(), &Broadcast::Destination::is_wanted),
            parts_.program.is_recorded ? "to " + directory.string() : "off");
}

void Program::stop_broadcast() {
  engine_.set_sink(nullptr);
  is_stopping_ = true;
  log::info("program", "{}: going off air", parts_.program.id);
  broadcast_->stop([this] {
    parts_.loop.post([this] {
      record({{"type", "session"}, {"event", "ended"}});
      session_.store(nullptr);
      broadcast_.reset();
      is_stopping_ = false;
      log::info("program", "{}: off air", parts_.program.id);
      reconcile();
    });
  });
}

Result<Broadcast::View> Program::open_view() {
  if (!broadcast_ || is_stopping_)
    return fail(ErrorCode::kStopped,
                parts_.program.id + " is not on air: there is nothing to look at but its snapshot");
  return broadcast_->open_view();
}

void Program::retry_now() {
  if (broadcast_ && !is_stopping_) broadcast_->retry_now();
}

bool Program::needs(const std::string& id) const {
  if (!broadcast_)
    return should_be_on_air_ && (!wanted_ || std::ranges::find(*wanted_, id) != wanted_->end());
  return std::ranges::any_of(broadcast_->destinations(), [&](const auto& destination) {
    const bool is_leaving =
        destination.leaving.valid() && destination.leaving.wait_for(0s) != std::future_status::ready;
    return destination.config.id == id && (destination.is_wanted || destination.publisher || is_leaving);
  });
}

Program::State Program::state() const {
  if (is_stopping_) return State::kStopping;
  if (broadcast_) return State::kOnAir;
  return should_be_on_air_ ? State::kFailed : State::kOffAir;
}

int64_t Program::progress() const {
  if (broadcast_ && !is_stopping_) return static_cast<int64_t>(broadcast_->encoder().stats().frames_out);
  return engine_.frames();
}

void Program::record(nlohmann::json entry) const {
  const auto session = session_.load();
  if (!session) return;
  entry["program"] = parts_.program.id;
  entry["session"] = session->name;
  if (!entry.contains("utc")) entry["utc"] = format_rfc3339(system_now());
  parts_.journal.append(session->records, std::move(entry));
}

void Program::record_change(const ProgramEngine::Change& change) const {
  if (!change.pts) return;  // nobody saw it
  auto layers = nlohmann::json::array();
  for (size_t i = 0; i < change.plan->layers.size(); ++i) {
    const auto& placed = change.plan->layers[i];
    const LayerForm form = change.visible.forms[i];
    nlohmann::json layer = {
        {"id", placed.layer.id}, {"template", placed.layer.template_name}, {"form", to_string(form)}};
    if (form != LayerForm::kHidden) {
      layer["tile"] = placed.key_of(form);
      layer["data"] = placed.layer.data;
      layer["valid_until"] = format_rfc3339(placed.layer.valid_until);
    }
    layers.push_back(std::move(layer));
  }
  const std::string camera = camera_name(*change.plan, change.visible.camera);
  record({{"type", "visible"},
          {"utc", format_rfc3339(change.instant)},
          {"frame", change.frame},
          {"pts_ms", *change.pts / 1ms},
          {"revision", change.visible.revision},
          {"scene", change.plan->scene_id},
          {"camera", camera.empty() ? nlohmann::json(nullptr) : nlohmann::json(camera)},
          {"layers", std::move(layers)}});
}

}  // namespace vitrine::studio
