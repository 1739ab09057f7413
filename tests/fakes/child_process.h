// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace vitrine::fakes {

struct Finished {
  int exit_code = -1;  // 128 + signal when killed
  std::string output;
  std::string errors;
};

/// Runs a program to its end.
Finished run(const std::vector<std::string>& command);

/// A program that runs beside the test; killed by its id at the end.
class ChildProcess {
 public:
  /// Standard output and error go to `log`.
  ChildProcess(const std::vector<std::string>& command, const std::filesystem::path& log);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Waits for the end; the exit code, 128 + signal when killed.
  int wait();
  [[nodiscard]] bool is_running();

 private:
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace vitrine::fakes
