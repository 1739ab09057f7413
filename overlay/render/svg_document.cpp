// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/svg_document.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "overlay/render/photo.h"
#include "overlay/render/svg_style.h"

namespace vitrine::overlay {
namespace {

constexpr std::string_view kSvgNamespace = "http://www.w3.org/2000/svg";

// What a tile may consist of. Scripts, foreign objects, animation and whatever SVG grows next are refused by
// name.
constexpr std::array<std::string_view, 44> kElements = {"a",
                                                        "circle",
                                                        "clipPath",
                                                        "defs",
                                                        "desc",
                                                        "ellipse",
                                                        "feBlend",
                                                        "feColorMatrix",
                                                        "feComponentTransfer",
                                                        "feComposite",
                                                        "feFlood",
                                                        "feFuncA",
                                                        "feFuncB",
                                                        "feFuncG",
                                                        "feFuncR",
                                                        "feGaussianBlur",
                                                        "feMerge",
                                                        "feMergeNode",
                                                        "feOffset",
                                                        "filter",
                                                        "g",
                                                        "image",
                                                        "line",
                                                        "linearGradient",
                                                        "marker",
                                                        "mask",
                                                        "metadata",
                                                        "path",
                                                        "pattern",
                                                        "polygon",
                                                        "polyline",
                                                        "radialGradient",
                                                        "rect",
                                                        "stop",
                                                        "style",
                                                        "svg",
                                                        "switch",
                                                        "symbol",
                                                        "text",
                                                        "title",
                                                        "tspan",
                                                        "use",
                                                        "feDropShadow",
                                                        "feMorphology"};

// Namespaces by the prefixes under which editors write them. Their elements are never drawn.
constexpr std::array<std::string_view, 8> kEditorPrefixes = {"sodipodi", "inkscape", "rdf",   "cc",
                                                             "dc",       "figma",    "serif", "sketch"};

bool is_editor_data(std::string_view name) {
  const size_t colon = name.find(':');
  if (colon == std::string_view::npos) return name == "metadata" || name == "title" || name == "desc";
  return std::ranges::find(kEditorPrefixes, name.substr(0, colon)) != kEditorPrefixes.end();
}

struct DepthWalker : pugi::xml_tree_walker {
  int deepest = 0;
  size_t elements = 0;
  bool for_each(pugi::xml_node& node) override {
    deepest = std::max(deepest, depth());
    if (node.type() == pugi::node_element) ++elements;
    return true;
  }
};

/// The ids that an attribute value refers to: "#id", "url(#a) …". nullopt when it reaches outside the
/// document.
std::optional<std::vector<std::string>> referred_ids(std::string_view value, bool is_href) {
  if (is_href) {
    if (!value.starts_with('#')) return std::nullopt;
    return std::vector{std::string(value.substr(1))};
  }
  std::vector<std::string> ids;
  for (size_t at = value.find("url("); at != std::string_view::npos; at = value.find("url(", at)) {
    at += 4;
    std::string_view target = trimmed(value.substr(at, value.find(')', at) - at));
    if (target.size() >= 2 && (target.front() == '"' || target.front() == '\'')) {
      target = target.substr(1, target.size() - 2);
    }
    if (!target.starts_with('#')) return std::nullopt;
    ids.emplace_back(target.substr(1));
  }
  return ids;
}

bool is_href(std::string_view attribute) {
  return attribute == "href" || attribute == "xlink:href";
}

}  // namespace

class SvgChecker {
 public:
  SvgChecker(SvgDocument& document, const SvgDocument::Limits& limits)
      : document_(document), limits_(limits) {}

