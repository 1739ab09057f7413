// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/text_shaper.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <pango/pangocairo.h>

#include "overlay/render/glib_ptr.h"

namespace vitrine::overlay {
namespace {

struct FreeDescription {
  void operator()(PangoFontDescription* description) const { pango_font_description_free(description); }
};

constexpr std::string_view kEllipsis = "…";

std::string trimmed_end(std::string_view text) {
  const size_t end = text.find_last_not_of(' ');
  return std::string(text.substr(0, end == std::string_view::npos ? 0 : end + 1));
}

bool is_inside_number(std::string_view text, size_t at) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (at == 0 || at >= text.size() || !is_digit(text[at - 1])) return false;
  return is_digit(text[at]) || text[at] == '.' || text[at] == ',' || text[at] == '%';
}

/// "净重 5 斤 · " is cut to "净重 5 斤…": a separator with nothing behind it looks like a mistake.
std::string without_separator(std::string_view text) {
  constexpr std::array<std::string_view, 9> kSeparators = {" ", "·", "×", "，", "、", ",", "-", "/", "（"};
  for (bool was_cut = true; was_cut;) {
    was_cut = false;
    for (const auto separator : kSeparators) {
      if (text.ends_with(separator)) {
        text.remove_suffix(separator.size());
        was_cut = true;
      }
    }
  }
  return std::string(text);
}

}  // namespace

TextStyle TextStyle::scaled(double factor) const {
  TextStyle copy = *this;
  copy.size_px *= factor;
  copy.letter_spacing_px *= factor;
  return copy;
}

struct TextShaper::Impl {
  GObjectPtr<PangoContext> context;
  GObjectPtr<PangoLayout> layout;

  void set(std::string_view text, const TextStyle& style, int width) const {
    const std::unique_ptr<PangoFontDescription, FreeDescription> description(pango_font_description_new());
    pango_font_description_set_family(description.get(), style.family.c_str());
    pango_font_description_set_weight(description.get(), static_cast<PangoWeight>(style.weight));
    pango_font_description_set_style(description.get(),
                                     style.is_italic ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    pango_font_description_set_absolute_size(description.get(), style.size_px * PANGO_SCALE);
    PangoLayout* const target = layout.get();
    pango_layout_set_font_description(target, description.get());
    PangoAttrList* const attributes = pango_attr_list_new();
    if (style.letter_spacing_px != 0) {
      const int spacing = static_cast<int>(std::lround(style.letter_spacing_px * PANGO_SCALE));
      pango_attr_list_insert(attributes, pango_attr_letter_spacing_new(spacing));
    }
    pango_layout_set_attributes(target, attributes);
    pango_attr_list_unref(attributes);
    pango_layout_set_width(target, width);
    pango_layout_set_text(target, text.data(), static_cast<int>(text.size()));
  }
};

TextShaper::TextShaper() : impl_(std::make_unique<Impl>()) {
  impl_->context.reset(pango_font_map_create_context(pango_cairo_font_map_get_default()));
  PangoContext* const context = impl_->context.get();
  pango_context_set_round_glyph_positions(context, FALSE);
  pango_cairo_context_set_resolution(context, 72);
  cairo_font_options_t* const options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options(context, options);
  cairo_font_options_destroy(options);
  impl_->layout.reset(pango_layout_new(context));
  pango_layout_set_wrap(impl_->layout.get(), PANGO_WRAP_WORD_CHAR);
}

TextShaper::~TextShaper() = default;

double TextShaper::width(std::string_view text, const TextStyle& style) {
  impl_->set(text, style, -1);
  PangoRectangle logical{};
  pango_layout_get_extents(impl_->layout.get(), nullptr, &logical);
  return static_cast<double>(logical.width) / PANGO_SCALE;
}

TextShaper::Ink TextShaper::ink(std::string_view text, const TextStyle& style) {
  impl_->set(text, style, -1);
  PangoRectangle ink{};
  pango_layout_get_extents(impl_->layout.get(), &ink, nullptr);
  return {static_cast<double>(ink.x) / PANGO_SCALE, static_cast<double>(ink.x + ink.width) / PANGO_SCALE};
}

std::vector<std::string> TextShaper::break_lines(std::string_view text, const TextStyle& style,
                                                 double width) {
  impl_->set(text, style, static_cast<int>(width * PANGO_SCALE));
  std::vector<std::string> lines;
  const int count = pango_layout_get_line_count(impl_->layout.get());
  for (int i = 0; i < count; ++i) {
    const PangoLayoutLine* line = pango_layout_get_line_readonly(impl_->layout.get(), i);
    lines.push_back(
        trimmed_end(text.substr(static_cast<size_t>(line->start_index), static_cast<size_t>(line->length))));
  }
  return lines;
}

std::string TextShaper::ellipsized(std::string_view text, const TextStyle& style, double width_px) {
  impl_->set(text, style, -1);
  int count = 0;
  const PangoLogAttr* attributes = pango_layout_get_log_attrs_readonly(impl_->layout.get(), &count);
  // Byte offsets at which a character as people count them ends, but not inside a number: "24 瓶" must not
  // become "2…".
  std::vector<size_t> ends;
  const char* at = text.data();
  for (int i = 1; i < count; ++i) {
    at = g_utf8_next_char(at);
    const auto end = static_cast<size_t>(at - text.data());
    if (attributes[i].is_cursor_position != 0 && !is_inside_number(text, end)) ends.push_back(end);
  }
  const auto cut_at = [&](size_t end) {
    return without_separator(text.substr(0, end)) + std::string(kEllipsis);
  };
  const auto too_long =
      std::ranges::partition_point(ends, [&](size_t end) { return width(cut_at(end), style) <= width_px; });
  return cut_at(too_long == ends.begin() ? 0 : *std::prev(too_long));
}

bool TextShaper::has_all_glyphs(std::string_view text, const TextStyle& style) {
  impl_->set(text, style, -1);
  return pango_layout_get_unknown_glyphs_count(impl_->layout.get()) == 0;
}

bool TextShaper::has_family(const std::string& family) {
  return pango_font_map_get_family(pango_context_get_font_map(impl_->context.get()), family.c_str()) !=
         nullptr;
}

}  // namespace vitrine::overlay
