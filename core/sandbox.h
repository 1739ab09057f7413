// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"

namespace vitrine {

/// What a worker that parses foreign bytes keeps after it has loaded its libraries.
struct SandboxConfig {
  enum class Network { kNone, kSockets };

  std::vector<std::filesystem::path>
      readable;  // files, or directories with all below; missing ones are skipped
  std::vector<std::filesystem::path> devices;  // read, write, ioctl
  Network network = Network::kNone;
  size_t max_memory_bytes = 0;  // address space; 0: no limit
  int max_open_files = 256;
};

/// Shuts this process in, for good, all threads it starts later included: no new privileges; Landlock for
/// files; seccomp against executing, tracing, mounting, loading, keys, namespaces, and (kNone) every socket
/// but those already open; resource limits; no core files. Works without root and without systemd, so tests
/// see what ships. Returns what is in force, for the log: "landlock abi 4, seccomp, no network". Errors:
/// kPermission when seccomp or the limits can't be set. A kernel without Landlock is named in the text and is
/// not an error: the unit's own sandbox holds. Call before other threads start: seccomp and Landlock bind the
/// calling thread and what it starts.
Result<std::string> enter_sandbox(const SandboxConfig& config);

}  // namespace vitrine
