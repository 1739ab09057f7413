// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <pugixml.hpp>

#include "core/error.h"

namespace vitrine::overlay {

/// An SVG file as a designer saved it, checked: it refers to nothing outside itself, runs nothing, and is
/// small enough to be drawn in a frame's time. What editors keep for themselves has been taken out.
class SvgDocument {
 public:
  struct Limits {
    size_t max_bytes = 2U << 20;
    size_t max_elements = 4000;
    int max_depth = 48;
    /// Elements drawn, when what <use>, patterns, masks and clip paths refer to is counted each time: nested
    /// references multiply ("billion laughs", CVE-2019-20446).
    uint64_t max_drawn = 20'000;
    double max_side = 4096;
  };

  /// `file_name` stands in the problems.
  static tl::expected<SvgDocument, Problems> parse(const std::string& text, std::string file_name,
                                                   const Limits& limits);

  [[nodiscard]] const pugi::xml_document& xml() const { return *xml_; }
  [[nodiscard]] pugi::xml_node root() const { return xml_->document_element(); }
  /// Size in the units of its viewBox, which are the pixels of the canvas it was drawn for.
  [[nodiscard]] double width() const { return width_; }
  [[nodiscard]] double height() const { return height_; }

  /// "product_card.svg:12: <text> 'name'": where a person finds the element. Only for this document's own
  /// nodes.
  [[nodiscard]] std::string where(const pugi::xml_node& node) const;

 private:
  friend class SvgChecker;

  std::string file_name_;
  std::vector<size_t> line_ends_;
  std::unique_ptr<pugi::xml_document> xml_ = std::make_unique<pugi::xml_document>();
  double width_ = 0;
  double height_ = 0;
};

/// All elements in document order: an element's place here is the same in every copy of the document.
std::vector<pugi::xml_node> elements_of(const pugi::xml_document& document);

}  // namespace vitrine::overlay