  bool load(const std::string& text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') document_.line_ends_.push_back(i);
    }
    if (text.size() > limits_.max_bytes) {
      return refuse_file(fmt::format("{} bytes", text.size()), fmt::format("at most {}", limits_.max_bytes));
    }
    constexpr unsigned kFlags =
        pugi::parse_default | pugi::parse_ws_pcdata | pugi::parse_pi | pugi::parse_doctype;
    const auto parsed = document_.xml_->load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8);
    if (!parsed) {
      return refuse_at(place(static_cast<size_t>(parsed.offset)),
                       fmt::format("XML that can't be read: {}", parsed.description()), "well-formed SVG");
    }
    DepthWalker walker;
    document_.xml_->traverse(walker);
    if (walker.elements > limits_.max_elements) {
      return refuse_file(fmt::format("{} elements", walker.elements),
                         fmt::format("at most {}", limits_.max_elements));
    }
    if (walker.deepest > limits_.max_depth) {
      return refuse_file(fmt::format("elements nested {} deep", walker.deepest),
                         fmt::format("at most {}", limits_.max_depth));
    }
    return true;
  }

  /// Takes out comments, processing instructions, the document type and editor data.
  void clean(pugi::xml_node parent) {
    for (pugi::xml_node child = parent.first_child(); child;) {
      const pugi::xml_node next = child.next_sibling();
      const std::string_view name = child.name();
      if (child.type() == pugi::node_doctype &&
          std::string_view(child.value()).find('[') != std::string_view::npos) {
        refuse_at(place_of(child), "a document type with declarations (entities)",
                  "none: they can be expanded without end");
      }
      if (child.type() == pugi::node_pi && name == "xml-stylesheet") {
        refuse_at(place_of(child), "an external style sheet", "styles inside the file");
      }
      const bool is_kept = child.type() == pugi::node_element
                               ? !is_editor_data(name)
                               : child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata;
      if (!is_kept) {
        parent.remove_child(child);
      } else {
        clean(child);  // as deep as max_depth
      }
      child = next;
    }
  }

  void check_elements() {
    const pugi::xml_node root = document_.root();
    if (std::string_view(root.name()) != "svg" ||
        std::string_view(root.attribute("xmlns").value()) != kSvgNamespace) {
      refuse_file(fmt::format("<{}>", root.name()),
                  "<svg xmlns=\"http://www.w3.org/2000/svg\"> as the outermost element");
      return;
    }
    for (const auto& node : elements_of(*document_.xml_)) {
      if (std::ranges::find(kElements, std::string_view(node.name())) == kElements.end()) {
        refuse(node, fmt::format("an element <{}>", node.name()),
               "shapes, text, images, gradients, clips, masks, patterns and simple filters");
        continue;
      }
      if (std::string_view(node.name()) == "style") check_css(node, node.text().get());
      check_attributes(node);
      if (const std::string id = node.attribute("id").value();
          !id.empty() && !by_id_.emplace(id, node).second) {
        refuse(node, fmt::format("the id '{}' a second time", id), "each id once");
      }
    }
  }

  void check_size() {
    pugi::xml_node root = document_.root();
    const auto width = parse_length(root.attribute("width").value());
    const auto height = parse_length(root.attribute("height").value());
    double box_width = width.value_or(0);
    double box_height = height.value_or(0);
    if (const std::string_view box = root.attribute("viewBox").value(); !box.empty()) {
      std::string numbers(box);
      std::ranges::replace(numbers, ',', ' ');
      std::array<double, 4> values{};
      int used = 0;
      if (std::sscanf(numbers.c_str(), "%lf %lf %lf %lf%n", &values[0], &values[1], &values[2], &values[3],
                      &used) != 4 ||
          values[0] != 0 || values[1] != 0) {
        refuse(root, fmt::format("viewBox=\"{}\"", box), "viewBox=\"0 0 width height\"");
        return;
      }
      box_width = values[2];
      box_height = values[3];
      // A size in millimetres is how Inkscape sees the paper; the view box is what was drawn in.
      if ((width && *width != box_width) || (height && *height != box_height)) {
        refuse(root,
               fmt::format("{} x {} pixels and a viewBox of {} x {}", root.attribute("width").value(),
                           root.attribute("height").value(), box_width, box_height),
               "the same size in both: canvas pixels");
      }
    }
    if (!(box_width >= 2 && box_width <= limits_.max_side && box_height >= 2 &&
          box_height <= limits_.max_side)) {
      refuse(root, fmt::format("a size of {} x {}", box_width, box_height),
             fmt::format("width and height, or a viewBox, of 2 to {} pixels", limits_.max_side));
      return;
    }
    document_.width_ = box_width;
    document_.height_ = box_height;
    root.remove_attribute("width");
    root.remove_attribute("height");
    set_attribute(root, "viewBox", fmt::format("0 0 {} {}", box_width, box_height));
  }

  void check_references() {
    if (!problems_.empty()) return;
    const uint64_t drawn = count_drawn(document_.root());
    if (problems_.empty() && drawn > limits_.max_drawn) {
      refuse_file(fmt::format("{} elements when each reference is followed", drawn),
                  fmt::format("at most {}", limits_.max_drawn));
    }
  }

  Problems take_problems() { return std::move(problems_); }

 private:
  void check_attributes(pugi::xml_node node) {
    for (pugi::xml_attribute attribute = node.first_attribute(); attribute;) {
      const pugi::xml_attribute next = attribute.next_attribute();
      const std::string_view name = attribute.name();
      const std::string_view value = attribute.value();
      const bool is_dropped =
          name.starts_with("on") || name == "xml:base" || std::string_view(node.name()) == "a";
      if (is_dropped && (name.starts_with("on") || name == "xml:base" || is_href(name))) {
        node.remove_attribute(attribute);
      } else if (is_href(name) && value.starts_with("data:")) {
        if (std::string_view(node.name()) != "image") {
          refuse(node, "embedded data", "data: only in <image>");
        } else if (const auto image = check_embedded_image(value); !image) {
          refuse(node, image.error().message, "an embedded PNG or JPEG");
        }
      } else if (is_href(name) && !referred_ids(value, true)) {
        refuse(node, fmt::format("{}=\"{}\"", name, value.substr(0, 80)),
               "a reference to an element of this file (\"#id\")");
      } else if (name == "style") {
        check_css(node, value);
      } else if (!referred_ids(value, false)) {
        refuse(node, fmt::format("{}=\"{}\"", name, value.substr(0, 80)),
               "url(#id) of an element of this file");
      }
      attribute = next;
    }
  }

  void check_css(const pugi::xml_node& node, std::string_view css) {
    std::string lower(css);
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    // A backslash can spell any name in CSS so that no check finds it.
    if (lower.find('\\') != std::string::npos)
      refuse(node, "a backslash in a style", "styles without escapes");
    if (lower.find("@import") != std::string::npos) refuse(node, "@import", "styles inside the file");
    if (!referred_ids(lower, false))
      refuse(node, "a style with an outside url()", "url(#id) of an element of this file");
    if (std::string_view(node.name()) == "style" &&
        (lower.find("font") != std::string::npos || lower.find("letter-spacing") != std::string::npos)) {
      refuse(node, "fonts in a <style> sheet",
             "font properties as attributes or in style=\"\" of the text, so that it can be measured");
    }
  }

  uint64_t count_drawn(const pugi::xml_node& node) {
    const auto [known, is_new] = drawn_.emplace(node.hash_value(), kBusy);
    if (!is_new) {
      if (known->second == kBusy)
        refuse(node, "a reference that leads back to itself", "references without a circle");
      return known->second == kBusy ? 0 : known->second;
    }
    uint64_t count = 1;
    for (const auto& child : node.children()) {
      if (child.type() == pugi::node_element) count += count_drawn(child);
    }
    for (const auto& attribute : node.attributes()) {
      const std::string_view value = attribute.value();
      if (is_href(attribute.name()) && value.starts_with("data:")) continue;
      for (const auto& id :
           referred_ids(value, is_href(attribute.name())).value_or(std::vector<std::string>())) {
        if (const auto target = by_id_.find(id); target != by_id_.end()) count += count_drawn(target->second);
      }
    }
    count = std::min<uint64_t>(count, uint64_t{1} << 32);  // sums stay far from overflow
    drawn_[node.hash_value()] = count;
    return count;
  }

  std::string place(size_t offset) const {
    const auto line = std::ranges::upper_bound(document_.line_ends_, offset) - document_.line_ends_.begin();
    return fmt::format("{}:{}", document_.file_name_, line + 1);
  }
  std::string place_of(const pugi::xml_node& node) const {
    return place(static_cast<size_t>(std::max<ptrdiff_t>(0, node.offset_debug())));
  }

  bool refuse_at(std::string where, std::string found, std::string allowed) {
    problems_.push_back({std::move(where), std::move(found), std::move(allowed)});
    return false;
  }
  bool refuse_file(std::string found, std::string allowed) {
    return refuse_at(document_.file_name_, std::move(found), std::move(allowed));
  }
  void refuse(const pugi::xml_node& node, std::string found, std::string allowed) {
    refuse_at(document_.where(node), std::move(found), std::move(allowed));
  }

  static constexpr uint64_t kBusy = UINT64_MAX;

  SvgDocument& document_;
  const SvgDocument::Limits& limits_;
  Problems problems_;
  std::map<std::string, pugi::xml_node> by_id_;
  std::map<size_t, uint64_t> drawn_;
};

