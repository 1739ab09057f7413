// SPDX-License-Identifier: Apache-2.0
#include "studio/status.h"

#include <fmt/format.h>

#include "core/rfc3339.h"
#include "studio/studio.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kClockTolerance = 200ms;

double milliseconds(MediaTime time) {
  return std::round(static_cast<double>(time.count()) / 1e4) / 100;
}

/// The sentence for who mends it, and the code by which a page has words of its own.
void set_cause(json& body, const Error& error) {
  body["cause"] = error.message;
  body["cause_code"] = to_string(error.code);
}

class Description {
 public:
  explicit Description(const Studio& studio) : studio_(studio) {}

  json all() {
    json body = {{"ok", true},
                 {"version", VITRINE_VERSION},
                 {"studio", studio_.config().studio_name},
                 {"uptime_s", (steady_now() - studio_.started_at()) / 1s},
                 {"revision", studio_.director().state().revision}};
    auto& programs = body["programs"] = json::array();
    for (const auto& program : studio_.programs()) programs.push_back(describe_program(*program));
    auto& cameras = body["cameras"] = json::array();
    for (const auto& camera : studio_.sources().cameras())
      cameras.push_back(describe_source(camera, "camera"));
    auto& microphones = body["microphones"] = json::array();
    for (const auto& microphone : studio_.sources().microphones())
      microphones.push_back(describe_source(microphone, "microphone"));
    body["render"] = describe_renderer();
    body["clock"] = describe_clock();
    if (!studio_.director().complaint().empty()) complain(studio_.director().complaint());
    if (const int64_t lost = studio_.journal().lost_records(); lost > 0) {
      complain(fmt::format("{} as-run records could not be written; look at the disk", lost));
    }
    body["problems"] = problems_;
    return body;
  }

 private:
  void complain(std::string sentence) { problems_.push_back(std::move(sentence)); }

  json describe_program(const Program& program) {
    const auto& config = program.config();
    const auto stats = program.engine().stats();
    const auto& rate = config.frame_rate;
    json body = {{"id", config.id},
                 {"size", {config.size.width, config.size.height}},
                 {"fps", rate.den == 1 ? std::to_string(rate.num) : fmt::format("{}/{}", rate.num, rate.den)},
                 {"on_air", program.broadcast() != nullptr},
                 {"state", to_string(program.state())},
                 {"frames",
                  {{"put_out", stats.frames},
                   {"fps", std::round(stats.fps * 10) / 10},
                   {"late", stats.late},
                   {"repeated", stats.repeated},
                   {"skipped", stats.skipped},
                   {"compose_ms", std::round(stats.compose_ms * 100) / 100},
                   {"compose_p95_ms", std::round(stats.compose_p95_ms * 100) / 100}}},
                 {"sound",
                  {{"peak_db", std::round(stats.sound_peak_db * 10) / 10},
                   {"missing_ms", stats.missing_samples / 48}}}};
    if (program.state() == Program::State::kFailed) {
      set_cause(body, program.last_error());
      complain(fmt::format("{}: not on air though it should be: {}; tried again every 2 s", config.id,
                           program.last_error().message));
    }
    describe_picture(program, body);
    if (const auto* broadcast = program.broadcast()) describe_broadcast(config, *broadcast, body);
    return body;
  }

