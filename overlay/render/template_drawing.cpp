// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "core/json_text.h"
#include "overlay/render/qr_code.h"
#include "overlay/render/svg_style.h"
#include "overlay/render/template.h"
#include "overlay/render/text_fit.h"

namespace vitrine::overlay {
namespace {

// ISO/IEC 18004: four modules of white around the symbol.
constexpr int kQuietModules = 4;
// Of the canvas the template was drawn for. A picture of 1080 lines on a phone's screen of 6.1 inches: 6 px
// are 0.4 mm.
constexpr double kLeastModulePx = 6;

// "Edges on even pixels": 4:2:0 smears an odd one.
double even_down(double value) {
  return 2 * std::floor(value / 2);
}
double even_up(double value) {
  return 2 * std::ceil(value / 2 - 1e-6);
}

double length(const pugi::xml_node& node, const char* attribute) {
  return parse_length(node.attribute(attribute).value()).value_or(0);
}

/// Which elements a form and its data leave to be drawn.
std::vector<char> hidden_elements(const TemplateRules& rules, const std::vector<pugi::xml_node>& nodes,
                                  const LayerData& data, LayerForm form) {
  std::vector<char> hidden(nodes.size(), 0);
  for (const auto& rule : rules.visibilities) {
    const bool is_shown =
        (rule.forms.empty() || std::ranges::find(rule.forms, form) != rule.forms.end()) &&
        std::ranges::all_of(rule.if_all, [&](const auto& condition) { return condition.holds(data); }) &&
        std::ranges::none_of(rule.unless_any, [&](const auto& condition) { return condition.holds(data); });
    hidden[rule.element] = is_shown ? 0 : 1;
  }
  // Document order: a parent comes before its children.
  std::map<size_t, size_t> places;
  for (size_t i = 0; i < nodes.size(); ++i) {
    places[nodes[i].hash_value()] = i;
    const auto parent = places.find(nodes[i].parent().hash_value());
    if (parent != places.end() && hidden[parent->second] != 0) hidden[i] = 1;
  }
  return hidden;
}

/// One tile's copy of the template on its way to being drawn.
class Draft {
 public:
  Draft(const SvgDocument& original, const TemplateRules& rules, const Template::DrawContext& context)
      : original_(original), rules_(rules), context_(context) {
    copy_.reset(original.xml());
    nodes_ = elements_of(copy_);
    hidden_ = hidden_elements(rules, nodes_, context.data, context.form);
  }

  void fill() {
    for (const auto& rule : rules_.progresses) fill_progress(rule);
    for (const auto& rule : rules_.images) {
      if (!context_.data.is_set(rule.field)) hidden_[rule.element] = 1;
    }
    for (const auto& rule : rules_.qr_codes) {
      if (!context_.data.is_set(rule.field)) hidden_[rule.element] = 1;
    }
    for (const auto& rule : rules_.texts) fill_text(rule);
    index_flow();
    for (const auto& rule : rules_.follows) place_follower(rule);
    for (const auto& rule : rules_.belows) place_below(rule);
    for (const auto& rule : rules_.hugs) place_hugging(rule);
    for (const auto& rule : rules_.texts) (void)extent_of(rule.element);
    for (const auto& rule : rules_.images) draw_image(rule);
    for (const auto& rule : rules_.qr_codes) draw_qr(rule);
    for (const auto& rule : rules_.classes) add_class(rule);
    if (!problems.empty()) return;
    // From here on nodes go: what is hidden, then the runs that texts were made of.
    for (size_t i = nodes_.size(); i-- > 0;) {
      if (hidden_[i] != 0) nodes_[i].parent().remove_child(nodes_[i]);
    }
    for (const auto& rule : rules_.texts) write_text(rule);
  }