tl::expected<SvgDocument, Problems> SvgDocument::parse(const std::string& text, std::string file_name,
                                                       const Limits& limits) {
  SvgDocument document;
  document.file_name_ = std::move(file_name);
  SvgChecker checker(document, limits);
  if (checker.load(text)) {
    checker.clean(*document.xml_);
    checker.check_elements();
    checker.check_size();
    checker.check_references();
  }
  if (auto problems = checker.take_problems(); !problems.empty()) return tl::unexpected(std::move(problems));
  return document;
}

std::string SvgDocument::where(const pugi::xml_node& node) const {
  const auto offset = static_cast<size_t>(std::max<ptrdiff_t>(0, node.offset_debug()));
  const auto line = std::ranges::upper_bound(line_ends_, offset) - line_ends_.begin() + 1;
  const std::string_view id = node.attribute("id").value();
  if (id.empty()) return fmt::format("{}:{}: <{}>", file_name_, line, node.name());
  return fmt::format("{}:{}: <{}> '{}'", file_name_, line, node.name(), id);
}

std::vector<pugi::xml_node> elements_of(const pugi::xml_document& document) {
  std::vector<pugi::xml_node> elements;
  std::vector<pugi::xml_node> waiting{document.document_element()};
  while (!waiting.empty()) {
    const pugi::xml_node node = waiting.back();
    waiting.pop_back();
    if (node.type() != pugi::node_element) continue;
    elements.push_back(node);
    for (pugi::xml_node child = node.last_child(); child; child = child.previous_sibling())
      waiting.push_back(child);
  }
  return elements;
}

}  // namespace vitrine::overlay
