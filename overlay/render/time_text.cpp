// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/time_text.h"

#include <array>
#include <cstdint>
#include <ctime>

#include <fmt/format.h>

namespace vitrine::overlay {
namespace {

std::string whole_seconds(int64_t seconds, CountdownFormat format) {
  const int64_t hours = seconds / 3600;
  switch (format) {
    case CountdownFormat::kSeconds:
      return fmt::format("{}", seconds);
    case CountdownFormat::kMinutes:
      return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
    case CountdownFormat::kHours:
      break;
    case CountdownFormat::kAuto:
      if (hours == 0) return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
      break;
  }
  return fmt::format("{:02}:{:02}:{:02}", hours, seconds / 60 % 60, seconds % 60);
}

}  // namespace

std::optional<CountdownFormat> parse_countdown_format(std::string_view text) {
  if (text.empty() || text == "auto") return CountdownFormat::kAuto;
  if (text == "mm:ss") return CountdownFormat::kMinutes;
  if (text == "hh:mm:ss") return CountdownFormat::kHours;
  if (text == "s") return CountdownFormat::kSeconds;
  return std::nullopt;
}

TimedText countdown_text(Instant deadline, Instant now, CountdownFormat format, std::chrono::seconds tenths) {
  using namespace std::chrono_literals;
  const auto left = deadline - now;
  const bool has_tenths = tenths > 0s;
  if (left <= 0us) return {has_tenths ? "00.0" : whole_seconds(0, format), deadline, Instant::max()};
  const std::chrono::microseconds step = has_tenths && left <= tenths ? 100ms : 1s;
  const int64_t steps = (left + step - 1us) / step;
  TimedText timed;
  timed.from = deadline - steps * step;
  timed.until = timed.from + step;
  timed.text = step == 1s ? whole_seconds(steps, format) : fmt::format("{:02}.{}", steps / 10, steps % 10);
  return timed;
}

std::optional<std::string> find_bad_time_format(std::string_view format) {
  for (size_t at = format.find('%'); at != std::string_view::npos; at = format.find('%', at + 1)) {
    const size_t begin = at++;
    if (at < format.size() && format[at] == '-') ++at;
    constexpr std::string_view kAllowed = "YmdHMS";
    if (at >= format.size() || kAllowed.find(format[at]) == std::string_view::npos) {
      return std::string(format.substr(begin, at - begin + 1));
    }
  }
  return std::nullopt;
}

std::string local_time_text(Instant instant, const std::string& format) {
  const std::time_t time = std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count();
  std::tm local{};
  ::localtime_r(&time, &local);
  // The format was checked by find_bad_time_format; strftime takes it as data on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  std::array<char, 256> text{};
  const size_t size = std::strftime(text.data(), text.size(), format.c_str(), &local);
#pragma GCC diagnostic pop
  return {text.data(), size};
}

TimedText clock_text(Instant now, const std::string& format) {
  using namespace std::chrono_literals;
  const std::chrono::microseconds step =
      format.find("%S") != std::string::npos || format.find("%-S") != std::string::npos ? 1s : 60s;
  const auto since_epoch = now.time_since_epoch();
  const Instant from(since_epoch - since_epoch % step);
  return {local_time_text(now, format), from, from + step};
}

}  // namespace vitrine::overlay