  void describe_picture(const Program& program, json& body) {
    const auto change = program.engine().last_change();
    if (!change) return;
    const Plan& plan = *change->plan;
    body["scene"] = plan.scene_id;
    const int camera = change->visible.camera;
    json picture = {{"slate", camera == Visible::kSlate}};
    if (camera >= 0) {
      picture["camera"] =
          camera == 0 ? plan.pictures.front().camera.id : plan.fallbacks[static_cast<size_t>(camera - 1)].id;
    }
    if (camera != 0 && !plan.pictures.empty()) {
      complain(fmt::format("{}: {} is shown because camera {} gives no picture", program.config().id,
                           camera < 0 ? "the slate" : "camera " + picture["camera"].get<std::string>(),
                           plan.pictures.front().camera.id));
    }
    body["picture"] = std::move(picture);
    const Instant now = plan.clock.at(steady_now());
    auto& layers = body["layers"] = json::array();
    for (size_t i = 0; i < plan.layers.size(); ++i) {
      const auto& layer = plan.layers[i].layer;
      const LayerForm form = change->visible.forms[i];
      json entry = {{"id", layer.id},
                    {"template", layer.template_name},
                    {"form", to_string(form)},
                    {"valid_until", format_rfc3339(layer.valid_until)}};
      if (form == LayerForm::kNormal) entry["seconds_left"] = (layer.valid_until - now) / 1s;
      if (form != layer.form_at(now) && layer.form_at(now) == LayerForm::kNormal) {
        complain(fmt::format("{}: layer {} is {} although its lease runs: it has not been drawn",
                             program.config().id, layer.id, to_string(form)));
      }
      layers.push_back(std::move(entry));
    }
  }

  void describe_broadcast(const ProgramConfig& config, const Broadcast& broadcast, json& body) {
    body["session"] = broadcast.session();
    body["since"] = format_rfc3339(broadcast.since());
    body["elapsed_s"] = (system_now() - broadcast.since()) / 1s;
    const auto stats = broadcast.encoder().stats();
    body["encoder"] = {{"kbps", (stats.video_bps + stats.audio_bps) / 1000},
                       {"frames", stats.frames_out},
                       {"dropped", stats.frames_dropped},
                       {"encode_ms", milliseconds(stats.encode_p50)},
                       {"encode_p95_ms", milliseconds(stats.encode_p95)},
                       {"delay_ms", milliseconds(stats.delay_p95)}};
    auto& destinations = body["destinations"] = json::array();
    for (const auto& destination : broadcast.destinations())
      destinations.push_back(describe_destination(destination));
    if (const auto* recorder = broadcast.recorder())
      body["recording"] = describe_recording(config, *recorder);
  }

  json describe_destination(const Broadcast::Destination& destination) {
    json body = {{"id", destination.config.id},
                 {"name", destination.config.name},
                 {"platform", destination.config.platform}};
    if (!destination.is_wanted || destination.leaving.valid()) {
      body["state"] = "off";
      return body;
    }
    if (!destination.publisher) {
      body["state"] = "left out";
      set_cause(body, destination.error);
      complain(fmt::format("destination {}: {}; mend it and type: vitrinectl retry", destination.config.id,
                           destination.error.message));
      return body;
    }
    const auto status = destination.publisher->status();
    body["state"] = encoder::to_string(status.state);
    body["since"] = format_rfc3339(status.since);
    body["kbps"] = status.bitrate_bps / 1000;
    body["lag_ms"] = status.lag / 1ms;
    body["frames_sent"] = status.frames_sent;
    body["packets_skipped"] = status.packets_skipped;
    body["connects"] = status.connects;
    body["server"] = status.server;
    if (status.last_fault && status.state != encoder::PublisherState::kLive) {
      set_cause(body, *status.last_fault);
      complain(fmt::format("destination {}: {}; the others are not affected", destination.config.id,
                           status.last_fault->message));
    }
    return body;
  }

