// SPDX-License-Identifier: Apache-2.0
#include "process_tree.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <unistd.h>

namespace vitrine::bench {
namespace {

namespace fs = std::filesystem;

struct Stat {
  std::string name;
  pid_t parent = 0;
  double own_ms = 0;
  double ended_children_ms = 0;
};

/// /proc/…/stat, proc(5). The name may hold anything, a parenthesis too: the fields begin behind the last
/// one.
std::optional<Stat> read_stat(const fs::path& directory) {
  std::ifstream file(directory / "stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;  // gone
  std::istringstream fields(text.substr(close + 1));
  std::string ignored;
  Stat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  fields >> ignored >> stat.parent;
  for (int field = 5; field < 14; ++field) fields >> ignored;
  double user = 0, system = 0, children_user = 0, children_system = 0;
  fields >> user >> system >> children_user >> children_system;
  const double tick_ms = 1000.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  stat.own_ms = (user + system) * tick_ms;
  stat.ended_children_ms = (children_user + children_system) * tick_ms;
  return stat;
}

std::map<pid_t, Stat> read_tree(pid_t root) {
  std::map<pid_t, Stat> all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    if (auto stat = read_stat(entry.path())) all[pid] = std::move(*stat);
  }
  std::map<pid_t, Stat> tree;
  for (const auto& [pid, stat] : all) {
    pid_t at = pid;
    while (at != root && all.contains(at)) at = all[at].parent;
    if (at == root) tree[pid] = stat;
  }
  return tree;
}

}  // namespace

TreeUsage cpu_of_tree(pid_t root) {
  TreeUsage usage;
  for (const auto& [pid, process] : read_tree(root)) {
    usage.cpu_ms += process.own_ms + process.ended_children_ms;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
      if (const auto thread = read_stat(entry.path()))
        usage.threads_ms[process.name + " " + thread->name] += thread->own_ms;
    }
  }
  return usage;
}

std::optional<double> pss_of_tree(pid_t root) {
  double kib = 0;
  for (const auto& [pid, process] : read_tree(root)) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    std::string word;
    while (file >> word && word != "Pss:") {
    }
    double pss = 0;
    if (!(file >> pss)) return std::nullopt;
    kib += pss;
  }
  return kib / 1024;
}

}  // namespace vitrine::bench
