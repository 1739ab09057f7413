// SPDX-License-Identifier: Apache-2.0
#include "studio/trials.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/log.h"

namespace vitrine::studio {
namespace {

nlohmann::json to_json(const std::string& destination, const encoder::Trial::Report& report) {
  nlohmann::json body = {{"destination", destination}, {"ok", !report.fault}, {"address", report.address}};
  auto& steps = body["steps"] = nlohmann::json::array();
  for (const auto& taken : report.steps)
    steps.push_back({{"step", encoder::to_string(taken.step)}, {"ms", taken.time.count()}});
  if (report.fault) {
    body["failed_step"] = encoder::to_string(report.steps.back().step);
    body["cause_code"] = to_string(report.fault->code);
    body["cause"] = report.fault->message;
  }
  return body;
}

}  // namespace

Trials::~Trials() {
  cancel();
}

Status Trials::start(const DestinationConfig& destination, Secret key,
                     std::function<void(nlohmann::json)> done) {
  if (running_)
    return fail(ErrorCode::kDeviceBusy,
                fmt::format("destination {} is being tested; try again in 15 s", running_->destination->id));
  encoder::PublisherConfig settings;
  settings.destination = destination.id;
  settings.url = destination.url;
  settings.key = std::move(key);
  auto trial = encoder::Trial::create(std::move(settings));
  if (!trial) return tl::unexpected(trial.error());
  running_ = Running{&destination, std::move(*trial), {}};
  running_->thread = std::jthread([this, &trial = *running_->trial, &destination, done = std::move(done)] {
    const auto report = trial.run();
    log::info("trials", "destination {}: {}", destination.id,
              report.fault ? fmt::format("{} failed: {} [{}]", encoder::to_string(report.steps.back().step),
                                         report.fault->message, to_string(report.fault->code))
                           : "takes the stream, at " + report.address);
    loop_.post([this, done, body = to_json(destination.id, report)] {
      running_.reset();
      done(body);
    });
  });
  return {};
}

void Trials::give_way(const std::string& program, const WantedDestinations& wanted) {
  if (!running_ || running_->destination->program != program) return;
  if (!wanted || std::ranges::find(*wanted, running_->destination->id) != wanted->end()) cancel();
}

void Trials::cancel() {
  if (running_) running_->trial->cancel();
}

}  // namespace vitrine::studio