  json describe_recording(const ProgramConfig& config, const encoder::Recorder& recorder) {
    using State = encoder::RecorderStatus::State;
    const auto status = recorder.status();
    json body = {{"file", status.file.filename().string()},
                 {"directory", status.file.parent_path().string()},
                 {"megabytes", static_cast<double>(status.bytes / 1'000) / 1'000},
                 {"gaps", status.gaps},
                 {"lost_ms", status.lost / 1ms}};
    switch (status.state) {
      case State::kWaiting:
        body["state"] = "waiting";
        break;
      case State::kRecording:
        body["state"] = "recording";
        break;
      case State::kFailing:
        body["state"] = "failing";
        break;
      case State::kStopped:
        body["state"] = "stopped";
        break;
    }
    std::error_code ignored;
    const auto space = std::filesystem::space(studio_.config().recording.directory, ignored);
    const double free_mib =
        static_cast<double>(space.available) / (1 << 20) - studio_.config().recording.min_free_mib;
    const double mib_per_hour = (config.video_kbps + config.audio_kbps) / 8.0 * 3600 / 1024;
    body["hours_left"] = std::max(0.0, std::floor(free_mib / mib_per_hour));
    if (status.last_error && status.state == State::kFailing) {
      set_cause(body, *status.last_error);
      complain(fmt::format("recording of {}: {}; the broadcast is not affected", config.id,
                           status.last_error->message));
    }
    return body;
  }

  json describe_source(const Sources::Entry& entry, std::string_view kind) {
    json body = {{"id", entry.id}, {"name", entry.name}, {"source", entry.address}};
    const auto status = entry.source->status();
    body["state"] = entry.is_present ? std::string(capture::to_string(status.state)) : "absent";
    body["restarts"] = status.restarts;
    body["pid"] = status.pid;
    const auto& report = status.report;
    if (kind == "camera" && report.size.width > 0 && status.frame_age) {
      body["size"] = {report.size.width, report.size.height};
      body["fps"] = std::round(report.fps * 10) / 10;
      body["age_ms"] = *status.frame_age / 1ms;
    }
    if (kind == "microphone") body["level_db"] = std::round(report.level_db);
    if (!report.format.empty()) body["format"] = report.format;
    body["warnings"] = report.warnings;
    if (!entry.is_present) {
      complain(fmt::format("{} {}: no device matches {}; plug it in, it is taken at once", kind, entry.id,
                           entry.address));
    } else if (!entry.secret_error.empty()) {
      complain(fmt::format("{} {}: {}", kind, entry.id, entry.secret_error));
    } else if (status.state != capture::SourceStatus::State::kLive) {
      const std::string cause = status.last_error.message;
      if (!cause.empty()) set_cause(body, status.last_error);
      complain(fmt::format("{} {}: {}{}{}; tried again without end", kind, entry.id,
                           capture::to_string(status.state), cause.empty() ? "" : ": ", cause));
    }
    for (const auto& warning : report.warnings)
      complain(fmt::format("{} {} looks wrong: {}", kind, entry.id, warning));
    return body;
  }

  json describe_renderer() {
    const auto& status = studio_.director().renderer().status();
    const bool is_running = status.state == WorkerStatus::State::kRunning;
    if (!is_running && status.last_error.code != ErrorCode::kUnknown) {
      complain(fmt::format("the render worker is down: {}; what is drawn stays up to its lease",
                           status.last_error.message));
    }
    return {{"state", is_running ? "running" : "starting"},
            {"pid", status.pid},
            {"restarts", status.restarts},
            {"tiles", studio_.director().tiles()->tile_count()}};
  }

  json describe_clock() {
    const auto& state = studio_.director().state();
    const auto shown = studio_.director().clock().at(steady_now());
    const auto moved =
        std::chrono::duration_cast<std::chrono::milliseconds>(system_now() + state.clock_offset - shown);
    if (std::chrono::abs(moved) > kClockTolerance) {
      complain(
          fmt::format("the system clock was set by {} ms since the state was applied; countdowns follow the "
                      "old time until "
                      "it is applied again",
                      moved.count()));
    }
    return {{"show", format_rfc3339(shown)},
            {"offset_ms", state.clock_offset.count()},
            {"moved_ms", moved.count()}};
  }

  const Studio& studio_;
  std::vector<std::string> problems_;
};

}  // namespace

json describe(const Studio& studio) {
  return Description(studio).all();
}

}  // namespace vitrine::studio
