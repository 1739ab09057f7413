// SPDX-License-Identifier: Apache-2.0
#include "core/object_reader.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "core/text_rules.h"

namespace vitrine {
namespace {

/// Levenshtein distance, for "did you mean".
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::string quoted_list(std::initializer_list<std::string_view> words) {
  return fmt::format("one of \"{}\"", fmt::join(words, "\", \""));
}

}  // namespace

ObjectReader::ObjectReader(const nlohmann::json& value, std::string where, Problems& problems)
    : value_(value), where_(std::move(where)), problems_(problems) {
  if (!value_.is_object())
    problems_.push_back({where_.empty() ? "document" : where_, describe(value_), "an object"});
}

std::string ObjectReader::path(std::string_view key) const {
  return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
}

bool ObjectReader::has(std::string_view key) const {
  return value_.is_object() && value_.contains(key);
}

void ObjectReader::refuse(std::string_view key, std::string found, std::string allowed) {
  problems_.push_back({path(key), std::move(found), std::move(allowed)});
}

const nlohmann::json* ObjectReader::find(std::string_view key) {
  known_.emplace(key);
  if (!value_.is_object()) return nullptr;
  const auto found = value_.find(key);
  return found == value_.end() ? nullptr : &*found;
}

const nlohmann::json* ObjectReader::require(std::string_view key, std::string_view allowed) {
  const auto* found = find(key);
  if (found == nullptr && value_.is_object()) refuse(key, "nothing", std::string(allowed));
  return found;
}

void ObjectReader::check_text(std::string_view key, const nlohmann::json& value, TextLimits limits,
                              std::string& out) {
  const std::string allowed =
      fmt::format("text of {} to {} bytes", limits.may_be_empty ? 0 : 1, limits.max_bytes);
  if (!value.is_string()) return refuse(key, describe(value), allowed);
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > limits.max_bytes)
    return refuse(key, fmt::format("text of {} bytes", text.size()), allowed);
  if (text.empty() && !limits.may_be_empty) return refuse(key, "empty text", allowed);
  if (const auto bad = find_unsafe_character(text))
    return refuse(key, *bad, "text without control and direction characters");
  out = text;
}

std::string ObjectReader::text(std::string_view key, TextLimits limits) {
  std::string out;
  if (const auto* value = require(key, fmt::format("text of at most {} bytes", limits.max_bytes))) {
    check_text(key, *value, limits, out);
  }
  return out;
}

std::string ObjectReader::text_or(std::string_view key, std::string fallback, TextLimits limits) {
  if (const auto* value = find(key)) check_text(key, *value, limits, fallback);
  return fallback;
}

std::string ObjectReader::id(std::string_view key) {
  constexpr std::string_view kAllowed = "1 to 64 of a-z A-Z 0-9 - _ .";
  const auto* value = require(key, kAllowed);
  if (value == nullptr) return {};
  if (!value->is_string() || !is_id(value->get_ref<const std::string&>())) {
    refuse(key, describe(*value), std::string(kAllowed));
    return {};
  }
  return value->get<std::string>();
}

int64_t ObjectReader::integer(std::string_view key, int64_t min, int64_t max) {
  if (require(key, fmt::format("an integer from {} to {}", min, max)) == nullptr) return min;
  return integer_or(key, min, min, max);
}

int64_t ObjectReader::integer_or(std::string_view key, int64_t fallback, int64_t min, int64_t max) {
  const auto* value = find(key);
  if (value == nullptr) return fallback;
  const bool is_too_large =
      value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (!value->is_number_integer() || is_too_large || value->get<int64_t>() < min ||
      value->get<int64_t>() > max) {
    refuse(key, describe(*value), fmt::format("an integer from {} to {}", min, max));
    return fallback;
  }
  return value->get<int64_t>();
}

double ObjectReader::number_or(std::string_view key, double fallback, double min, double max) {
  const auto* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_number() || !(value->get<double>() >= min && value->get<double>() <= max)) {
    refuse(key, describe(*value), fmt::format("a number from {} to {}", min, max));
    return fallback;
  }
  return value->get<double>();
}

bool ObjectReader::boolean_or(std::string_view key, bool fallback) {
  const auto* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) {
    refuse(key, describe(*value), "true or false");
    return fallback;
  }
  return value->get<bool>();
}

Instant ObjectReader::instant(std::string_view key) {
  constexpr std::string_view kAllowed = "an RFC 3339 time like \"2026-11-22T12:00:00Z\"";
  const auto* value = require(key, kAllowed);
  if (value == nullptr) return {};
  const auto parsed = value->is_string() ? parse_rfc3339(value->get_ref<const std::string&>()) : std::nullopt;
  if (!parsed) refuse(key, describe(*value), std::string(kAllowed));
  return parsed.value_or(Instant{});
}

size_t ObjectReader::one_of_or_first(std::string_view key, std::initializer_list<std::string_view> words) {
  const auto* value = find(key);
  if (value == nullptr) return 0;
  if (value->is_string()) {
    const auto found = std::ranges::find(words, std::string_view(value->get_ref<const std::string&>()));
    if (found != words.end()) return static_cast<size_t>(found - words.begin());
  }
  refuse(key, describe(*value), quoted_list(words));
  return 0;
}

size_t ObjectReader::one_of(std::string_view key, std::initializer_list<std::string_view> words) {
  if (require(key, quoted_list(words)) == nullptr) return 0;
  return one_of_or_first(key, words);
}

const nlohmann::json* ObjectReader::any(std::string_view key) {
  return find(key);
}

void ObjectReader::object(std::string_view key, const std::function<void(ObjectReader&)>& read) {
  if (require(key, "an object") != nullptr) object_if_present(key, read);
}

void ObjectReader::object_if_present(std::string_view key, const std::function<void(ObjectReader&)>& read) {
  const auto* value = find(key);
  if (value == nullptr) return;
  ObjectReader reader(*value, path(key), problems_);
  if (value->is_object()) {
    read(reader);
    reader.finish();
  }
}

void ObjectReader::array(std::string_view key, size_t min, size_t max,
                         const std::function<void(ObjectReader&)>& read) {
  values(key, min, max, [&](const nlohmann::json& value, const std::string& where) {
    ObjectReader reader(value, where, problems_);
    if (value.is_object()) {
      read(reader);
      reader.finish();
    }
  });
}

void ObjectReader::values(std::string_view key, size_t min, size_t max,
                          const std::function<void(const nlohmann::json&, const std::string& where)>& read) {
  const std::string allowed = fmt::format("an array of {} to {}", min, max);
  const auto* value = min > 0 ? require(key, allowed) : find(key);
  if (value == nullptr) return;
  if (!value->is_array() || value->size() < min || value->size() > max)
    return refuse(key, describe(*value), allowed);
  for (size_t i = 0; i < value->size(); ++i) read((*value)[i], fmt::format("{}[{}]", path(key), i));
}

void ObjectReader::finish() {
  if (!value_.is_object()) return;
  for (const auto& [key, value] : value_.items()) {
    if (known_.contains(key)) continue;
    const auto nearest = std::ranges::min_element(
        known_, {}, [&key = key](const std::string& candidate) { return distance(key, candidate); });
    const bool is_near = nearest != known_.end() && distance(key, *nearest) <= 2;
    const std::string shown = key.size() > 60 ? key.substr(0, 60) + "…" : key;
    problems_.push_back({path(shown), "an unknown key",
                         is_near ? fmt::format("did you mean \"{}\"?", *nearest)
                                 : fmt::format("the keys {}", fmt::join(known_, ", "))});
  }
}

}  // namespace vitrine
