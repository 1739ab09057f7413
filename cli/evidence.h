// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/desk_client.h"

namespace vitrine::cli {

/// `evidence verify`, `show`, `sessions`, `export`, `key`. Pictures and clips are cut out of the recording by
/// ffmpeg(1), with the caller's rights: the desk opens no media.
class EvidenceCommands {
 public:
  explicit EvidenceCommands(CLI::App& app);
  /// The exit code, where one of these commands was given. `recordings`: of the studio, for pictures and
  /// clips.
  [[nodiscard]] std::optional<int> run(const DeskLine& line, const std::filesystem::path& recordings) const;

 private:
  [[nodiscard]] int verify(const DeskLine& line) const;
  [[nodiscard]] int show(const DeskLine& line, const std::filesystem::path& recordings) const;
  [[nodiscard]] int make_export(const DeskLine& line) const;

  CLI::App* verify_;
  CLI::App* show_;
  CLI::App* sessions_;
  CLI::App* export_;
  CLI::App* key_;
  std::string program_;
  std::string at_;
  std::string picture_;
  std::string clip_;
  int seconds_ = 10;
  std::string session_;
  std::string from_;
  std::string until_;
  bool is_without_recordings_ = false;
};

/// The answers as a person reads them.
std::string format_verdict(const nlohmann::json& answer);
std::string format_on_screen(const nlohmann::json& answer);
std::string format_sessions(const nlohmann::json& answer);

/// What `at` names, out of the recording. Errors: kNotFound where there is no recording or no ffmpeg, kIo
/// with what ffmpeg said, kTimeout.
Status extract_picture(const nlohmann::json& at, const std::filesystem::path& recordings,
                       const std::filesystem::path& output);
/// Whole groups of pictures around it, as they were sent: at least `seconds`.
Status extract_clip(const nlohmann::json& at, const std::filesystem::path& recordings, int seconds,
                    const std::filesystem::path& output);

}  // namespace vitrine::cli
