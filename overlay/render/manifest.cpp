// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/manifest.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/object_reader.h"
#include "core/text_rules.h"
#include "core/toml_document.h"

namespace vitrine::overlay {
namespace {

constexpr ObjectReader::TextLimits kSentence{300, false};
constexpr std::array kFieldTypes = {FieldType::kText,    FieldType::kInteger, FieldType::kMoney,
                                    FieldType::kInstant, FieldType::kImage,   FieldType::kBoolean,
                                    FieldType::kLink,    FieldType::kList,    FieldType::kRows};
constexpr int kMaxSide = 4096;

std::vector<int> read_integers(ObjectReader& reader, std::string_view key, size_t count, int min, int max) {
  std::vector<int> numbers;
  reader.values(key, count, count, [&](const nlohmann::json& value, const std::string&) {
    const bool is_good =
        value.is_number_integer() && value.get<int64_t>() >= min && value.get<int64_t>() <= max;
    if (!is_good)
      reader.refuse(key, describe(value), fmt::format("{} integers from {} to {}", count, min, max));
    numbers.push_back(is_good ? value.get<int>() : min);
  });
  numbers.resize(count, min);
  return numbers;
}

Fields read_fields(ObjectReader& reader, const nlohmann::json& names, bool may_have_rows);

Field read_field(ObjectReader& reader, const nlohmann::json& description, bool may_be_rows) {
  Field field;
  field.type = kFieldTypes[reader.one_of(
      "type", {"text", "integer", "money", "instant", "image", "boolean", "link", "list", "rows"})];
  field.is_required = reader.boolean_or("required", false);
  (void)reader.text_or("about", "", kSentence);  // for people; checked, not used
  if (field.type == FieldType::kText || field.type == FieldType::kList) {
    field.max_chars = static_cast<int>(reader.integer_or("max_chars", field.max_chars, 1, 500));
    field.is_masked = reader.boolean_or("masked", false);
  }
  if (field.type == FieldType::kList || field.type == FieldType::kRows) {
    field.max_items = static_cast<int>(reader.integer_or("max_items", field.max_items, 1, 32));
    field.min_items = static_cast<int>(reader.integer_or("min_items", field.min_items, 0, field.max_items));
  }
  if (field.type == FieldType::kInteger) {
    field.min = reader.integer_or("min", field.min, INT64_MIN, INT64_MAX);
    field.max = reader.integer_or("max", field.max, field.min, INT64_MAX);
  }
  reader.values("needs", 0, 8, [&](const nlohmann::json& value, const std::string&) {
    if (value.is_string()) field.needs.push_back(value.get<std::string>());
  });
  field.because = reader.text_or("because", "", kSentence);
  if (field.type == FieldType::kRows) {
    if (!may_be_rows) reader.refuse("type", "rows within rows", "columns of the other types");
    reader.object("fields", [&](ObjectReader& columns) {
      field.columns = read_fields(columns, description["fields"], false);
    });
  }
  return field;
}

/// `names` is what `reader` reads, for its keys.
Fields read_fields(ObjectReader& reader, const nlohmann::json& names, bool may_have_rows) {
  Fields fields;
  for (const auto& [name, description] : names.items()) {
    if (!is_id(name) || name.find('.') != std::string::npos)
      reader.refuse(name, "this name", "letters, digits, - and _");
    reader.object(name, [&, &key = name, &value = description](ObjectReader& field) {
      fields[key] = read_field(field, value, may_have_rows);
    });
  }
  return fields;
}

Placement read_placement(ObjectReader& reader, Size usual_canvas) {
  Placement placement;
  placement.file = reader.id("file");
  placement.canvas = usual_canvas;
  if (reader.has("canvas")) {
    const auto canvas = read_integers(reader, "canvas", 2, 16, kMaxSide);
    placement.canvas = {canvas[0], canvas[1]};
  }
  placement.is_full = reader.boolean_or("full", false);
  using Edge = Placement::Edge;
  constexpr std::array kEdges = {Edge::kStart, Edge::kMiddle, Edge::kEnd};
  placement.horizontal = kEdges[reader.one_of_or_first("horizontal", {"left", "middle", "right"})];
  placement.vertical = kEdges[reader.one_of_or_first("vertical", {"top", "middle", "bottom"})];
  if (reader.has("margin")) {
    const auto margin = read_integers(reader, "margin", 2, 0, kMaxSide);
    placement.margin = {margin[0], margin[1]};
  }
  return placement;
}

void check_needs(const Fields& fields, const std::string& where, Problems& problems) {
  for (const auto& [name, field] : fields) {
    for (const auto& other : field.needs) {
      if (!fields.contains(other)) {
        problems.push_back(
            {fmt::format("{}.{}.needs", where, name), fmt::format("\"{}\"", other), "names of other fields"});
      }
    }
    check_needs(field.columns, fmt::format("{}.{}.fields", where, name), problems);
  }
}

/// The number at the head of `path`, which is taken off with the dot behind it.
std::optional<int> take_number(std::string_view& path) {
  int number = 0;
  const auto [stop, error] = std::from_chars(path.data(), path.data() + path.size(), number);
  const auto length = static_cast<size_t>(stop - path.data());
  if (error != std::errc() || number < 0 || (length < path.size() && path[length] != '.'))
    return std::nullopt;
  path.remove_prefix(std::min(path.size(), length + 1));
  return number;
}

}  // namespace

std::string_view to_string(FieldType type) {
  constexpr std::array<std::string_view, 9> kNames = {"text",    "integer", "money", "instant", "image",
                                                      "boolean", "link",    "list",  "rows"};
  return kNames[static_cast<size_t>(type)];
}

const Placement* Manifest::placement(Orientation orientation) const {
  const auto& placement = orientation == Orientation::kPortrait ? portrait : landscape;
  return placement ? &*placement : nullptr;
}

bool Manifest::has_form(LayerForm form) const {
  return std::ranges::find(forms, form) != forms.end();
}

std::optional<FieldType> Manifest::type_of(std::string_view path) const {
  const size_t dot = path.find('.');
  const auto found = fields.find(path.substr(0, dot));
  if (found == fields.end()) return std::nullopt;
  const Field& field = found->second;
  if (dot == std::string_view::npos) return field.type;
  path.remove_prefix(dot + 1);
  if (path.ends_with('.')) return std::nullopt;
  const auto number = take_number(path);
  if (!number || *number >= field.max_items) return std::nullopt;
  if (field.type == FieldType::kList && path.empty()) return FieldType::kText;
  if (field.type != FieldType::kRows) return std::nullopt;
  if (path.empty()) return FieldType::kBoolean;
  const auto column = field.columns.find(path);
  return column == field.columns.end() ? std::nullopt : std::optional(column->second.type);
}

tl::expected<Manifest, Problems> parse_manifest(std::string_view toml, std::string name,
                                                const std::string& file_name) {
  const auto document = TomlDocument::parse(toml, file_name);
  if (!document) return tl::unexpected(document.error());
  Problems problems;
  Manifest manifest;
  manifest.name = std::move(name);
  ObjectReader root(document->json(), "", problems);
  manifest.title = root.text("title", kSentence);
  (void)root.text_or("about", "", kSentence);
  root.values("forms", 1, 3, [&](const nlohmann::json& value, const std::string&) {
    constexpr std::array kForms = {LayerForm::kNormal, LayerForm::kEnded, LayerForm::kNeutral};
    const auto* form =
        std::ranges::find_if(kForms, [&](LayerForm candidate) { return value == to_string(candidate); });
    if (form == kForms.end())
      return root.refuse("forms", describe(value), "\"normal\", \"ended\", \"neutral\"");
    manifest.forms.push_back(*form);
  });
  root.object_if_present("fields", [&](ObjectReader& fields) {
    manifest.fields = read_fields(fields, document->json()["fields"], true);
  });
  root.object_if_present("landscape", [&](ObjectReader& reader) {
    manifest.landscape = read_placement(reader, {1920, 1080});
  });
  root.object_if_present("portrait", [&](ObjectReader& reader) {
    manifest.portrait = read_placement(reader, {1080, 1920});
  });
  root.finish();
  check_needs(manifest.fields, "fields", problems);
  if (!manifest.landscape && !manifest.portrait) {
    problems.push_back({"landscape", "nothing", "a [landscape] or [portrait] table, or both"});
  }
  if (!problems.empty()) return tl::unexpected(document->located(std::move(problems)));
  return manifest;
}

tl::expected<ThemeRules, Problems> parse_theme_rules(std::string_view toml, const std::string& file_name) {
  const auto document = TomlDocument::parse(toml, file_name);
  if (!document) return tl::unexpected(document.error());
  Problems problems;
  ThemeRules rules;
  ObjectReader root(document->json(), "", problems);
  rules.title = root.text("title", kSentence);
  rules.samples_at = root.instant("samples_at");
  rules.min_text_px = root.number_or("min_text_px", 0, 0, 200);
  root.array("covered", 0, 16, [&](ObjectReader& reader) {
    ThemeRules::Covered covered;
    covered.orientation = reader.one_of("orientation", {"landscape", "portrait"}) == 0
                              ? Orientation::kLandscape
                              : Orientation::kPortrait;
    const auto area = read_integers(reader, "area", 4, 0, kMaxSide);
    covered.area = {area[0], area[1], area[2], area[3]};
    covered.by = reader.text("by", kSentence);
    rules.covered.push_back(std::move(covered));
  });
  root.finish();
  if (!problems.empty()) return tl::unexpected(document->located(std::move(problems)));
  return rules;
}

}  // namespace vitrine::overlay