  std::string text() const {
    std::ostringstream stream;
    copy_.save(stream, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
    return stream.str();
  }

  Drawing drawing;
  Problems problems;

 private:
  struct Extent {
    double begin = 0;
    double end = 0;
    bool is_visible = false;
  };

  void refuse(size_t element, std::string found, std::string allowed) {
    problems.push_back(
        {original_.where(elements_of(original_.xml())[element]), std::move(found), std::move(allowed)});
  }

  // ---- data into elements

  void fill_progress(const ProgressRule& rule) {
    const auto* value = context_.data.find_as<int64_t>(rule.value);
    const auto* fixed = std::get_if<int64_t>(&rule.total);
    const auto* total =
        fixed != nullptr ? fixed : context_.data.find_as<int64_t>(std::get<std::string>(rule.total));
    if (value == nullptr || total == nullptr || *total <= 0 || *value <= 0) {
      hidden_[rule.element] = 1;
      return;
    }
    const double ratio = std::min(1.0, static_cast<double>(*value) / static_cast<double>(*total));
    const double full = length(nodes_[rule.element], "width");
    set_attribute(nodes_[rule.element], "width",
                  std::clamp(even_up(full * ratio), std::min(2.0, full), full));
  }

  std::optional<std::string> text_of(const TextSource& source) {
    if (const auto* literal = std::get_if<std::string>(&source)) return *literal;
    if (const auto* pattern = std::get_if<Pattern>(&source)) return pattern->format(context_.data);
    TimedText timed;
    if (const auto* countdown = std::get_if<CountdownRule>(&source)) {
      const auto* deadline = context_.data.find_as<Instant>(countdown->field);
      if (deadline == nullptr) return std::nullopt;
      timed = countdown_text(*deadline, context_.now, countdown->format, countdown->tenths);
    } else {
      timed = clock_text(context_.now, std::get<ClockRule>(source).format);
    }
    drawing.is_time_bound = true;
    drawing.from = std::max(drawing.from, timed.from);
    drawing.until = std::min(drawing.until, timed.until);
    return timed.text;
  }

  void fill_text(const TextRule& rule) {
    auto& runs = runs_[rule.element];
    for (const auto& run : rule.runs) {
      if (hidden_[run.element] != 0 || hidden_[rule.element] != 0) continue;
      const auto text = text_of(run.source);
      if (!text) {
        hidden_[run.element] = 1;
        continue;
      }
      if (std::holds_alternative<Pattern>(run.source) && !context_.shaper.has_all_glyphs(*text, run.style)) {
        refuse(run.element, fmt::format("\"{}\", of which a character is in no installed font", *text),
               "characters that can be drawn");
      }
      runs.push_back({&run, *text});
    }
    if (runs.empty()) hidden_[rule.element] = 1;
  }

  // ---- flow: where things end depends on what stands before them

  void index_flow() {
    for (const auto& rule : rules_.texts) text_rules_[rule.element] = &rule;
    for (const auto& rule : rules_.follows) follow_rules_[rule.element] = &rule;
    for (const auto& rule : rules_.belows) below_rules_[rule.element] = &rule;
    for (const auto& rule : rules_.hugs) hug_rules_[rule.element] = &rule;
  }

  double start_of(size_t element) {
    if (const auto follow = follow_rules_.find(element); follow != follow_rules_.end()) {
      // Behind something that is not there, it takes its place.
      const Extent target = extent_of(follow->second->target);
      return target.is_visible ? target.end + follow->second->gap : target.begin;
    }
    const auto text = text_rules_.find(element);
    return text != text_rules_.end() ? text->second->x : length(nodes_[element], "x");
  }

  double top_of(size_t element) {
    if (const auto below = below_rules_.find(element); below != below_rules_.end()) {
      const size_t target = below->second->target;
      return extent_of(target).is_visible ? bottom_of(target) + below->second->drop : top_of(target);
    }
    const auto text = text_rules_.find(element);
    return text != text_rules_.end() ? text->second->y : length(nodes_[element], "y");
  }

  double bottom_of(size_t element) {
    const auto text = text_rules_.find(element);
    if (text == text_rules_.end()) return top_of(element) + length(nodes_[element], "height");
    const SetText& set = set_texts_[element];
    double bottom = top_of(element);
    for (size_t i = 0; i + 1 < set.lines.size(); ++i) bottom += line_advance(*text->second, set);
    return bottom;
  }

  static double line_advance(const TextRule& rule, const SetText& set) {
    double tallest = 0;
    for (const auto& run : rule.runs) tallest = std::max(tallest, run.style.size_px);
    return tallest * set.scale * rule.line_height;
  }

  // Ends, because the compiler refused circles.
  const Extent& extent_of(size_t element) {
    if (const auto known = extents_.find(element); known != extents_.end()) return known->second;
    Extent extent;
    if (const auto hug = hug_rules_.find(element); hug != hug_rules_.end()) {
      extent = extent_of_hugging(*hug->second);
    } else if (const auto text = text_rules_.find(element); text != text_rules_.end()) {
      extent = extent_of_text(*text->second);
    } else {
      const double begin = start_of(element);
      extent = {begin, begin + length(nodes_[element], "width"), hidden_[element] == 0};
    }
    return extents_[element] = extent;
  }

  Extent extent_of_text(const TextRule& rule) {
    const double start = start_of(rule.element);
    if (hidden_[rule.element] != 0) return {start, start, false};
    constexpr double kUnbounded = 1e6;
    const double room = rule.width ? *rule.width : rule.right ? *rule.right - start : kUnbounded;
    auto set = fit_text(rule, runs_[rule.element], room, context_.shaper);
    if (!set) {
      refuse(rule.element, set.error().message, "text that fits");
      return {start, start, true};
    }
    const double width = set->width;
    set_texts_[rule.element] = std::move(*set);
    if (rule.anchor == Anchor::kEnd) return {start - width, start, true};
    if (rule.anchor == Anchor::kMiddle) return {start - width / 2, start + width / 2, true};
    return {start, start + width, true};
  }

  Extent extent_of_hugging(const HugRule& rule) {
    Extent all;
    for (const size_t target : rule.targets) {
      const Extent extent = extent_of(target);
      if (!extent.is_visible) continue;
      all.begin = all.is_visible ? std::min(all.begin, extent.begin) : extent.begin;
      all.end = all.is_visible ? std::max(all.end, extent.end) : extent.end;
      all.is_visible = true;
    }
    if (!all.is_visible || hidden_[rule.element] != 0) {
      hidden_[rule.element] = 1;
      const double start = length(nodes_[rule.element], "x");
      return {start, start, false};
    }
    all.begin = even_down(all.begin - rule.padding_left);
    all.end = even_up(std::max(all.end + rule.padding_right, all.begin + rule.min_width));
    return all;
  }

  void place_follower(const FollowRule& rule) {
    if (hidden_[rule.element] != 0 || text_rules_.contains(rule.element)) return;
    const double start = start_of(rule.element);
    set_attribute(nodes_[rule.element], "x", start);
  }

  void place_below(const BelowRule& rule) {
    if (hidden_[rule.element] != 0 || text_rules_.contains(rule.element)) return;
    set_attribute(nodes_[rule.element], "y", even_up(top_of(rule.element)));
  }

  void place_hugging(const HugRule& rule) {
    const Extent extent = extent_of(rule.element);
    if (!extent.is_visible) return;
    set_attribute(nodes_[rule.element], "x", extent.begin);
    set_attribute(nodes_[rule.element], "width", extent.end - extent.begin);
  }

  // ---- writing

  void write_text(const TextRule& rule) {
    if (hidden_[rule.element] != 0) return;
    const SetText& set = set_texts_[rule.element];
    pugi::xml_node text = nodes_[rule.element];
    if (text.attribute("id")) note_text(text.attribute("id").value(), set);
    const pugi::xml_node last_old = text.last_child();
    const double start = start_of(rule.element);
    const double top = top_of(rule.element);
    double y = top;
    for (const auto& line : set.lines) {
      for (const auto& run : line) {
        const bool is_first = &run == &line.front();
        append_run(text, run, set.scale, is_first ? std::optional(std::pair(start, y)) : std::nullopt);
      }
      y += line_advance(rule, set);
    }
    while (last_old && text.first_child() != last_old) text.remove_child(text.first_child());
    text.remove_child(last_old);
    set_attribute(text, "xml:space", "preserve");
    set_attribute(text, "x", start);
    set_attribute(text, "y", top);
  }

  void note_text(std::string id, const SetText& set) {
    Drawing::Text noted{std::move(id), {}};
    for (const auto& line : set.lines) {
      auto& runs = noted.lines.emplace_back();
      for (const auto& run : line) runs.push_back({run.text, run.rule->style.scaled(set.scale)});
    }
    drawing.texts.push_back(std::move(noted));
  }

  void append_run(pugi::xml_node text, const SetText::Run& run, double scale,
                  std::optional<std::pair<double, double>> at) {
    pugi::xml_node span = text.append_child("tspan");
    const pugi::xml_node styled = nodes_[run.rule->styled];
    if (std::string_view(styled.name()) == "tspan") {
      for (const auto& attribute : styled.attributes()) {
        const std::string_view name = attribute.name();
        if (name != "x" && name != "y" && name != "id" && !name.starts_with("data-"))
          span.append_copy(attribute);
      }
    }
    if (at) {
      set_attribute(span, "x", at->first);
      set_attribute(span, "y", at->second);
    }
    if (scale != 1) {
      set_style(span, "font-size", fmt::format("{:.3f}px", run.rule->style.size_px * scale));
      if (run.rule->style.letter_spacing_px != 0) {
        set_style(span, "letter-spacing", fmt::format("{:.3f}px", run.rule->style.letter_spacing_px * scale));
      }
    }
    span.append_child(pugi::node_pcdata).set_value(run.text.c_str());
  }

  void draw_image(const ImageRule& rule) {
    if (hidden_[rule.element] != 0) return;
    pugi::xml_node box = nodes_[rule.element];
    const double width = length(box, "width");
    const double height = length(box, "height");
    const Size pixels{std::max(1, static_cast<int>(std::lround(width * context_.scale))),
                      std::max(1, static_cast<int>(std::lround(height * context_.scale)))};
    const auto& name = context_.data.find_as<ImageName>(rule.field)->path;
    const auto photo = context_.photos.fit(name, pixels, rule.crop);
    if (!photo) {
      problems.push_back({"data." + rule.field, fmt::format("\"{}\": {}", name, photo.error().message),
                          "the name of a PNG, JPEG or WebP photo in the media directory"});
      return;
    }
    pugi::xml_node image = box;
    if (std::string_view(box.name()) == "rect") {
      image = box.parent().insert_child_after("image", box);
      if (box.attribute("transform")) image.append_copy(box.attribute("transform"));
      clip_to_corners(image, box, rule.element);
      // A photo that covers its box replaces it; behind one that does not, the box is its ground.
      if (rule.crop == PhotoStore::Crop::kCover) hidden_[rule.element] = 1;
    }
    const double drawn_width = (*photo)->size.width / context_.scale;
    const double drawn_height = (*photo)->size.height / context_.scale;
    const bool is_cover = rule.crop == PhotoStore::Crop::kCover;
    const double x = length(box, "x");
    const double y = length(box, "y");
    set_attribute(image, "x", is_cover ? x : x + (width - drawn_width) / 2);
    set_attribute(image, "y", is_cover ? y : y + (height - drawn_height) / 2);
    set_attribute(image, "width", is_cover ? width : drawn_width);
    set_attribute(image, "height", is_cover ? height : drawn_height);
    set_attribute(image, "preserveAspectRatio", "none");
    image.remove_attribute("xlink:href");
    set_attribute(image, "href", (*photo)->data_uri);
  }

  void clip_to_corners(pugi::xml_node image, const pugi::xml_node& box, size_t element) {
    if (!box.attribute("rx") && !box.attribute("ry")) return;
    const std::string id = fmt::format("vitrine-corners-{}", element);
    pugi::xml_node clip = copy_.document_element().prepend_child("clipPath");
    set_attribute(clip, "id", id);
    pugi::xml_node shape = clip.append_child("rect");
    for (const char* name : {"x", "y", "width", "height", "rx", "ry"}) {
      if (box.attribute(name)) shape.append_copy(box.attribute(name));
    }
    set_attribute(image, "clip-path", fmt::format("url(#{})", id));
  }

  /// Black on white, whatever the template's colours are: that is what every scanner reads. Modules are whole
  /// pixels of the canvas, so that none is wider than its neighbour.
  void draw_qr(const QrRule& rule) {
    if (hidden_[rule.element] != 0) return;
    pugi::xml_node box = nodes_[rule.element];
    const auto code = encode_qr(context_.data.find_as<Link>(rule.field)->url);
    if (!code) return refuse_qr(rule, code.error().message);
    const double room = std::min(length(box, "width"), length(box, "height"));
    const int side = code->side + 2 * kQuietModules;
    const double module = std::floor(room * context_.scale / side + 1e-6) / context_.scale;
    if (module < kLeastModulePx - 1e-6) {
      return refuse_qr(
          rule, fmt::format("a code of {} modules a side, {:.1f} px each in {:.0f} px", side, module, room));
    }
    const auto first = [&](const char* start, const char* extent) {
      const double begin = length(box, start) + (length(box, extent) - module * code->side) / 2;
      return std::round(begin * context_.scale) / context_.scale;
    };
    pugi::xml_node path = box.parent().insert_child_after("path", box);
    if (box.attribute("transform")) path.append_copy(box.attribute("transform"));
    set_attribute(path, "fill", "#000000");
    set_attribute(path, "shape-rendering", "crispEdges");
    set_attribute(path, "d", qr_path(*code, {first("x", "width"), first("y", "height")}, module));
    set_style(box, "fill", "#FFFFFF");
  }

  void refuse_qr(const QrRule& rule, std::string found) {
    problems.push_back(
        {"data." + rule.field, std::move(found),
         fmt::format("a shorter address: modules of at least {:.0f} px can be read from a phone's screen",
                     kLeastModulePx)});
  }

  static std::string qr_path(const QrCode& code, std::pair<double, double> first, double module) {
    std::string path;
    for (int y = 0; y < code.side; ++y) {
      for (int x = 0; x < code.side;) {
        int end = x;
        while (end < code.side && code.is_dark(end, y)) ++end;
        if (end > x) {
          path +=
              fmt::format("M{:.4f} {:.4f}h{:.4f}v{:.4f}H{:.4f}z", first.first + x * module,
                          first.second + y * module, (end - x) * module, module, first.first + x * module);
        }
        x = std::max(end, x + 1);
      }
    }
    return path;
  }

  void add_class(const ClassRule& rule) {
    if (!context_.data.is_set(rule.field)) return;
    const std::string before = nodes_[rule.element].attribute("class").value();
    set_attribute(nodes_[rule.element], "class", before.empty() ? rule.name : before + " " + rule.name);
  }

  const SvgDocument& original_;
  const TemplateRules& rules_;
  const Template::DrawContext& context_;
  pugi::xml_document copy_;
  std::vector<pugi::xml_node> nodes_;
  std::vector<char> hidden_;
  std::map<size_t, std::vector<SetText::Run>> runs_;
  std::map<size_t, SetText> set_texts_;
  std::map<size_t, Extent> extents_;
  std::map<size_t, const TextRule*> text_rules_;
  std::map<size_t, const FollowRule*> follow_rules_;
  std::map<size_t, const BelowRule*> below_rules_;
  std::map<size_t, const HugRule*> hug_rules_;
};

}  // namespace

bool Condition::holds(const LayerData& data) const {
  if (!integer) return data.is_set(field);
  const auto* value = data.find_as<int64_t>(field);
  return value != nullptr && *value == *integer;
}

tl::expected<Drawing, Problems> Template::draw(const DrawContext& context) const {
  Draft draft(*document_, rules_, context);
  draft.fill();
  if (!draft.problems.empty()) return tl::unexpected(std::move(draft.problems));
  draft.drawing.svg = draft.text();
  return std::move(draft.drawing);
}

std::optional<Instant> Template::first_deadline(const LayerData& data, LayerForm form) const {
  const auto hidden = hidden_elements(rules_, elements_of(document_->xml()), data, form);
  std::optional<Instant> first;
  for (const auto& text : rules_.texts) {
    for (const auto& run : text.runs) {
      const auto* countdown = std::get_if<CountdownRule>(&run.source);
      if (countdown == nullptr || hidden[run.element] != 0) continue;
      const auto* deadline = data.find_as<Instant>(countdown->field);
      if (deadline != nullptr && (!first || *deadline < *first)) first = *deadline;
    }
  }
  return first;
}

}  // namespace vitrine::overlay
