// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>

#include <filesystem>
#include <iostream>
#include <signal.h>

#include <CLI/CLI.hpp>

#include "core/config.h"
#include "core/log.h"
#include "encoder/platforms.h"
#include "hw/service.h"
#include "studio/check.h"
#include "studio/studio.h"

namespace vitrine::studio {
namespace {

struct Options {
  std::string config = "/etc/vitrine/vitrine.toml";
  bool is_check = false;
  bool is_json = false;
  bool is_verbose = false;
};

std::filesystem::path own_directory() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

int run(Config config, std::vector<encoder::Platform> platforms, log::Level threshold) {
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_DUMPABLE, 0);  // stream keys are in this process
  auto loop = EventLoop::create();
  if (!loop) {
    std::cerr << loop.error().message << "\n";
    return 1;
  }
  std::unique_ptr<Studio> studio;
  const auto leave = [&] {
    hw::notify_stopping();
    log::info("main", "shutting down");
    studio->shut_down([&] { (*loop)->quit(); });
  };
  // Blocked before the first thread starts, so that all inherit it.
  const auto on_term = (*loop)->on_signal(SIGTERM, leave);
  const auto on_int = (*loop)->on_signal(SIGINT, leave);
  log::open("vitrine-studio", threshold);
  log::info("main", "vitrine-studio {}: {} cameras, {} microphones, {} programs, {} destinations",
            VITRINE_VERSION, config.cameras.size(), config.microphones.size(), config.programs.size(),
            config.destinations.size());
  auto started = Studio::start({**loop, std::move(config), std::move(platforms), own_directory()});
  if (!started) {
    log::error("main", "not started: {}", started.error().message);
    return 1;
  }
  studio = std::move(*started);
  hw::notify_ready();
  (*loop)->run();
  return 0;
}

int main_of(int argc, char** argv) {
  Options options;
  CLI::App app("The media plane of a shop's live-selling studio. vitrinectl talks to it.", "vitrine-studio");
  app.add_option("-c,--config", options.config, "The configuration")->capture_default_str();
  app.add_flag("--check", options.is_check, "Checks the configuration and everything it names, and exits");
  app.add_flag("--json", options.is_json, "With --check: a machine-readable answer");
  app.add_flag("--verbose", options.is_verbose, "Debug lines in the log");
  app.set_version_flag("--version", VITRINE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.is_check)
    return print_check(options.config, own_directory(),
                       options.is_json ? CheckFormat::kJson : CheckFormat::kText);

  const auto refuse = [](const Problems& problems) {
    std::cerr << to_error(problems).message << "\n";
    return 78;  // EX_CONFIG: the unit's status says "configuration"
  };
  auto config = load_config(options.config);
  if (!config) return refuse(config.error());
  auto platforms = encoder::load_platforms(config->platforms_file);
  if (!platforms) return refuse(platforms.error());
  const int status = run(std::move(*config), std::move(*platforms),
                         options.is_verbose ? log::Level::kDebug : log::Level::kInfo);
  log::close();
  return status;
}

}  // namespace
}  // namespace vitrine::studio

int main(int argc, char** argv) {
  return vitrine::studio::main_of(argc, argv);
}
