// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/json_fields.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/rfc3339.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;

constexpr size_t kMostInArray = 1000;
constexpr size_t kMostIdBytes = 128;
/// Above anything a shop sells, and as many as an answer holds still add up below 2^63.
constexpr int64_t kHighestMinor = 10'000'000'000'000;

const json& nothing() {
  static const json value;
  return value;
}
const json& no_array() {
  static const json value = json::array();
  return value;
}

std::optional<int64_t> int64_of(const json& value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX}) return std::nullopt;
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<int64_t>();
}

}  // namespace

JsonFields::JsonFields(const json& value, std::string where, Problems& problems)
    : value_(value), where_(std::move(where)), problems_(problems) {
  if (!value_.is_object() && !value_.is_null())
    problems_.push_back({where_.empty() ? "row" : where_, describe(value_), "an object"});
}

const json* JsonFields::find(std::string_view key) const {
  if (!value_.is_object()) return nullptr;
  const auto found = value_.find(key);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

std::string JsonFields::path(std::string_view key) const {
  return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
}

void JsonFields::refuse(std::string_view key, std::string found, std::string allowed) {
  problems_.push_back({path(key), std::move(found), std::move(allowed)});
}

std::string JsonFields::text(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  refuse(key, describe(*value), "text");
  return {};
}

std::string JsonFields::id(std::string_view key) {
  const json* value = find(key);
  if (value != nullptr && value->is_number_integer()) return value->dump();
  const std::string found =
      value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
  if (!found.empty() && found.size() <= kMostIdBytes) return found;
  refuse(key, value == nullptr ? "nothing" : describe(*value),
         fmt::format("an id of 1 to {} bytes", kMostIdBytes));
  return {};
}

bool JsonFields::boolean(std::string_view key) {
  if (!has(key)) refuse(key, "nothing", "true or false");
  return boolean_or(key, false);
}

bool JsonFields::boolean_or(std::string_view key, bool fallback) {
  const json* value = find(key);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  refuse(key, describe(*value), "true or false");
  return fallback;
}

int64_t JsonFields::integer(std::string_view key, int64_t min, int64_t max) {
  if (!has(key)) refuse(key, "nothing", fmt::format("{} to {}", min, max));
  return integer_if_there(key, min, max).value_or(0);
}

std::optional<int64_t> JsonFields::integer_if_there(std::string_view key, int64_t min, int64_t max) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto found = int64_of(*value);
  if (found && *found >= min && *found <= max) return found;
  refuse(key, describe(*value), fmt::format("an integer from {} to {}", min, max));
  return std::nullopt;
}

int64_t JsonFields::whole_units(std::string_view key, int64_t min, int64_t max) {
  const json* value = find(key);
  if (value == nullptr || !value->is_string()) return integer_if_there(key, min, max).value_or(0);
  const auto& text = value->get_ref<const std::string&>();
  const size_t point = std::min(text.find('.'), text.size());
  int64_t units = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + point, units);
  const bool is_number =
      error == std::errc{} && end == text.data() + point && point > 0 &&
      text.find_first_not_of("0123456789", point + (point < text.size() ? 1 : 0)) == std::string::npos;
  if (is_number && units >= min && units <= max) return units;
  refuse(key, describe(*value), fmt::format("a number from {} to {}", min, max));
  return 0;
}

Money JsonFields::amount(std::string_view key, std::array<char, 3> currency) {
  if (!has(key)) refuse(key, "nothing", "an amount");
  return amount_if_there(key, currency).value_or(Money{0, currency});
}

std::optional<Money> JsonFields::amount_if_there(std::string_view key, std::array<char, 3> currency) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::optional<Money> money;
  if (value->is_string()) money = parse_amount(value->get_ref<const std::string&>(), currency);
  if (value->is_number_integer()) money = parse_amount(value->dump(), currency);
  if (money && money->minor <= kHighestMinor && money->minor >= -kHighestMinor) return money;
  refuse(key, describe(*value), "an amount with no more digits than the currency has");
  return std::nullopt;
}

std::array<char, 3> JsonFields::currency(std::string_view key) {
  std::array<char, 3> code{'?', '?', '?'};
  const std::string found = text(key);
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (found.size() == code.size() && std::ranges::all_of(found, is_letter))
    std::ranges::transform(found, code.begin(),
                           [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  else
    refuse(key, found.empty() ? "nothing" : describe(json(found)), "a currency: three letters");
  return code;
}

Instant JsonFields::instant(std::string_view key) {
  if (!has(key)) refuse(key, "nothing", "an instant");
  return instant_if_there(key).value_or(Instant{});
}

std::optional<Instant> JsonFields::instant_if_there(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto parsed = value->is_string() ? parse_rfc3339(value->get_ref<const std::string&>()) : std::nullopt;
  if (!parsed) refuse(key, describe(*value), "an instant such as \"2026-11-22T12:00:00Z\"");
  return parsed;
}

JsonFields JsonFields::object(std::string_view key) {
  const json* value = find(key);
  return {value == nullptr ? nothing() : *value, path(key), problems_};
}

const json& JsonFields::array(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return no_array();
  if (value->is_array() && value->size() <= kMostInArray) return *value;
  refuse(key, describe(*value), fmt::format("an array of at most {}", kMostInArray));
  return no_array();
}

}  // namespace vitrine::commerce
