// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <cstdlib>
#include <unistd.h>

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

namespace vitrine::log {
namespace {

// The one global of the project: lines of one process go to one stderr.
std::shared_ptr<spdlog::details::thread_pool> g_pool;
std::shared_ptr<spdlog::logger> g_logger;

/// sd-daemon(3): "<4>text" sets the priority of a journal line.
class JournalPriority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    char digit = '6';
    if (message.level >= spdlog::level::err) {
      digit = '3';
    } else if (message.level == spdlog::level::warn) {
      digit = '4';
    } else if (message.level == spdlog::level::debug) {
      digit = '7';
    }
    const char text[] = {'<', digit, '>'};
    out.append(text, text + sizeof text);
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JournalPriority>();
  }
};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void open(std::string process, Level threshold) {
  constexpr size_t kQueueLines = 1024;
  g_pool = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1);
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (std::getenv("JOURNAL_STREAM") != nullptr && isatty(STDERR_FILENO) == 0) {
    formatter->add_flag<JournalPriority>('J').set_pattern("%J%v");
  } else {
    formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ " + process + " %v");
  }
  sink->set_formatter(std::move(formatter));
  g_logger = std::make_shared<spdlog::async_logger>(std::move(process), std::move(sink), g_pool,
                                                    spdlog::async_overflow_policy::overrun_oldest);
  g_logger->set_level(to_spdlog(threshold));
  g_logger->flush_on(spdlog::level::warn);
}

void close() {
  if (g_logger) g_logger->flush();
  g_logger.reset();
  g_pool.reset();  // joins after the queue is written out
}

void write(Level level, std::string_view component, std::string_view text) {
  if (g_logger) g_logger->log(to_spdlog(level), "{}: {}", component, text);
}

bool Limiter::should_log(int64_t* held_back) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (now < next_) {
    ++held_back_;
    return false;
  }
  next_ = now + interval_;
  *held_back = std::exchange(held_back_, 0);
  return true;
}

}  // namespace vitrine::log
