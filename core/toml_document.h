// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace vitrine {

/// TOML as JSON, so that one ObjectReader checks both, and the line of every path.
class TomlDocument {
 public:
  /// Errors: one problem with file, line and column. `file_name` stands in the problems.
  static tl::expected<TomlDocument, Problems> parse(std::string_view text, const std::string& file_name);

  [[nodiscard]] const nlohmann::json& json() const { return json_; }

  /// Puts file and line in front of each problem's path, in the order of the file.
  void locate(Problems& problems) const;

 private:
  [[nodiscard]] int line_of(std::string path) const;

  std::string file_name_;
  nlohmann::json json_;
  std::map<std::string, int> lines_;
};

}  // namespace vitrine
