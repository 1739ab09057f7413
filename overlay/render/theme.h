// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/geometry.h"
#include "overlay/render/manifest.h"
#include "overlay/render/template.h"
#include "overlay/render/text_shaper.h"

namespace vitrine::overlay {

/// A directory with theme.toml and, for each template, <name>.toml and its SVGs. Read when first needed, then
/// kept: a theme that changes on disk changes on air with the next start of the worker, never in the middle
/// of a show.
class Theme {
 public:
  static tl::expected<std::unique_ptr<Theme>, Problems> load(std::filesystem::path directory);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const ThemeRules& rules() const { return rules_; }

  tl::expected<const Manifest*, Problems> manifest(const std::string& name);
  tl::expected<const Template*, Problems> find(const std::string& name, Orientation orientation,
                                               TextShaper& shaper);

 private:
  Theme(std::filesystem::path directory, ThemeRules rules)
      : directory_(std::move(directory)), rules_(std::move(rules)) {}

  const std::filesystem::path directory_;
  const ThemeRules rules_;
  std::map<std::string, Manifest> manifests_;
  std::map<std::pair<std::string, Orientation>, Template> templates_;
};

/// A whole text file of at most `max_bytes`.
tl::expected<std::string, Problems> read_text_file(const std::filesystem::path& path, size_t max_bytes);

}  // namespace vitrine::overlay
