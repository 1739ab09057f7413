// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::overlay {

/// How a run of text is set.
struct TextStyle {
  std::string family;
  double size_px = 16;
  int weight = 400;
  bool is_italic = false;
  double letter_spacing_px = 0;

  [[nodiscard]] TextStyle scaled(double factor) const;
};

/// Measures text as librsvg will draw it: the same Pango, at 72 dpi, metrics not hinted, glyphs at fractions
/// of pixels. Thread: one; Pango keeps its fonts by thread.
class TextShaper {
 public:
  TextShaper();
  ~TextShaper();
  TextShaper(const TextShaper&) = delete;
  TextShaper& operator=(const TextShaper&) = delete;

  /// The advance of one line.
  double width(std::string_view text, const TextStyle& style);

  /// Where the ink of one line begins and ends, from its start: a little inside its advance, or outside.
  struct Ink {
    double begin;
    double end;
  };
  Ink ink(std::string_view text, const TextStyle& style);

  /// Lines at most `width` wide, broken where the language allows: between Chinese characters but not before
  /// their punctuation, between Latin words, inside a word only when it is alone too wide.
  std::vector<std::string> break_lines(std::string_view text, const TextStyle& style, double width);

  /// The longest beginning of `text`, with "…" behind it, that fits into `width`. "…" alone when nothing else
  /// does.
  std::string ellipsized(std::string_view text, const TextStyle& style, double width);

  /// False when a character would be drawn as an empty box.
  bool has_all_glyphs(std::string_view text, const TextStyle& style);

  bool has_family(const std::string& family);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::overlay
