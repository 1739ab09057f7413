// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace vitrine::commerce::detail {

/// How people type a name without switching to Chinese: the initials of its syllables, and behind a space all
/// of it, both without spaces and in small letters. "延边苹果梨 5 斤" → "ybpgl5j yanbianpingguoli5jin". One
/// reading for each character, by ICU's Han-Latin. `name`: UTF-8. Threads: any.
std::string pinyin_of(std::string_view name);

/// What somebody typed as it would stand in there; empty where it can't: it holds more than a-z, A-Z, 0-9 and
/// spaces.
std::string pinyin_query(std::string_view typed);

}  // namespace vitrine::commerce::detail
