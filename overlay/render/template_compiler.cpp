// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "overlay/render/svg_style.h"
#include "overlay/render/template.h"

namespace vitrine::overlay {
namespace {

constexpr std::array<std::string_view, 28> kAttributes = {
    "data-form",    "data-if",        "data-unless",      "data-class",  "data-text",     "data-countdown",
    "data-format",  "data-tenths",    "data-clock",       "data-width",  "data-right",    "data-min-size",
    "data-lines",   "data-overflow",  "data-line-height", "data-follow", "data-gap",      "data-hug",
    "data-padding", "data-min-width", "data-image",       "data-crop",   "data-progress", "data-note",
    "data-below",   "data-drop",      "data-wrap-size",   "data-qr"};

bool has(const pugi::xml_node& node, const char* attribute) {
  return !node.attribute(attribute).empty();
}
std::string_view value(const pugi::xml_node& node, const char* attribute) {
  return node.attribute(attribute).value();
}
bool is_named(const pugi::xml_node& node, std::string_view name) {
  return node.name() == name;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  while (!(text = trimmed(text)).empty()) {
    const size_t end = text.find_first_of(" \t\r\n");
    list.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end);
  }
  return list;
}

/// The text an element holds, spaces as librsvg draws them.
std::string collapsed(std::string_view text) {
  return fmt::format("{}", fmt::join(words(text), " "));
}

bool is_text_source(const pugi::xml_node& node) {
  return has(node, "data-text") || has(node, "data-countdown") || has(node, "data-clock");
}

/// All of `text` as an integer.
std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Transforms of everything around an element and its own: two elements with equal ones share a coordinate
/// system.
std::string transforms_of(const pugi::xml_node& node) {
  std::string all;
  for (pugi::xml_node at = node; at; at = at.parent()) {
    if (is_named(at, "clipPath") || is_named(at, "symbol") || is_named(at, "pattern"))
      all += fmt::format("{}/", at.name());
    all += value(at, "transform");
  }
  return all;
}

}  // namespace

