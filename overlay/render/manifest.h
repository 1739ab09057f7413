// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/geometry.h"
#include "core/media_time.h"
#include "core/program_state.h"

namespace vitrine::overlay {

/// What a template's data may hold. themes/README.md explains each for designers.
enum class FieldType { kText = 0, kInteger, kMoney, kInstant, kImage, kBoolean, kLink, kList, kRows };
std::string_view to_string(FieldType type);

struct Field;
using Fields = std::map<std::string, Field, std::less<>>;

struct Field {
  FieldType type = FieldType::kText;
  bool is_required = false;
  bool is_masked = false;  // text and items of a list: a person's name, which must not be shown whole
  int max_chars = 120;     // text, and each item of a list
  int min_items = 0;       // list, rows
  int max_items = 8;
  int64_t min = 0;  // integer
  int64_t max = 1'000'000'000;
  std::vector<std::string> needs;  // other fields without which this one is refused
  std::string because;             // why it needs them, for the person who left them out
  Fields columns;                  // rows: what each may hold
};

/// How a template lies on canvases of one orientation.
struct Placement {
  enum class Edge { kStart, kMiddle, kEnd };
  std::string file;  // the SVG, beside the manifest
  Size canvas;       // what it was drawn for; other sizes scale
  Edge horizontal = Edge::kStart;
  Edge vertical = Edge::kStart;
  Point margin;          // from the edge it is anchored to, in pixels of that canvas
  bool is_full = false;  // covers the canvas whatever its shape, cropped where it must be
};

struct Manifest {
  std::string name;
  std::string title;
  Fields fields;
  std::vector<LayerForm> forms;
  std::optional<Placement> landscape;
  std::optional<Placement> portrait;

  [[nodiscard]] const Placement* placement(Orientation orientation) const;
  [[nodiscard]] bool has_form(LayerForm form) const;

  /// What "name", "lines.2" (an item of a list), "options.0" (a boolean: is there such a row?) or
  /// "options.0.votes" holds; nullopt for what data that was accepted can't hold.
  [[nodiscard]] std::optional<FieldType> type_of(std::string_view path) const;
};

/// `toml` is the text of <name>.toml; `file_name` stands in the problems.
tl::expected<Manifest, Problems> parse_manifest(std::string_view toml, std::string name,
                                                const std::string& file_name);

/// What holds for every template of a theme: theme.toml.
struct ThemeRules {
  struct Covered {
    Orientation orientation = Orientation::kLandscape;
    Rect area;
    std::string by;  // "platform buttons"
  };
  std::string title;
  Instant samples_at{};          // the moment at which the samples are looked at
  double min_text_px = 0;        // smaller text is refused: what can't be read isn't shown
  std::vector<Covered> covered;  // what platforms draw over; nothing of a theme may lie there
};
tl::expected<ThemeRules, Problems> parse_theme_rules(std::string_view toml, const std::string& file_name);

}  // namespace vitrine::overlay
