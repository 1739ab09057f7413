// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace vitrine {

/// A TOML text as JSON, so that one reader checks every format, with the line of each path for the person who
/// wrote it.
class TomlDocument {
 public:
  /// `file_name` stands in the problems. Never throws.
  static tl::expected<TomlDocument, Problems> parse(std::string_view toml, const std::string& file_name);

  [[nodiscard]] const nlohmann::json& json() const { return json_; }

  /// The problems in the order of the file, with "file:line: " in front of each path. A missing key is placed
  /// at its table.
  [[nodiscard]] Problems located(Problems problems) const;

 private:
  struct Converter;
  [[nodiscard]] int line_of(std::string path) const;

  std::string file_name_;
  nlohmann::json json_;
  std::map<std::string, int> lines_;
};

}  // namespace vitrine
