// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include <fmt/core.h>

/// Logs go to stderr, one line an event, with systemd's priority prefix where stderr is the journal. A line
/// never blocks its caller: lines pass through a bounded queue that drops the oldest when the journal hangs.
/// Who logs: the stage that decides what happens next, once, with what was tried, the value, and what
/// follows.
namespace vitrine::log {

enum class Level { kDebug = 0, kInfo, kWarning, kError };

/// Before the first line, once per process. `process` stands in front of each line where stderr is a
/// terminal.
void open(std::string process, Level threshold);

/// Writes out what is queued; at the end of main.
void close();

void write(Level level, std::string_view component, std::string_view text);

template <typename... Args>
void debug(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kDebug, component, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kInfo, component, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kWarning, component, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kError, component, fmt::format(format, std::forward<Args>(args)...));
}

/// For events that may come every frame: true at most once an interval; tells how many were held back since.
class Limiter {
 public:
  explicit Limiter(std::chrono::nanoseconds interval) : interval_(interval) {}

  /// Thread: any.
  bool should_log(int64_t* held_back);

 private:
  const std::chrono::nanoseconds interval_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_{};  // guarded by mutex_
  int64_t held_back_ = 0;                         // guarded by mutex_
};

}  // namespace vitrine::log
