// SPDX-License-Identifier: Apache-2.0
#include "core/text_rules.h"

#include <algorithm>
#include <cstdint>
#include <utf8.h>

#include <fmt/format.h>

namespace vitrine {
namespace {

const char* why_unsafe(char32_t c) {
  if (c == '\n') return nullptr;
  if (c < 0x20 || c == 0x7F || (c >= 0x80 && c < 0xA0)) return "control character";
  if (c >= 0x202A && c <= 0x202E) return "direction override";
  if (c >= 0x2066 && c <= 0x2069) return "direction isolate";
  if (c == 0x200E || c == 0x200F || c == 0x061C) return "direction mark";
  if (c == 0x200B || c == 0x2060 || c == 0xFEFF || c == 0x00AD || (c >= 0x2061 && c <= 0x2064))
    return "invisible character";
  if (c == 0x2028 || c == 0x2029) return "line separator";
  if (c >= 0xE0000 && c <= 0xE0FFF) return "tag character";
  if ((c & 0xFFFEU) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF)) return "noncharacter";
  return nullptr;
}

}  // namespace

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == '.') return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::optional<std::string> find_unsafe_character(std::string_view utf8) {
  if (const size_t valid = utf8::find_invalid(utf8); valid != std::string_view::npos) {
    return fmt::format("invalid UTF-8 at byte {}", valid);
  }
  for (auto at = utf8.begin(); at != utf8.end();) {
    const auto start = at - utf8.begin();
    const char32_t code_point = utf8::unchecked::next(at);
    if (const char* why = why_unsafe(code_point)) {
      return fmt::format("U+{:04X} ({}) at byte {}", static_cast<uint32_t>(code_point), why, start);
    }
  }
  return std::nullopt;
}

}  // namespace vitrine
