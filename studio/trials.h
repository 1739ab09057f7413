// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/event_loop.h"
#include "core/program_state.h"
#include "core/secret.h"
#include "encoder/trial.h"

namespace vitrine::studio {

/// Tests of destinations before a show, one at a time. Thread: the loop's; a trial runs in one of its own.
class Trials {
 public:
  explicit Trials(EventLoop& loop) : loop_(loop) {}
  ~Trials();  // ends the one under way, at most 2 s
  Trials(const Trials&) = delete;
  Trials& operator=(const Trials&) = delete;

  /// Calls `done` with the result, in at most 15 s. The key must be in nobody's use, and `destination`
  /// outlive this. Errors: kDeviceBusy while one is tested; those of `encoder::Trial::create`.
  Status start(const DestinationConfig& destination, Secret key, std::function<void(nlohmann::json)> done);

  /// A show wants its destinations: a test of one of them lets go of the key at once.
  void give_way(const std::string& program, const WantedDestinations& wanted);
  void cancel();

 private:
  struct Running {
    const DestinationConfig* destination;
    std::unique_ptr<encoder::Trial> trial;
    std::jthread thread;
  };

  EventLoop& loop_;
  std::optional<Running> running_;
};

}  // namespace vitrine::studio