class TemplateCompiler {
 public:
  TemplateCompiler(const SvgDocument& document, const Manifest& manifest, const ThemeRules& theme,
                   TextShaper& shaper)
      : document_(document),
        manifest_(manifest),
        theme_(theme),
        shaper_(shaper),
        nodes_(elements_of(document.xml())) {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      places_[nodes_[i].hash_value()] = i;
      if (has(nodes_[i], "id")) by_id_[std::string(value(nodes_[i], "id"))] = i;
    }
  }

  void compile() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      check_attribute_names(nodes_[i]);
      read_visibility(i);
      read_classes(i);
      read_image(i);
      read_qr(i);
      read_progress(i);
      read_flow(i);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (is_named(nodes_[i], "text")) read_text(i);
    }
    check_circles();
  }

  TemplateRules rules;
  Problems problems;

 private:
  // ---- reading attributes

  void refuse(const pugi::xml_node& node, std::string found, std::string allowed) {
    problems.push_back({document_.where(node), std::move(found), std::move(allowed)});
  }

  void check_attribute_names(const pugi::xml_node& node) {
    for (const auto& attribute : node.attributes()) {
      const std::string_view name = attribute.name();
      if (name.starts_with("data-") && std::ranges::find(kAttributes, name) == kAttributes.end()) {
        refuse(node, fmt::format("the attribute {}", name), fmt::format("{}", fmt::join(kAttributes, ", ")));
      }
    }
    if (is_text_source(node) && !is_named(node, "text") && !is_named(node, "tspan")) {
      refuse(node, "text bound to a shape", "data-text, data-countdown and data-clock on <text> or <tspan>");
    }
  }

  double number(const pugi::xml_node& node, const char* attribute, double fallback, double min, double max) {
    if (!has(node, attribute)) return fallback;
    const auto number = parse_length(value(node, attribute));
    if (number && *number >= min && *number <= max) return *number;
    refuse(node, fmt::format("{}=\"{}\"", attribute, value(node, attribute)),
           fmt::format("a number from {} to {}", min, max));
    return fallback;
  }

  std::string field(const pugi::xml_node& node, const char* attribute, std::string_view name,
                    std::vector<FieldType> types) {
    const auto type = manifest_.type_of(name);
    const auto fits = [&](FieldType candidate) {
      return types.empty() || std::ranges::find(types, candidate) != types.end();
    };
    if (!type || !fits(*type)) {
      std::vector<std::string> names;
      for (const auto& [candidate, definition] : manifest_.fields) {
        if (fits(definition.type)) names.push_back(candidate);
        for (const auto& [column, column_definition] : definition.columns) {
          if (fits(column_definition.type)) names.push_back(fmt::format("{}.0.{}", candidate, column));
        }
      }
      refuse(node, fmt::format("{}=\"{}\"", attribute, name),
             fmt::format("a field of the manifest: {}", fmt::join(names, ", ")));
    }
    return std::string(name);
  }

  std::optional<size_t> target(const pugi::xml_node& node, const char* attribute, const std::string& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) {
      refuse(node, fmt::format("{}=\"{}\"", attribute, id), "the id of an element of this file");
      return std::nullopt;
    }
    const pugi::xml_node other = nodes_[found->second];
    if (!is_named(other, "text") && !is_named(other, "rect") && !is_named(other, "image")) {
      refuse(node, fmt::format("{}=\"{}\", a <{}>", attribute, id, other.name()),
             "a <text>, <rect> or <image>");
      return std::nullopt;
    }
    if (transforms_of(node) != transforms_of(other)) {
      refuse(node, fmt::format("{}=\"{}\" across a transform", attribute, id),
             "both elements in one coordinate system: ungroup, or apply the transform");
      return std::nullopt;
    }
    return found->second;
  }

  // ---- what is simple

  void read_visibility(size_t place) {
    const pugi::xml_node node = nodes_[place];
    VisibilityRule rule{place, {}, {}, {}};
    for (const auto& word : words(value(node, "data-form"))) {
      constexpr std::array kForms = {LayerForm::kNormal, LayerForm::kEnded, LayerForm::kNeutral};
      const auto* form =
          std::ranges::find_if(kForms, [&](LayerForm candidate) { return word == to_string(candidate); });
      if (form == kForms.end() || !manifest_.has_form(*form)) {
        refuse(node, fmt::format("data-form=\"{}\"", word),
               "forms that the manifest lists: normal, ended, neutral");
      } else {
        rule.forms.push_back(*form);
      }
    }
    for (const auto& word : words(value(node, "data-if")))
      rule.if_all.push_back(condition(node, "data-if", word));
    for (const auto& word : words(value(node, "data-unless")))
      rule.unless_any.push_back(condition(node, "data-unless", word));
    if (!rule.forms.empty() || !rule.if_all.empty() || !rule.unless_any.empty())
      rules.visibilities.push_back(std::move(rule));
  }

  Condition condition(const pugi::xml_node& node, const char* attribute, std::string_view word) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) return {field(node, attribute, word, {}), std::nullopt};
    const auto integer = parse_integer(word.substr(equals + 1));
    if (!integer)
      refuse(node, fmt::format("{}=\"{}\"", attribute, word), "a field, or one and an integer: \"stock=0\"");
    return {field(node, attribute, word.substr(0, equals), {FieldType::kInteger}), integer.value_or(0)};
  }

  void read_classes(size_t place) {
    for (const auto& word : words(value(nodes_[place], "data-class"))) {
      const size_t colon = word.find(':');
      if (colon == std::string::npos) {
        refuse(nodes_[place], fmt::format("data-class=\"{}\"", word), "field:class");
        continue;
      }
      rules.classes.push_back(
          {place, field(nodes_[place], "data-class", word.substr(0, colon), {}), word.substr(colon + 1)});
    }
  }

  void read_image(size_t place) {
    const pugi::xml_node node = nodes_[place];
    if (!has(node, "data-image")) return;
    const std::string_view crop = value(node, "data-crop");
    if (!crop.empty() && crop != "cover" && crop != "contain") {
      refuse(node, fmt::format("data-crop=\"{}\"", crop), "\"cover\" or \"contain\"");
    }
    require_box(node, "data-image", is_named(node, "image") || is_named(node, "rect"));
    rules.images.push_back({place, field(node, "data-image", value(node, "data-image"), {FieldType::kImage}),
                            crop == "contain" ? PhotoStore::Crop::kContain : PhotoStore::Crop::kCover});
  }

  void read_qr(size_t place) {
    const pugi::xml_node node = nodes_[place];
    if (!has(node, "data-qr")) return;
    require_box(node, "data-qr", is_named(node, "rect"));
    rules.qr_codes.push_back({place, field(node, "data-qr", value(node, "data-qr"), {FieldType::kLink})});
  }

  void read_progress(size_t place) {
    const pugi::xml_node node = nodes_[place];
    if (!has(node, "data-progress")) return;
    require_box(node, "data-progress", is_named(node, "rect"));
    const std::string_view text = value(node, "data-progress");
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
      refuse(node, fmt::format("data-progress=\"{}\"", text),
             "two integer fields, or one and a number: \"stock/stock_total\", \"percent/100\"");
      return;
    }
    ProgressRule rule{place, field(node, "data-progress", text.substr(0, slash), {FieldType::kInteger}), {}};
    const std::string_view total = text.substr(slash + 1);
    if (const auto number = parse_integer(total)) {
      rule.total = *number;
    } else {
      rule.total = field(node, "data-progress", total, {FieldType::kInteger});
    }
    rules.progresses.push_back(std::move(rule));
  }

  void require_box(const pugi::xml_node& node, const char* attribute, bool is_right_element) {
    const auto width = parse_length(value(node, "width"));
    const auto height = parse_length(value(node, "height"));
    if (!is_right_element || !width || !height || *width < 1 || *height < 1) {
      refuse(node, fmt::format("{} on this element", attribute),
             "a <rect> (or for pictures an <image>) with x, y, width and height in pixels");
    }
  }

  void read_flow(size_t place) {
    const pugi::xml_node node = nodes_[place];
    if (has(node, "data-follow")) {
      if (!is_named(node, "text") && !is_named(node, "rect") && !is_named(node, "image") &&
          !is_named(node, "use")) {
        refuse(node, "data-follow on this element", "data-follow on <text>, <rect>, <image> or <use>");
      }
      if (const auto other = target(node, "data-follow", std::string(value(node, "data-follow")))) {
        rules.follows.push_back({place, *other, number(node, "data-gap", 0, -1000, 1000)});
        measured_.insert(*other);
        measured_.insert(place);
      }
    }
    if (has(node, "data-below")) {
      if (!is_named(node, "text") && !is_named(node, "rect") && !is_named(node, "image") &&
          !is_named(node, "use")) {
        refuse(node, "data-below on this element", "data-below on <text>, <rect>, <image> or <use>");
      }
      if (const auto other = target(node, "data-below", std::string(value(node, "data-below")))) {
        rules.belows.push_back({place, *other, number(node, "data-drop", 0, -1000, 1000)});
        measured_.insert(*other);
        measured_.insert(place);
      }
    }
    if (!has(node, "data-hug")) return;
    require_box(node, "data-hug", is_named(node, "rect"));
    HugRule rule{place, {}, 0, 0, number(node, "data-min-width", 0, 0, 4096)};
    const auto paddings = words(value(node, "data-padding"));
    const auto padding = [&](size_t i) {
      return paddings.size() > i ? parse_length(paddings[i]) : std::optional(0.0);
    };
    rule.padding_left = padding(0).value_or(0);
    rule.padding_right = paddings.size() > 1 ? padding(1).value_or(0) : rule.padding_left;
    if (!padding(0) || !padding(1) || paddings.size() > 2) {
      refuse(node, fmt::format("data-padding=\"{}\"", value(node, "data-padding")),
             "one number, or two for left and right");
    }
    for (const auto& id : words(value(node, "data-hug"))) {
      const auto other = target(node, "data-hug", id);
      if (!other) continue;
      rule.targets.push_back(*other);
      measured_.insert(*other);
    }
    rules.hugs.push_back(std::move(rule));
  }

  // ---- text

  void read_text(size_t place) {
    const pugi::xml_node text = nodes_[place];
    bool is_bound = is_text_source(text) || measured_.contains(place) || has(text, "data-width") ||
                    has(text, "data-right");
    for (const auto& child : text.children("tspan"))
      is_bound |= is_text_source(child) || has(child, "data-if") || has(child, "data-unless");
    check_readable(text);
    if (!is_bound) return;
    TextRule rule;
    rule.element = place;
    read_runs(text, rule);
    if (rule.runs.empty()) return refuse(text, "no text in it", "a text to start from");
    read_position(text, rule);
    read_fit(text, rule);
    for (const auto& run : rule.runs) check_style(text, run.style);
    rules.texts.push_back(std::move(rule));
  }

  void read_runs(const pugi::xml_node& text, TextRule& rule) {
    const pugi::xml_node first_span = text.child("tspan");
    if (is_text_source(text)) {
      const pugi::xml_node styled = first_span ? first_span : text;
      rule.runs.push_back({place_of(text), place_of(styled), source_of(text), style_of(styled)});
      for (const auto& child : text.children("tspan")) {
        if (is_text_source(child))
          refuse(child, "a bound tspan in a bound text", "either the text or its tspans bound");
      }
      return;
    }
    for (const auto& child : text.children()) {
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        if (std::string literal = collapsed(child.value()); !literal.empty()) {
          rule.runs.push_back({place_of(text), place_of(text), std::move(literal), style_of(text)});
        }
      } else if (is_named(child, "tspan")) {
        // Inkscape nests: the outer tspan is the line, the inner one the style.
        const pugi::xml_node inner = child.child("tspan") ? child.child("tspan") : child;
        const pugi::xml_node bound = is_text_source(inner) ? inner : child;
        rule.runs.push_back(
            {place_of(bound), place_of(inner),
             is_text_source(bound) ? source_of(bound) : TextSource(collapsed(inner.text().get())),
             style_of(inner)});
        if (has(child, "x") && rule.runs.size() > 1) {
          refuse(child, "a second line in a measured text", "one line, or data-lines with data-width");
        }
      }
    }
  }

  TextSource source_of(const pugi::xml_node& node) {
    if (has(node, "data-countdown")) {
      CountdownRule rule;
      rule.field = field(node, "data-countdown", value(node, "data-countdown"), {FieldType::kInstant});
      const auto format = parse_countdown_format(value(node, "data-format"));
      if (!format)
        refuse(node, fmt::format("data-format=\"{}\"", value(node, "data-format")),
               "\"auto\", \"mm:ss\", \"hh:mm:ss\" or \"s\"");
      rule.format = format.value_or(CountdownFormat::kAuto);
      rule.tenths = std::chrono::seconds(static_cast<int>(number(node, "data-tenths", 10, 0, 60)));
      return rule;
    }
    if (has(node, "data-clock")) {
      ClockRule rule{std::string(value(node, "data-clock"))};
      if (const auto bad = find_bad_time_format(rule.format)) {
        refuse(node, fmt::format("data-clock with {}", *bad), "%H:%M or %H:%M:%S");
        rule.format = "%H:%M";
      }
      return rule;
    }
    auto pattern = Pattern::parse(value(node, "data-text"), manifest_);
    if (!pattern) {
      refuse(node, fmt::format("data-text: {}", pattern.error().message),
             "fields of the manifest in braces: \"{name}\"");
      return std::string();
    }
    return std::move(*pattern);
  }

  void read_position(const pugi::xml_node& text, TextRule& rule) {
    const pugi::xml_node span = text.child("tspan");
    const auto coordinate = [&](const char* name) {
      const pugi::xml_node holder = has(text, name) || !has(span, name) ? text : span;
      if (!has(holder, name)) return 0.0;
      const auto number = parse_length(value(holder, name));
      if (!number)
        refuse(holder, fmt::format("{}=\"{}\"", name, value(holder, name)), "one number of pixels");
      return number.value_or(0);
    };
    // Figma and Inkscape write the place of each line on its tspan; where both have one, the tspan's is
    // drawn.
    rule.x =
        has(span, "x") && parse_length(value(span, "x")) ? *parse_length(value(span, "x")) : coordinate("x");
    rule.y =
        has(span, "y") && parse_length(value(span, "y")) ? *parse_length(value(span, "y")) : coordinate("y");
    for (const char* name : {"dx", "dy", "rotate", "textLength"}) {
      if (has(text, name) || has(span, name))
        refuse(text, fmt::format("{} on a bound text", name), "x and y only");
    }
    const std::string anchor = inherited_style(span ? span : text, "text-anchor");
    rule.anchor = anchor == "middle" ? Anchor::kMiddle : anchor == "end" ? Anchor::kEnd : Anchor::kStart;
    if (rule.anchor != Anchor::kStart && has(text, "data-follow")) {
      refuse(text, fmt::format("data-follow with text-anchor {}", anchor), "text-anchor start");
    }
  }

  void read_fit(const pugi::xml_node& text, TextRule& rule) {
    if (has(text, "data-width")) rule.width = number(text, "data-width", 0, 8, 4096);
    if (has(text, "data-right")) rule.right = number(text, "data-right", 0, 0, 4096);
    if (rule.right && rule.anchor != Anchor::kStart)
      refuse(text, "data-right on a text that does not start at x", "data-width");
    double largest = 0;
    bool has_figures = false;
    for (const auto& run : rule.runs) {
      largest = std::max(largest, run.style.size_px);
      const auto* pattern = std::get_if<Pattern>(&run.source);
      has_figures |= std::holds_alternative<CountdownRule>(run.source) ||
                     std::holds_alternative<ClockRule>(run.source) ||
                     (pattern != nullptr && pattern->has_figures());
    }
    rule.min_size_px = number(text, "data-min-size", largest, 1, std::max(1.0, largest));
    rule.wrap_size_px =
        number(text, "data-wrap-size", largest, rule.min_size_px, std::max(rule.min_size_px, largest));
    rule.max_lines = static_cast<size_t>(number(text, "data-lines", 1, 1, 20));
    rule.line_height = number(text, "data-line-height", 1.25, 0.8, 3);
    const std::string_view overflow = value(text, "data-overflow");
    if (!overflow.empty() && overflow != "ellipsis" && overflow != "refuse") {
      refuse(text, fmt::format("data-overflow=\"{}\"", overflow), "\"ellipsis\" or \"refuse\"");
    }
    // "¥1299" cut to "¥12…" is a lie: what shows a figure is refused when it does not fit.
    rule.may_be_cut = overflow != "refuse" && !has_figures;
    if (overflow == "ellipsis" && has_figures)
      refuse(text, "an ellipsis for a text with a figure", "text without figures, or \"refuse\"");
    if (rule.max_lines > 1 && rule.runs.size() > 1) refuse(text, "several lines of several runs", "one run");
    if (rule.max_lines > 1 && !rule.width && !rule.right)
      refuse(text, "data-lines without a width", "data-width or data-right");
    if (rule.min_size_px < theme_.min_text_px)
      refuse(text, fmt::format("data-min-size {}", rule.min_size_px), readable());
  }

  TextStyle style_of(const pugi::xml_node& node) {
    TextStyle style;
    if (!inherited_style(node, "font").empty())
      refuse(node, "the font shorthand", "font-family, font-size, font-weight");
    style.family = inherited_style(node, "font-family");
    std::erase_if(style.family, [](char c) { return c == '\'' || c == '"'; });
    const std::string size = inherited_style(node, "font-size");
    const auto size_px = parse_length(size);
    if (!size_px || *size_px <= 0) {
      refuse(node, size.empty() ? "no font-size" : fmt::format("font-size {}", size),
             "a font-size in pixels on the text or around it");
    } else {
      style.size_px = *size_px;
    }
    const std::string weight = inherited_style(node, "font-weight");
    const auto weight_number = parse_length(weight);
    style.weight = weight_number ? static_cast<int>(*weight_number) : weight == "bold" ? 700 : 400;
    const std::string slant = inherited_style(node, "font-style");
    style.is_italic = slant == "italic" || slant == "oblique";
    style.letter_spacing_px = letter_spacing(node, style.size_px);
    for (const char* property : {"font-stretch", "font-variant", "writing-mode"}) {
      const std::string other = inherited_style(node, property);
      if (!other.empty() && other != "normal" && other != "lr-tb" && other != "horizontal-tb") {
        refuse(node, fmt::format("{} {}", property, other), "normal: it can't be measured");
      }
    }
    return style;
  }

  double letter_spacing(const pugi::xml_node& node, double size_px) {
    const std::string text = inherited_style(node, "letter-spacing");
    if (text.empty() || text == "normal") return 0;
    if (const auto px = parse_length(text)) return *px;
    if (text.ends_with("em")) {
      if (const auto em = parse_length(text.substr(0, text.size() - 2))) return *em * size_px;
    }
    refuse(node, fmt::format("letter-spacing {}", text), "pixels or em");
    return 0;
  }

  void check_style(const pugi::xml_node& text, const TextStyle& style) {
    std::string family(trimmed(std::string_view(style.family).substr(0, style.family.find(','))));
    if (family.empty()) return refuse(text, "no font-family", "the name of an installed font");
    if (!shaper_.has_family(family)) {
      refuse(text, fmt::format("the font '{}', which is not installed", family),
             "installed fonts, such as 'Noto Sans CJK SC'");
    }
  }

  std::string readable() const {
    return fmt::format("at least {} px: what can't be read isn't shown (theme.toml, min_text_px)",
                       theme_.min_text_px);
  }

  void check_readable(const pugi::xml_node& text) {
    std::vector<pugi::xml_node> holders{text};
    for (const auto& span : text.children("tspan")) holders.push_back(span);
    for (const auto& holder : holders) {
      const auto size = parse_length(own_style(holder, "font-size").empty() && holder != text
                                         ? ""
                                         : inherited_style(holder, "font-size"));
      if (size && *size < theme_.min_text_px) refuse(holder, fmt::format("text of {} px", *size), readable());
    }
  }

  // ---- flow must end

  void check_circles() {
    std::map<size_t, std::vector<size_t>> needs;
    for (const auto& rule : rules.follows) needs[rule.element].push_back(rule.target);
    for (const auto& rule : rules.belows) needs[rule.element].push_back(rule.target);
    for (const auto& rule : rules.hugs)
      std::ranges::copy(rule.targets, std::back_inserter(needs[rule.element]));
    std::map<size_t, int> state;  // 1: being looked at, 2: done
    const auto visit = [&](const auto& self, size_t place) -> bool {
      if (state[place] != 0) return state[place] == 2;
      state[place] = 1;
      const bool is_good = std::ranges::all_of(needs[place], [&](size_t next) { return self(self, next); });
      state[place] = 2;
      return is_good;
    };
    for (const auto& [place, others] : std::map(needs)) {
      if (!visit(visit, place))
        refuse(nodes_[place], "data-follow, data-below and data-hug in a circle",
               "an element that does not depend on itself");
    }
  }

  size_t place_of(const pugi::xml_node& node) const { return places_.at(node.hash_value()); }

  const SvgDocument& document_;
  const Manifest& manifest_;
  const ThemeRules& theme_;
  TextShaper& shaper_;
  std::vector<pugi::xml_node> nodes_;
  std::map<size_t, size_t> places_;
  std::map<std::string, size_t> by_id_;
  std::set<size_t> measured_;
};

tl::expected<Template, Problems> Template::compile(SvgDocument document, const Manifest& manifest,
                                                   const ThemeRules& theme, TextShaper& shaper) {
  auto shared = std::make_shared<const SvgDocument>(std::move(document));
  TemplateCompiler compiler(*shared, manifest, theme, shaper);
  compiler.compile();
  if (!compiler.problems.empty()) return tl::unexpected(std::move(compiler.problems));
  return Template(std::move(shared), std::move(compiler.rules));
}

}  // namespace vitrine::overlay
