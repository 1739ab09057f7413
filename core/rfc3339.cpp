// SPDX-License-Identifier: Apache-2.0
#include "core/rfc3339.h"

#include <date/date.h>

#include <sstream>

namespace vitrine {

std::optional<Instant> parse_rfc3339(std::string_view text) {
  // %Ez takes "+08:00" but not "Z", which RFC 3339 writes for it. The length keeps out what date reads leniently.
  if (text.size() < 20 || text.size() > 35) return std::nullopt;
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

}  // namespace vitrine
