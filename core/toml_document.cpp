// SPDX-License-Identifier: Apache-2.0
#include "core/toml_document.h"

#include <algorithm>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace vitrine {

struct TomlDocument::Converter {
  std::map<std::string, int>& lines;

  nlohmann::json convert(const toml::node& node, const std::string& path) {
    lines[path] = static_cast<int>(node.source().begin.line);
    if (const auto* table = node.as_table()) {
      auto object = nlohmann::json::object();
      for (const auto& [key, value] : *table) {
        const std::string key_path =
            path.empty() ? std::string(key.str()) : fmt::format("{}.{}", path, key.str());
        object[std::string(key.str())] = convert(value, key_path);
        lines[key_path] = static_cast<int>(key.source().begin.line);
      }
      return object;
    }
    if (const auto* array = node.as_array()) {
      auto list = nlohmann::json::array();
      for (size_t i = 0; i < array->size(); ++i)
        list.push_back(convert((*array)[i], fmt::format("{}[{}]", path, i)));
      return list;
    }
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer()) return integer->get();
    if (const auto* number = node.as_floating_point()) return number->get();
    if (const auto* boolean = node.as_boolean()) return boolean->get();
    return nullptr;  // dates and times: no key takes one
  }
};

tl::expected<TomlDocument, Problems> TomlDocument::parse(std::string_view toml,
                                                         const std::string& file_name) {
  try {
    const toml::table table = toml::parse(toml, file_name);
    TomlDocument document;
    document.file_name_ = file_name;
    document.json_ = Converter{document.lines_}.convert(table, "");
    return document;
  } catch (const toml::parse_error& error) {
    return tl::unexpected(
        Problems{{fmt::format("{}:{}:{}", file_name, error.source().begin.line, error.source().begin.column),
                  std::string(error.description()), "TOML 1.0 (toml.io)"}});
  }
}

int TomlDocument::line_of(std::string path) const {
  while (!path.empty()) {
    if (const auto found = lines_.find(path); found != lines_.end()) return found->second;
    const size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return 1;
}

Problems TomlDocument::located(Problems problems) const {
  std::ranges::stable_sort(problems, {}, [this](const Problem& problem) { return line_of(problem.where); });
  for (auto& problem : problems) {
    problem.where = fmt::format("{}:{}: {}", file_name_, line_of(problem.where), problem.where);
  }
  return problems;
}

}  // namespace vitrine
