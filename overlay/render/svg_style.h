// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

namespace vitrine::overlay {

/// The little of SVG's styling that the engine must understand itself; librsvg does the rest.

/// A number in user units: "12", "12.5px", " -3 ". nullopt for other units, percentages and words.
std::optional<double> parse_length(std::string_view text);

/// What the element itself says about `property`: its style attribute, else its attribute; "" when neither
/// does.
std::string own_style(const pugi::xml_node& node, std::string_view property);

/// The same, or what the nearest ancestor says.
std::string inherited_style(const pugi::xml_node& node, std::string_view property);

/// Adds a declaration that wins over all others of this element.
void set_style(pugi::xml_node node, std::string_view property, std::string_view value);

void set_attribute(pugi::xml_node node, const char* name, std::string_view value);
void set_attribute(pugi::xml_node node, const char* name, double value);

std::string_view trimmed(std::string_view text);

}  // namespace vitrine::overlay
