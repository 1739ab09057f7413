// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/error.h"
#include "core/media_time.h"
#include "core/program_state.h"
#include "overlay/render/layer_data.h"
#include "overlay/render/manifest.h"
#include "overlay/render/pattern.h"
#include "overlay/render/photo.h"
#include "overlay/render/svg_document.h"
#include "overlay/render/text_shaper.h"
#include "overlay/render/time_text.h"

namespace vitrine::overlay {

// What the data- attributes of a template say, understood once. Elements are named by their place in document
// order, which is the same in every copy of the document. themes/README.md is the designer's side of this.

struct CountdownRule {
  std::string field;
  CountdownFormat format = CountdownFormat::kAuto;
  std::chrono::seconds tenths{10};
};
struct ClockRule {
  std::string format;
};
using TextSource =
    std::variant<std::string, Pattern, CountdownRule, ClockRule>;  // a string is what the designer wrote

/// One run of a text, in one style.
struct RunRule {
  size_t element;  // whose visibility is the run's
  size_t styled;   // whose attributes it is drawn with
  TextSource source;
  TextStyle style;
};

enum class Anchor { kStart, kMiddle, kEnd };

/// A <text> that the engine sets itself: filled, fitted, moved or measured.
struct TextRule {
  size_t element;
  std::vector<RunRule> runs;
  Anchor anchor = Anchor::kStart;
  double x = 0;
  double y = 0;
  std::optional<double> width;  // the room it has…
  std::optional<double> right;  // …or where its room ends
  double min_size_px = 0;       // of the largest run
  double wrap_size_px = 0;      // from here on several lines are used
  size_t max_lines = 1;
  double line_height = 1.25;
  bool may_be_cut = false;
};

/// Beside the target's end.
struct FollowRule {
  size_t element;
  size_t target;
  double gap = 0;
};
/// Below the target's last baseline, or its bottom edge.
struct BelowRule {
  size_t element;
  size_t target;
  double drop = 0;
};
struct HugRule {
  size_t element;
  std::vector<size_t> targets;
  double padding_left = 0;
  double padding_right = 0;
  double min_width = 0;
};
struct ImageRule {
  size_t element;
  std::string field;
  PhotoStore::Crop crop = PhotoStore::Crop::kCover;
};
struct QrRule {
  size_t element;
  std::string field;
};
struct ProgressRule {
  size_t element;
  std::string value;
  std::variant<std::string, int64_t> total;  // a field, or what stands in the template
};
/// The field is set; or holds just this integer.
struct Condition {
  std::string field;
  std::optional<int64_t> integer;
  [[nodiscard]] bool holds(const LayerData& data) const;
};
struct VisibilityRule {
  size_t element;
  std::vector<LayerForm> forms;  // empty: all
  std::vector<Condition> if_all;
  std::vector<Condition> unless_any;
};
struct ClassRule {
  size_t element;
  std::string field;
  std::string name;
};

struct TemplateRules {
  std::vector<VisibilityRule> visibilities;
  std::vector<ClassRule> classes;
  std::vector<TextRule> texts;
  std::vector<ImageRule> images;
  std::vector<QrRule> qr_codes;
  std::vector<ProgressRule> progresses;
  std::vector<FollowRule> follows;
  std::vector<BelowRule> belows;
  std::vector<HugRule> hugs;
};

/// The SVG of one tile at one moment, and how long it is right.
struct Drawing {
  /// A text with an id, as it was set, line by line: --check-theme and the tests hold it against what librsvg
  /// draws.
  struct Text {
    struct Run {
      std::string text;
      TextStyle style;
    };
    std::string id;
    std::vector<std::vector<Run>> lines;
  };
  std::string svg;
  std::vector<Text> texts;
  bool is_time_bound = false;
  Instant from = Instant::min();
  Instant until = Instant::max();
};

/// An SVG with data- attributes, checked against its manifest. Immutable.
class Template {
 public:
  /// Problems name file, line and element.
  static tl::expected<Template, Problems> compile(SvgDocument document, const Manifest& manifest,
                                                  const ThemeRules& theme, TextShaper& shaper);

  struct DrawContext {
    const LayerData& data;
    LayerForm form;
    Instant now;
    double scale;  // canvas pixels for one unit of the template: photos are resized to what is drawn
    PhotoStore& photos;
    TextShaper& shaper;
  };
  /// Problems name the data ("data.photo").
  [[nodiscard]] tl::expected<Drawing, Problems> draw(const DrawContext& context) const;

  /// When the first countdown that this form shows reaches zero.
  [[nodiscard]] std::optional<Instant> first_deadline(const LayerData& data, LayerForm form) const;

  [[nodiscard]] const SvgDocument& document() const { return *document_; }

 private:
  Template(std::shared_ptr<const SvgDocument> document, TemplateRules rules)
      : document_(std::move(document)), rules_(std::move(rules)) {}
  std::shared_ptr<const SvgDocument> document_;
  TemplateRules rules_;
};

}  // namespace vitrine::overlay
