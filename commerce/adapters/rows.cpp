// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/rows.h"

#include <chrono>

#include "core/text_rules.h"

namespace vitrine::commerce {

std::string masked_name(const std::string& family_name) {
  if (family_name.empty() || find_unsafe_character(family_name)) return {};
  size_t end = 1;
  while (end < family_name.size() && (static_cast<unsigned char>(family_name[end]) & 0xC0U) == 0x80) ++end;
  return family_name.substr(0, end) + "*";
}

std::string page_address(const std::string& pattern, const std::string& handle) {
  constexpr std::string_view kPlace = "{handle}";
  const size_t at = pattern.find(kPlace);
  if (at == std::string::npos || handle.empty()) return {};
  return pattern.substr(0, at) + handle + pattern.substr(at + kPlace.size());
}

int64_t unix_millis(Instant instant) {
  return std::chrono::floor<std::chrono::milliseconds>(instant).time_since_epoch().count();
}

Instant from_unix_millis(int64_t millis) {
  return Instant{std::chrono::milliseconds{millis}};
}

}  // namespace vitrine::commerce
