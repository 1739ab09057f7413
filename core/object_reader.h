// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/geometry.h"
#include "core/media_time.h"

namespace vitrine {

/// Reads one object from outside, key by key, and notes every value that is missing, of the wrong type, out
/// of range or unknown, with its place, what was found and what is allowed. It never stops at the first: a
/// technician sees all. After a note the getters return the fallback, and the caller goes on; the result
/// counts only when no problem was noted.
class ObjectReader {
 public:
  /// `value` must outlive the reader. `where` is the path shown before keys: "", "programs[0]".
  ObjectReader(const nlohmann::json& value, std::string where, Problems& problems);

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::string path(std::string_view key) const;

  struct TextLimits {
    size_t max_bytes = 200;
    bool may_be_empty = false;
  };
  std::string text(std::string_view key, TextLimits limits);
  std::string text_or(std::string_view key, std::string fallback, TextLimits limits);
  /// Letters, digits, '-', '_', '.': ids that stand in file names, logs and URLs. 1 to 64 bytes.
  std::string id(std::string_view key);
  int64_t integer(std::string_view key, int64_t min, int64_t max);
  int64_t integer_or(std::string_view key, int64_t fallback, int64_t min, int64_t max);
  double number_or(std::string_view key, double fallback, double min, double max);
  bool boolean_or(std::string_view key, bool fallback);
  Instant instant(std::string_view key);
  /// Index of the word found among `words`; the first when it is missing.
  size_t one_of_or_first(std::string_view key, std::initializer_list<std::string_view> words);
  size_t one_of(std::string_view key, std::initializer_list<std::string_view> words);

  /// The value as it is, or nullptr when it is missing.
  const nlohmann::json* any(std::string_view key);
  void object(std::string_view key, const std::function<void(ObjectReader&)>& read);
  void object_if_present(std::string_view key, const std::function<void(ObjectReader&)>& read);
  /// Calls `read` for each object of the array; a missing key is an empty array when `min` is 0.
  void array(std::string_view key, size_t min, size_t max, const std::function<void(ObjectReader&)>& read);
  /// The array's values, with their paths.
  void values(std::string_view key, size_t min, size_t max,
              const std::function<void(const nlohmann::json&, const std::string& where)>& read);

  void refuse(std::string_view key, std::string found, std::string allowed);

  /// Call last: every key that no getter asked for is unknown, and named with the nearest known one.
  void finish();

 private:
  const nlohmann::json* find(std::string_view key);
  const nlohmann::json* require(std::string_view key, std::string_view allowed);
  void check_text(std::string_view key, const nlohmann::json& value, TextLimits limits, std::string& out);

  const nlohmann::json& value_;
  const std::string where_;
  Problems& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace vitrine
