// SPDX-License-Identifier: Apache-2.0
#include "core/json_text.h"

#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/text_rules.h"

namespace vitrine {
namespace {

constexpr int kMaxDepth = 64;

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("JSON of {} bytes, allowed {}", text.size(), max_bytes));
  }
  std::string refusal;
  std::vector<std::set<std::string>> keys;
  const auto guard = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > kMaxDepth && refusal.empty()) refusal = fmt::format("nested deeper than {}", kMaxDepth);
    if (!refusal.empty()) return false;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second) {
      refusal = fmt::format("key \"{}\" stands twice in one object", value.get<std::string>());
    }
    return true;
  };
  try {
    auto parsed = nlohmann::json::parse(text, guard);
    if (!refusal.empty()) return fail(ErrorCode::kInvalidInput, "not acceptable JSON: " + refusal);
    return parsed;
  } catch (const nlohmann::json::exception& exception) {
    return fail(ErrorCode::kInvalidInput, fmt::format("not JSON: {}", exception.what()));
  }
}

std::string describe(const nlohmann::json& value) {
  constexpr size_t kMaxShown = 60;
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("an array of {}", value.size());
  if (value.is_null()) return "null";
  if (value.is_discarded()) return "nothing";
  const auto dumped = [&](bool is_ascii) {
    return value.dump(-1, ' ', is_ascii, nlohmann::json::error_handler_t::replace);
  };
  std::string text = dumped(false);
  if (find_unsafe_character(text)) text = dumped(true);  // what turns text around must not do so here
  if (text.size() > kMaxShown) {
    size_t cut = kMaxShown;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U)
      --cut;  // not inside a UTF-8 sequence
    text = text.substr(0, cut) + "…\"";
  }
  return text;
}

}  // namespace vitrine
