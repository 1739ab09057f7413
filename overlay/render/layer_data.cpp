// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/layer_data.h"

#include <algorithm>
#include <optional>
#include <utf8.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json_text.h"
#include "core/object_reader.h"
#include "core/text_rules.h"

namespace vitrine::overlay {
namespace {

// Far above any price on a tag, far below where sums of it overflow.
constexpr int64_t kMaxMinor = 1'000'000'000'000;

/// Text that may reach a screen; `problem` says why not.
std::optional<std::string> checked_text(const nlohmann::json& value, int max_chars, std::string& found) {
  if (!value.is_string()) {
    found = describe(value);
    return std::nullopt;
  }
  const auto& text = value.get_ref<const std::string&>();
  if (const auto unsafe = find_unsafe_character(text)) {
    found = *unsafe;
    return std::nullopt;
  }
  const auto chars = utf8::distance(text.begin(), text.end());
  if (chars > max_chars || text.find_first_not_of(" \n") == std::string::npos) {
    found = chars == 0 ? "empty text" : fmt::format("text of {} characters", chars);
    return std::nullopt;
  }
  if (text.find('\n') != std::string::npos) {
    found = "a line break";
    return std::nullopt;
  }
  return text;
}

class FieldReader {
 public:
  FieldReader(ObjectReader& reader, const std::string& name, const Field& field)
      : reader_(reader), name_(name), field_(field) {}

  std::optional<FieldValue> read() {
    switch (field_.type) {
      case FieldType::kText:
        return text();
      case FieldType::kInteger:
        return FieldValue(reader_.integer(name_, field_.min, field_.max));
      case FieldType::kMoney:
        return money();
      case FieldType::kInstant:
        return FieldValue(reader_.instant(name_));
      case FieldType::kImage:
        return image();
      case FieldType::kBoolean:
        return FieldValue(reader_.boolean_or(name_, false));
      case FieldType::kList:
        return list();
    }
    return std::nullopt;
  }

 private:
  std::string allowed_text() const {
    return fmt::format("text of 1 to {} characters in one line, without control and direction characters",
                       field_.max_chars);
  }

  std::optional<FieldValue> text() {
    std::string found;
    auto value = checked_text(*reader_.any(name_), field_.max_chars, found);
    if (!value) reader_.refuse(name_, found, allowed_text());
    return value;
  }

  std::optional<FieldValue> list() {
    std::vector<std::string> items;
    reader_.values(name_, 0, static_cast<size_t>(field_.max_items),
                   [&](const nlohmann::json& value, const std::string&) {
                     std::string found;
                     if (auto item = checked_text(value, field_.max_chars, found)) {
                       items.push_back(std::move(*item));
                     } else {
                       reader_.refuse(fmt::format("{}[{}]", name_, items.size()), found, allowed_text());
                     }
                   });
    return FieldValue(std::move(items));
  }

  std::optional<FieldValue> image() {
    const auto* value = reader_.any(name_);
    std::string found;
    auto path = checked_text(*value, 200, found);
    if (path && !path->starts_with('/') && path->find("..") == std::string::npos)
      return FieldValue(ImageName{*path});
    reader_.refuse(name_, path ? describe(*value) : found, "a file name inside the media directory");
    return std::nullopt;
  }

  std::optional<FieldValue> money() {
    std::optional<FieldValue> money;
    reader_.object(name_, [&](ObjectReader& object) {
      Money value;
      value.minor = object.integer("minor", 0, kMaxMinor);
      const auto* currency = object.any("currency");
      const bool is_known = currency != nullptr && currency->is_string() &&
                            minor_digits(currency->get_ref<const std::string&>());
      if (!is_known) {
        return object.refuse("currency", currency == nullptr ? "nothing" : describe(*currency),
                             "an ISO 4217 code such as \"CNY\"");
      }
      std::ranges::copy(currency->get_ref<const std::string&>(), value.currency.begin());
      money = value;
    });
    return money;
  }

  ObjectReader& reader_;
  const std::string& name_;
  const Field& field_;
};

}  // namespace

tl::expected<LayerData, Problems> LayerData::check(const nlohmann::json& data, const Manifest& manifest) {
  Problems problems;
  LayerData checked;
  ObjectReader reader(data, "data", problems);
  for (const auto& [name, field] : manifest.fields) {
    if (!reader.has(name)) {
      (void)reader.any(name);
      if (field.is_required)
        reader.refuse(name, "nothing", fmt::format("{}: this template needs it", to_string(field.type)));
      continue;
    }
    if (auto value = FieldReader(reader, name, field).read())
      checked.values_.emplace(name, std::move(*value));
    std::vector<std::string> missing;
    std::ranges::copy_if(field.needs, std::back_inserter(missing),
                         [&](const auto& other) { return !reader.has(other); });
    if (!missing.empty()) {
      reader.refuse(name, fmt::format("a value without {}", fmt::join(missing, " and ")),
                    field.because.empty() ? "both or neither" : field.because);
    }
  }
  reader.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return checked;
}

const FieldValue* LayerData::find(std::string_view field) const {
  const auto found = values_.find(field);
  return found == values_.end() ? nullptr : &found->second;
}

bool LayerData::is_set(std::string_view field) const {
  const auto* value = find(field);
  if (value == nullptr) return false;
  if (const auto* boolean = std::get_if<bool>(value)) return *boolean;
  if (const auto* list = std::get_if<std::vector<std::string>>(value)) return !list->empty();
  return true;
}

}  // namespace vitrine::overlay
