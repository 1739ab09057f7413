// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commerce/adapter.h"

namespace vitrine::chaos {

/// What the run and the process that it kills both know; the arguments of both.
struct Options {
  std::string shop = "scripted";  // vendure, medusa, or the scripted one, in this process
  std::string url;                // of the path that breaks
  std::filesystem::path credentials;
  std::filesystem::path directory;  // store, plan and logs
  int64_t operations = 2000;
  uint64_t seed = 1;
  int64_t rate = 60;        // added a second, at most
  int64_t most_open = 300;  // then nothing is added until some are done

  [[nodiscard]] std::filesystem::path plan_file() const { return directory / "plan.json"; }
  [[nodiscard]] std::vector<std::string> arguments() const;
};

/// Tries until the shop lets us in: the path to it may be broken.
std::unique_ptr<commerce::Adapter> open_shop(const Options& options, const std::string& url,
                                             std::chrono::milliseconds request_timeout);

/// The process that is killed: adds what the plan says and is not in the outbox yet, says so line by line on
/// standard output, and pushes, until all is done. The exit code.
int work(const Options& options);

}  // namespace vitrine::chaos
