// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vitrine {

/// 1 to 64 of a-z A-Z 0-9 - _ . and not starting with a dot: safe in file names, URLs and logs.
bool is_id(std::string_view text);

/// The first character that must not reach a screen: invalid UTF-8, control characters but newline,
/// bidirectional overrides and isolates (they can make "¥99" read "99¥" or hide text), invisible format
/// characters. nullopt when there is none; else a description such as "U+202E (right-to-left override) at
/// byte 12". Source: Unicode TR 36 (security considerations), TR 9 (bidi); "Trojan Source", CVE-2021-42574.
std::optional<std::string> find_unsafe_character(std::string_view utf8);

}  // namespace vitrine
