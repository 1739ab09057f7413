// SPDX-License-Identifier: Apache-2.0
#include "desk/studio_watch.h"

#include <pthread.h>

#include "core/control_socket.h"
#include "core/log.h"
#include "core/pause.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kAskEvery = 1s;
constexpr auto kAnswerWithin = 2s;

}  // namespace

StudioWatch::StudioWatch(const Config& config, UplinkBook& uplink, OnStatus on_status)
    : config_(config), on_status_(std::move(on_status)), uplink_(uplink) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "watch-studio");
    run(stop);
  });
}

json StudioWatch::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::string StudioWatch::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

void StudioWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto answer = call_control(config_.control_socket(), {{"op", "status"}}, kAnswerWithin);
    const json status = answer ? answer->body : json();
    const std::string fault = answer ? "" : answer.error().message;
    {
      const std::lock_guard lock(mutex_);
      if (fault_.empty() && !fault.empty()) log::warning("watch", "the studio does not answer: {}", fault);
      if (!fault_.empty() && fault.empty()) log::info("watch", "the studio answers again");
      fault_ = fault;
      status_ = status;
    }
    if (answer) measure(status);
    on_status_(status, fault);
    pause(stop, kAskEvery);
  }
}

void StudioWatch::measure(const json& status) {
  const auto carried = carried_kbps(status);
  if (!carried) return;
  const UplinkBook::Measure measure{*carried * 1000, system_now()};
  const bool is_same_day =
      std::chrono::floor<std::chrono::days>(measure.at) == std::chrono::floor<std::chrono::days>(noted_.at);
  if (is_same_day && measure.bitrate_bps <= noted_.bitrate_bps) return;
  noted_ = measure;
  if (const auto noted = uplink_.note(measure); !noted)
    log::warning("watch", "the uplink's measure ({} kb/s) is not kept: {}; the next better one is tried",
                 *carried, noted.error().message);
}

std::optional<int64_t> carried_kbps(const json& status) {
  constexpr int64_t kKeepsUp_ms = 500;
  int64_t sum = 0;
  for (const auto& program : status.value("programs", json::array()))
    for (const auto& destination : program.value("destinations", json::array())) {
      if (destination.value("state", "") == "off") continue;
      if (destination.value("state", "") != "live" || destination.value("lag_ms", int64_t{0}) > kKeepsUp_ms)
        return std::nullopt;
      sum += destination.value("kbps", int64_t{0});
    }
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

}  // namespace vitrine::desk
