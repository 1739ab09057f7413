// SPDX-License-Identifier: Apache-2.0
#include "core/rfc3339.h"

#include <algorithm>
#include <ctime>
#include <sstream>
#include <string>

#include <date/date.h>

namespace vitrine {
namespace {

/// '0' in `shape` stands for any digit.
bool matches(std::string_view part, std::string_view shape) {
  return part.size() == shape.size() && std::ranges::equal(part, shape, [](char found, char wanted) {
           return wanted == '0' ? found >= '0' && found <= '9' : found == wanted;
         });
}

/// The grammar of RFC 3339, 5.6, before date's parser sees it: that one reads leniently ("-11" for an hour)
/// and then computes with what it read until it overflows.
bool has_rfc3339_shape(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (!matches(text.substr(0, kShape.size()), kShape)) return false;
  text.remove_prefix(kShape.size());
  if (text.starts_with('.')) {
    const size_t digits = text.find_first_not_of("0123456789", 1);
    if (digits == std::string_view::npos || digits < 2 || digits > 10) return false;
    text.remove_prefix(digits);
  }
  return text == "Z" || matches(text, "+00:00") || matches(text, "-00:00");
}

}  // namespace

std::optional<Instant> parse_rfc3339(std::string_view text) {
  if (!has_rfc3339_shape(text)) return std::nullopt;
  // %Ez takes "+08:00" but not "Z", which RFC 3339 writes for it.
  std::string normal(text);
  if (normal.back() == 'Z') normal.replace(normal.size() - 1, 1, "+00:00");
  std::istringstream stream(normal);
  Instant instant{};
  stream >> date::parse("%FT%T%Ez", instant);
  if (stream.fail() || stream.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return instant;
}

std::string format_rfc3339(Instant instant) {
  return date::format("%FT%TZ", std::chrono::floor<std::chrono::milliseconds>(instant));
}

std::optional<Day> parse_day(std::string_view text) {
  if (!matches(text, "0000-00-00")) return std::nullopt;
  std::istringstream stream{std::string(text)};
  date::sys_days day{};
  stream >> date::parse("%F", day);  // refuses the 31st of February
  if (stream.fail()) return std::nullopt;
  return Day{day};
}

std::string format_day(Day day) {
  return date::format("%F", date::sys_days{day});
}

Day local_day(Instant instant) {
  const time_t seconds = std::chrono::system_clock::to_time_t(instant);
  tm local{};
  ::localtime_r(&seconds, &local);
  return Day{date::sys_days{date::year{local.tm_year + 1900} / (local.tm_mon + 1) / local.tm_mday}};
}

Instant local_midnight(Day day) {
  const date::year_month_day parts{date::sys_days{day}};
  tm local{};
  local.tm_year = static_cast<int>(parts.year()) - 1900;
  local.tm_mon = static_cast<int>(static_cast<unsigned>(parts.month())) - 1;
  local.tm_mday = static_cast<int>(static_cast<unsigned>(parts.day()));
  local.tm_isdst = -1;
  return Instant{std::chrono::seconds{::mktime(&local)}};
}

}  // namespace vitrine
