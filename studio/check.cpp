// SPDX-License-Identifier: Apache-2.0
#include "studio/check.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fcntl.h>
#include <iostream>
#include <set>
#include <spawn.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/secret.h"
#include "core/unique_fd.h"
#include "encoder/platforms.h"

namespace vitrine::studio {
namespace {

constexpr int kRefused = 4;  // as vitrinectl's

struct Findings {
  Problems problems;
  Problems warnings;
};

bool can_be_made(std::filesystem::path path) {
  while (!std::filesystem::exists(path) && path.has_parent_path() && path != path.parent_path())
    path = path.parent_path();
  return ::access(path.c_str(), W_OK | X_OK) == 0;
}

void check_directories(const Config& config, Findings& findings) {
  const auto check = [&](const char* key, const std::filesystem::path& path) {
    if (!can_be_made(path))
      findings.problems.push_back({key, path.string(), "a directory that this user can write, or create"});
  };
  check("studio.state_dir", config.state_dir);
  // The service manager makes and removes it with the service, as root.
  if (std::filesystem::exists(config.run_dir)) check("studio.run_dir", config.run_dir);
  check("recording.directory", config.recording.directory);
}

void check_secret(const Config& config, const std::string& where, const std::string& name,
                  Findings& findings) {
  if (name.empty()) return;
  if (const auto secret = load_credential(config.credentials_dir, name); !secret) {
    findings.problems.push_back({where, fmt::format("\"{}\": {}", name, secret.error().message),
                                 fmt::format("a file {} with mode 0600, or a systemd credential of that name",
                                             (config.credentials_dir / name).string())});
  }
}

void check_file(const std::string& where, const SourceAddress& source, Findings& findings) {
  if (source.kind == SourceAddress::Kind::kFile && ::access(source.value.c_str(), R_OK) != 0) {
    findings.problems.push_back({where, fmt::format("\"{}\"", source.text()), "a file that can be read"});
  }
}

/// vitrine-render knows what a theme must be; its words become ours.
void check_theme(const std::filesystem::path& renderer, const std::filesystem::path& theme,
                 Findings& findings) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return;
  const UniqueFd reading(pipe[0]);
  UniqueFd writing(pipe[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDERR_FILENO);
  std::string program = renderer.string();
  std::string option = "--check-theme";
  std::string directory = theme.string();
  std::array<char*, 4> argv = {program.data(), option.data(), directory.data(), nullptr};
  pid_t pid = -1;
  const int rc = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  writing.reset();
  if (rc != 0) {
    findings.problems.push_back({"vitrine-render", std::generic_category().message(rc), program});
    return;
  }
  std::string output;
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while ((count = ::read(reading.get(), buffer.data(), buffer.size())) > 0)
    output.append(buffer.data(), static_cast<size_t>(count));
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status == 0) return;
  findings.problems.push_back({fmt::format("theme {}", theme.filename().string()),
                               output.empty() ? "nothing usable" : output,
                               "a theme whose templates can be drawn"});
}

void add(Problems& to, Problems&& more) {
  std::ranges::move(more, std::back_inserter(to));
}

void check_one_destination(const Config& config, const DestinationConfig& destination,
                           const std::vector<encoder::Platform>& platforms, Instant until,
                           Findings& findings) {
  check_secret(config, fmt::format("destination \"{}\": key_credential", destination.id),
               destination.key_credential, findings);
  const auto program = std::ranges::find(config.programs, destination.program, &ProgramConfig::id);
  const auto key = load_credential(config.credentials_dir, destination.key_credential);
  auto found = encoder::check_destination(destination, *program, platforms, key ? &*key : nullptr, until);
  add(findings.problems, std::move(found.errors));
  add(findings.warnings, std::move(found.warnings));
}

void check_all_destinations(const Config& config, Findings& findings) {
  auto platforms = encoder::load_platforms(config.platforms_file);
  if (!platforms) return add(findings.problems, std::move(platforms.error()));
  for (const auto& destination : config.destinations)
    check_one_destination(config, destination, *platforms, system_now(), findings);
}

/// The fullest program's: all are recorded at once.
double hours_left(const Config& config) {
  std::error_code ignored;
  const auto space = std::filesystem::space(config.recording.directory, ignored);
  const double free_mib = static_cast<double>(space.available) / (1 << 20) - config.recording.min_free_mib;
  double mib_per_hour = 0;
  for (const auto& program : config.programs)
    if (program.is_recorded) mib_per_hour += (program.video_kbps + program.audio_kbps) / 8.0 * 3600 / 1024;
  return mib_per_hour > 0 ? std::max(0.0, std::floor(free_mib / mib_per_hour)) : 0;
}

Findings check(const Config& config, const std::filesystem::path& libexec_dir) {
  Findings findings;
  check_directories(config, findings);
  for (size_t i = 0; i < config.cameras.size(); ++i) {
    check_secret(config, fmt::format("camera[{}].credential", i), config.cameras[i].credential, findings);
    check_file(fmt::format("camera[{}].source", i), config.cameras[i].source, findings);
  }
  for (size_t i = 0; i < config.microphones.size(); ++i) {
    check_file(fmt::format("microphone[{}].source", i), config.microphones[i].source, findings);
  }
  check_secret(config, "commerce.credential", config.commerce.credential, findings);
  check_secret(config, "commerce.events_credential", config.commerce.events_credential, findings);
  check_all_destinations(config, findings);
  std::set<std::string> themes;
  for (const auto& program : config.programs) themes.insert(program.theme);
  for (const auto& theme : themes)
    check_theme(libexec_dir / "vitrine-render", config.theme_dir / theme, findings);
  return findings;
}

nlohmann::json to_json(const Problems& problems) {
  auto list = nlohmann::json::array();
  for (const auto& problem : problems) {
    list.push_back({{"where", problem.where}, {"found", problem.found}, {"allowed", problem.allowed}});
  }
  return list;
}

}  // namespace

nlohmann::json check_destinations(const Config& config, Instant until) {
  auto list = nlohmann::json::array();
  const auto platforms = encoder::load_platforms(config.platforms_file);
  for (const auto& destination : config.destinations) {
    Findings findings;
    if (platforms)
      check_one_destination(config, destination, *platforms, until, findings);
    else
      findings.problems = platforms.error();
    list.push_back({{"id", destination.id},
                    {"name", destination.name},
                    {"problems", to_json(findings.problems)},
                    {"warnings", to_json(findings.warnings)}});
  }
  nlohmann::json body = {{"ok", true}, {"destinations", std::move(list)}};
  if (std::ranges::any_of(config.programs, &ProgramConfig::is_recorded))
    body["hours_left"] = hours_left(config);
  return body;
}

int print_check(const std::filesystem::path& config_file, const std::filesystem::path& libexec_dir,
                CheckFormat format) {
  const auto config = load_config(config_file);
  const Findings findings = config ? check(*config, libexec_dir) : Findings{config.error(), {}};
  if (format == CheckFormat::kJson) {
    std::cout << nlohmann::json{{"ok", findings.problems.empty()},
                                {"problems", to_json(findings.problems)},
                                {"warnings", to_json(findings.warnings)}}
                     .dump(2)
              << "\n";
  } else {
    for (const auto& problem : findings.problems) std::cout << problem.text() << "\n";
    for (const auto& warning : findings.warnings) std::cout << "warning: " << warning.text() << "\n";
    if (findings.problems.empty()) std::cout << config_file.string() << " is good\n";
  }
  return findings.problems.empty() ? 0 : kRefused;
}

}  // namespace vitrine::studio
