// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/media_time.h"
#include "core/money.h"

namespace vitrine::commerce {

/// Reads an object of a backend's answer (parse_backend_json) and notes what can't be read, as
/// core/ObjectReader does for our own formats; but keys that nobody asks for are the backend's business, and
/// null is "not there". After a note the getters return nothing of use; the row counts only when no problem
/// was noted.
class JsonFields {
 public:
  /// `value` must outlive the reader.
  JsonFields(const nlohmann::json& value, std::string where, Problems& problems);

  /// Not there: "".
  std::string text(std::string_view key);
  /// Text or integer, at most 128 bytes, never empty.
  std::string id(std::string_view key);
  bool boolean(std::string_view key);
  bool boolean_or(std::string_view key, bool fallback);
  int64_t integer(std::string_view key, int64_t min, int64_t max);
  std::optional<int64_t> integer_if_there(std::string_view key, int64_t min, int64_t max);
  /// An integer, or a decimal cut down to one; not there: 0.
  int64_t whole_units(std::string_view key, int64_t min, int64_t max);
  /// "298.9" or 299, exact.
  Money amount(std::string_view key, std::array<char, 3> currency);
  std::optional<Money> amount_if_there(std::string_view key, std::array<char, 3> currency);
  /// "cny" or "CNY".
  std::array<char, 3> currency(std::string_view key);
  Instant instant(std::string_view key);
  std::optional<Instant> instant_if_there(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] bool is_empty() const { return value_.empty(); }
  /// Not there: a reader that finds nothing, and notes nothing but for what is then asked of it.
  JsonFields object(std::string_view key);
  /// Not there: empty. More than 1000 are refused.
  const nlohmann::json& array(std::string_view key);

  void refuse(std::string_view key, std::string found, std::string allowed);

 private:
  [[nodiscard]] const nlohmann::json* find(std::string_view key) const;
  [[nodiscard]] std::string path(std::string_view key) const;

  const nlohmann::json& value_;
  std::string where_;
  Problems& problems_;
};

}  // namespace vitrine::commerce
