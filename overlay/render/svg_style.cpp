// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/svg_style.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace vitrine::overlay {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::optional<double> parse_length(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (!unit.empty() && unit != "px") return std::nullopt;
  return value;
}

std::string own_style(const pugi::xml_node& node, std::string_view property) {
  std::string_view style = node.attribute("style").value();
  std::string found;
  while (!style.empty()) {
    const size_t end = style.find(';');
    const std::string_view declaration = style.substr(0, end);
    style = end == std::string_view::npos ? std::string_view() : style.substr(end + 1);
    const size_t colon = declaration.find(':');
    if (colon != std::string_view::npos && trimmed(declaration.substr(0, colon)) == property) {
      found = trimmed(declaration.substr(colon + 1));  // the last one wins
    }
  }
  if (!found.empty()) return found;
  return std::string(trimmed(node.attribute(std::string(property).c_str()).value()));
}

std::string inherited_style(const pugi::xml_node& node, std::string_view property) {
  for (pugi::xml_node at = node; at; at = at.parent()) {
    if (auto value = own_style(at, property); !value.empty() && value != "inherit") return value;
  }
  return {};
}

void set_style(pugi::xml_node node, std::string_view property, std::string_view value) {
  const std::string before = node.attribute("style").value();
  set_attribute(node, "style", fmt::format("{}{}{}:{}", before, before.empty() ? "" : ";", property, value));
}

void set_attribute(pugi::xml_node node, const char* name, std::string_view value) {
  pugi::xml_attribute attribute = node.attribute(name);
  if (!attribute) attribute = node.append_attribute(name);
  attribute.set_value(std::string(value).c_str());
}

void set_attribute(pugi::xml_node node, const char* name, double value) {
  set_attribute(node, name, fmt::format("{:.3f}", value));
}

}  // namespace vitrine::overlay
