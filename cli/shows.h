// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/papers.h"

namespace vitrine::cli {

/// Shows and what is on: `show …` and `layer …`.
class ShowCommands {
 public:
  explicit ShowCommands(CLI::App& app);
  /// The exit code, where one of these commands was given.
  [[nodiscard]] std::optional<int> run(const DeskLine& line) const;

 private:
  [[nodiscard]] std::optional<int> run_show(const DeskLine& line) const;
  [[nodiscard]] int list(const DeskLine& line) const;
  [[nodiscard]] int put(const DeskLine& line) const;
  [[nodiscard]] int check(const DeskLine& line) const;
  [[nodiscard]] int tell(const DeskLine& line, const std::string& path, const nlohmann::json& body) const;
  [[nodiscard]] int switch_on(const DeskLine& line) const;

  CLI::App* show_;
  CLI::App* list_;
  CLI::App* print_;
  CLI::App* put_;
  CLI::App* copy_;
  CLI::App* check_;
  CLI::App* start_;
  CLI::App* stop_;
  CLI::App* next_;
  CLI::App* go_;
  CLI::App* slate_;
  CLI::App* now_;
  CLI::App* figures_;
  CLI::App* layer_;
  CLI::App* on_;
  CLI::App* off_;
  int64_t id_ = 0;
  int64_t segment_ = 0;
  int64_t seconds_ = 3600;
  std::string file_;
  std::string override_;
  std::string message_;
  std::string name_;
  std::string template_;
  std::string source_;
  std::string after_ = "hide";
};

}  // namespace vitrine::cli
