// SPDX-License-Identifier: Apache-2.0
#include "studio/studio.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/log.h"
#include "core/object_reader.h"
#include "core/secret.h"
#include "core/shared_memory.h"
#include "encoder/png.h"
#include "encoder/retention.h"
#include "hw/service.h"
#include "studio/check.h"
#include "studio/status.h"

namespace vitrine::studio {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kMostWidth = 16'384;

json refusal(const Error& error, const Problems& problems = {}) {
  json body = {{"ok", false}, {"error", {{"code", to_string(error.code)}, {"message", error.message}}}};
  if (!problems.empty()) {
    auto& list = body["error"]["problems"] = json::array();
    for (const auto& problem : problems) {
      list.push_back({{"where", problem.where}, {"found", problem.found}, {"allowed", problem.allowed}});
    }
  }
  return body;
}

json to_json(const Director::Outcome& outcome) {
  if (outcome.error) return refusal(*outcome.error, outcome.problems);
  json body = {{"ok", true}, {"revision", outcome.revision}};
  if (!outcome.warning.empty()) body["warning"] = outcome.warning;
  return body;
}

ControlServer::Answer snapshot_of(const ConstI420& picture, int most_width, json body) {
  const auto png = encoder::encode_png(picture, most_width);
  if (!png) return {refusal(png.error()), {}};
  auto memory = create_immutable_memfd("snapshot", *png);
  if (!memory) return {refusal(memory.error()), {}};
  body["ok"] = true;
  body["bytes"] = png->size();
  return {std::move(body), std::move(*memory)};
}

Status make_directories(const Config& config) {
  for (const auto& path : {config.state_dir, config.run_dir, config.media_dir, config.recording.directory}) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error)
      return fail(ErrorCode::kIo, fmt::format("creating {}: {}", path.string(), error.message()),
                  error.value());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Studio>> Studio::start(Parts parts) {
  if (auto made = make_directories(parts.config); !made) return tl::unexpected(made.error());
  std::unique_ptr<Studio> studio(new Studio(std::move(parts)));
  // The door before everything else: a second studio must not touch cameras and destinations of the first.
  auto control =
      ControlServer::listen(studio->loop_, studio->config_.control_socket(),
                            [studio = studio.get()](ControlServer::Request request, auto reply) {
                              studio->handle(request.caller, std::move(request.body), std::move(reply));
                            });
  if (!control) return tl::unexpected(control.error());
  studio->control_ = std::move(*control);
  studio->sources_.start();
  studio->director_.start();
  return studio;
}

Studio::Studio(Parts parts)
    : loop_(parts.loop),
      config_(std::move(parts.config)),
      started_at_(steady_now()),
      journal_(StateStore(config_.state_dir)),
      sources_(loop_, parts.libexec_dir / "vitrine-source", config_),
      trials_(loop_),
      director_({loop_,
                 config_,
                 {parts.libexec_dir / "vitrine-render", config_.theme_dir, config_.media_dir, {}},
                 sources_.access(),
                 journal_,
                 StateStore(config_.state_dir)},
                {[this](const std::string& program, std::shared_ptr<const Plan> plan, bool is_on_air,
                        const WantedDestinations& destinations) {
                  if (is_on_air) trials_.give_way(program, destinations);
                  find_program(program)->show(std::move(plan), is_on_air, destinations);
                }}) {
  for (const auto& program : config_.programs) {
    programs_.push_back(std::make_unique<Program>(
        Program::Parts{loop_, config_, program, encoder::stream_rules(config_, program.id, parts.platforms),
                       [this] { return director_.tiles(); }, journal_}));
  }
  watched_progress_.resize(programs_.size(), -1);
  timers_.push_back(loop_.every(10s, [this] { log_statistics(); }));
  timers_.push_back(loop_.every(60s, [this] { keep_recordings(); }));
  if (const auto interval = hw::watchdog_interval()) {
    timers_.push_back(loop_.every(*interval / 3, [this] { feed_watchdog(); }));
  }
}

Program* Studio::find_program(const std::string& id) const {
  for (const auto& program : programs_) {
    if (program->config().id == id) return program.get();
  }
  return nullptr;
}

void Studio::shut_down(std::function<void()> on_finished) {
  if (!control_) return;  // asked twice
  control_.reset();
  timers_.clear();
  trials_.cancel();
  const auto left = std::make_shared<size_t>(programs_.size());
  for (auto& program : programs_) {
    program->shut_down([left, on_finished] {
      if (--*left == 0) on_finished();
    });
  }
}

void Studio::handle(const ControlServer::Caller& caller, json request, ControlServer::Reply reply) {
  Problems problems;
  ObjectReader reader(request, "", problems);
  const std::string op = reader.id("op");
  const std::string program = reader.text_or("program", "", {.max_bytes = 64, .may_be_empty = true});
  const std::string camera = reader.text_or("camera", "", {.max_bytes = 64, .may_be_empty = true});
  const std::string destination = reader.text_or("destination", "", {.max_bytes = 64, .may_be_empty = true});
  const auto most_width = static_cast<int>(reader.integer_or("width", kMostWidth, 16, kMostWidth));
  const bool has_state = reader.any("state") != nullptr;
  const Instant until = reader.has("until") ? reader.instant("until") : system_now();
  reader.finish();
  if (!problems.empty()) return reply({refusal(to_error(problems)), {}});
  const auto done = [reply, op, program, caller](const Director::Outcome& outcome) {
    const std::string what = op == "apply"     ? fmt::format("revision {}", outcome.revision)
                             : program.empty() ? "everything"
                                               : program;
    log::info("control", "{} by uid {} (pid {}): {}", op, caller.uid, caller.pid,
              outcome.error ? "refused: " + outcome.error->message : what + " done");
    reply({to_json(outcome), {}});
  };
  if (op == "status") return reply({describe(*this), {}});
  if (op == "state") return reply({{{"ok", true}, {"state", director_.state().document}}, {}});
  if (op == "snapshot") {
    return camera.empty() ? take_snapshot(program, most_width, reply)
                          : take_camera_snapshot(camera, most_width, reply);
  }
  if (op == "view") return open_view(program, reply);
  if (op == "apply") {
    if (!has_state) return reply({refusal({ErrorCode::kInvalidInput, "\"apply\" needs a \"state\""}), {}});
    return director_.apply(std::move(request["state"]), done);
  }
  if (op == "start" || op == "stop") return director_.set_on_air(op == "start", program, done);
  if (op == "check") {
    // It reads files: the thread that may wait for the disk does it.
    return journal_.run_later([this, until, reply] {
      loop_.post([reply, body = check_destinations(config_, until)] { reply({body, {}}); });
    });
  }
  if (op == "retry") {
    for (auto& each : programs_) each->retry_now();
    return reply({{{"ok", true}}, {}});
  }
  if (op == "try_destination") return try_destination(destination, reply);
  reply({refusal(
             {ErrorCode::kInvalidInput, fmt::format("unknown op \"{}\"; known: status, state, apply, start, "
                                                    "stop, snapshot, view, check, retry, try_destination",
                                                    op)}),
         {}});
}

void Studio::take_snapshot(const std::string& asked, int most_width, const ControlServer::Reply& reply) {
  const std::string& id = asked.empty() ? config_.programs.front().id : asked;
  const auto* program = find_program(id);
  if (program == nullptr)
    return reply({refusal({ErrorCode::kNotFound, fmt::format("there is no program \"{}\"", id)}), {}});
  const auto frame = program->engine().last_frame();
  if (!frame) return reply({refusal({ErrorCode::kNotFound, "no frame was put out yet; try again"}), {}});
  reply(snapshot_of(frame->picture(), most_width, {{"program", id}}));
}

void Studio::take_camera_snapshot(const std::string& id, int most_width, const ControlServer::Reply& reply) {
  if (config_.find_camera(id) == nullptr)
    return reply({refusal({ErrorCode::kNotFound, fmt::format("there is no camera \"{}\"", id)}), {}});
  const auto frame = sources_.latest_frame(id);
  if (!frame) return reply({refusal({ErrorCode::kStopped, "camera " + id + " gives no picture now"}), {}});
  reply(snapshot_of(frame->picture, most_width, {{"camera", id}}));
}

void Studio::open_view(const std::string& asked, const ControlServer::Reply& reply) {
  const std::string& id = asked.empty() ? config_.programs.front().id : asked;
  auto* program = find_program(id);
  if (program == nullptr)
    return reply({refusal({ErrorCode::kNotFound, fmt::format("there is no program \"{}\"", id)}), {}});
  auto view = program->open_view();
  if (!view) return reply({refusal(view.error()), {}});
  reply({{{"ok", true}, {"program", id}, {"media_type", view->media_type}}, std::move(view->stream)});
}

void Studio::try_destination(const std::string& id, const ControlServer::Reply& reply) {
  const auto found = std::ranges::find(config_.destinations, id, &DestinationConfig::id);
  if (found == config_.destinations.end())
    return reply({refusal({ErrorCode::kNotFound, fmt::format("there is no destination \"{}\"", id)}), {}});
  // The key is in a file: the thread that may wait for the disk reads it.
  journal_.run_later([this, &destination = *found, reply] {
    const auto key = std::make_shared<Result<Secret>>(
        load_credential(config_.credentials_dir, destination.key_credential));
    loop_.post([this, &destination, key, reply] { begin_trial(destination, std::move(*key), reply); });
  });
}

void Studio::begin_trial(const DestinationConfig& destination, Result<Secret> key,
                         const ControlServer::Reply& reply) {
  const auto refuse = [&](const Error& error) { reply({refusal(error), {}}); };
  if (find_program(destination.program)->needs(destination.id)) {
    return refuse({ErrorCode::kDeviceBusy,
                   fmt::format("destination {} is in use: {} is on air there, and a test with the same key "
                               "would throw the live stream out; test it when it is off",
                               destination.id, destination.program)});
  }
  if (!key) return refuse(key.error().with_context("destination " + destination.id));
  const auto started = trials_.start(destination, std::move(*key), [reply](json result) {
    reply({{{"ok", true}, {"trial", std::move(result)}}, {}});
  });
  if (!started) refuse(started.error());
}

void Studio::feed_watchdog() {
  bool is_moving = true;
  for (size_t i = 0; i < programs_.size(); ++i) {
    const int64_t progress = programs_[i]->progress();
    is_moving &= progress != watched_progress_[i];
    watched_progress_[i] = progress;
  }
  if (is_moving) hw::notify_watchdog();
}

void Studio::keep_recordings() {
  std::vector<std::filesystem::path> open_files;
  for (const auto& program : programs_) {
    if (program->broadcast() != nullptr && program->broadcast()->recorder() != nullptr) {
      const auto file = program->broadcast()->recorder()->status().file;
      open_files.push_back(file);
      open_files.push_back(file.parent_path() / "as-run.jsonl");
    }
  }
  journal_.run_later([config = config_.recording, open_files = std::move(open_files)] {
    const auto applied =
        encoder::apply_retention(config, open_files, system_now(), [](const encoder::Deletion& deletion) {
          log::warning("recordings", "deleted {} ({} MB): {}", deletion.file.path.string(),
                       deletion.file.bytes / 1'000'000, to_string(deletion.reason));
        });
    if (!applied) log::error("recordings", "{}", applied.error().message);
  });
}

void Studio::log_statistics() {
  std::string sentence;
  for (const auto& program : programs_) {
    const auto stats = program->engine().stats();
    std::string on_air = "off air";
    if (const auto* broadcast = program->broadcast()) {
      const auto encoder = broadcast->encoder().stats();
      on_air = fmt::format("{} kb/s, encode p50 {:.1f} p95 {:.1f} ms, {} dropped", encoder.video_bps / 1000,
                           static_cast<double>(encoder.encode_p50.count()) / 1e6,
                           static_cast<double>(encoder.encode_p95.count()) / 1e6, encoder.frames_dropped);
      for (const auto& destination : broadcast->destinations()) {
        if (!destination.publisher) continue;
        const auto status = destination.publisher->status();
        on_air += fmt::format("; {} {} {} kb/s lag {} ms", destination.config.id, to_string(status.state),
                              status.bitrate_bps / 1000, status.lag / 1ms);
      }
    }
    log::info("stats", "{}: {:.1f} fps, late {}, repeated {}, lost {}, drawn in p50 {:.2f} p95 {:.2f} ms; {}",
              program->config().id, stats.fps, stats.late, stats.repeated, stats.skipped, stats.compose_ms,
              stats.compose_p95_ms, on_air);
    sentence += fmt::format("{}{}: {}", sentence.empty() ? "" : " | ", program->config().id, on_air);
  }
  hw::notify_status(sentence);
}

}  // namespace vitrine::studio
