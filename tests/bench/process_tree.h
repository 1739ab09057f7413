// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>

namespace vitrine::bench {

/// What a process and all its descendants have used so far, by the kernel's account.
struct TreeUsage {
  double cpu_ms = 0;                         // user and system, children that have ended included
  std::map<std::string, double> threads_ms;  // living threads, by "program thread"
};
TreeUsage cpu_of_tree(pid_t root);

/// Proportional set size of a process and all its descendants, in MiB: what is shared counts once.
/// nullopt where the kernel does not let us look (the sandboxed workers' can be read by root alone).
std::optional<double> pss_of_tree(pid_t root);

}  // namespace vitrine::bench
