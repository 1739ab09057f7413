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
#include "core/url.h"

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

/// "林**", "138****0457": a third of it or more is stars.
bool is_masked(const std::string& text) {
  return 3 * std::ranges::count(text, '*') >= utf8::distance(text.begin(), text.end());
}

// A symbol of this many bytes has 69 modules a side: 6 px each on a picture of 1080, which a phone can still
// read.
constexpr size_t kMaxLinkBytes = 300;

/// The host of an https address that shows where it leads: no user before it, who can pose as the host, and
/// nothing that one browser reads otherwise than another.
std::optional<std::string> host_of(const std::string& url) {
  const auto parsed = parse_url(url);
  if (!parsed || url.size() > kMaxLinkBytes) return std::nullopt;
  const std::string_view host = parsed->host;
  const bool is_name = host.find('.') != std::string_view::npos && std::ranges::all_of(host, [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
                       });
  const std::string beginning = fmt::format("https://{}", host);
  const bool is_plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c <= '~' && c != '\\'; });
  if (!is_name || !is_plain || !url.starts_with(beginning)) return std::nullopt;
  const std::string_view rest = std::string_view(url).substr(beginning.size());
  if (!rest.empty() && std::string_view(":/?#").find(rest.front()) == std::string_view::npos)
    return std::nullopt;
  return parsed->host;
}

class FieldReader {
 public:
  using Values = std::map<std::string, FieldValue, std::less<>>;

  /// Fills in `values` under `prefix`.
  FieldReader(ObjectReader& reader, Values& values, std::string prefix)
      : reader_(reader), values_(values), prefix_(std::move(prefix)) {}

  void read_all(const Fields& fields) {
    for (const auto& [name, field] : fields) {
      if (!reader_.has(name)) {
        (void)reader_.any(name);
        if (field.is_required)
          reader_.refuse(name, "nothing", fmt::format("{}: this template needs it", to_string(field.type)));
        continue;
      }
      read(name, field);
      check_needs(name, field);
    }
  }

 private:
  void read(const std::string& name, const Field& field) {
    switch (field.type) {
      case FieldType::kText:
        return read_text(name, field);
      case FieldType::kInteger:
        return set(name, reader_.integer(name, field.min, field.max));
      case FieldType::kMoney:
        return read_money(name);
      case FieldType::kInstant:
        return set(name, reader_.instant(name));
      case FieldType::kImage:
        return read_image(name);
      case FieldType::kBoolean:
        return set(name, reader_.boolean_or(name, false));
      case FieldType::kLink:
        return read_link(name);
      case FieldType::kList:
        return read_list(name, field);
      case FieldType::kRows:
        return read_rows(name, field);
    }
  }

  void set(const std::string& name, FieldValue value) {
    values_.insert_or_assign(prefix_ + name, std::move(value));
  }

  void check_needs(const std::string& name, const Field& field) {
    std::vector<std::string> missing;
    std::ranges::copy_if(field.needs, std::back_inserter(missing),
                         [&](const auto& other) { return !reader_.has(other); });
    if (missing.empty()) return;
    reader_.refuse(name, fmt::format("a value without {}", fmt::join(missing, " and ")),
                   field.because.empty() ? "both or neither" : field.because);
  }

  /// One text, refused as `name` when it may not be shown.
  std::optional<std::string> text(const nlohmann::json& value, const std::string& name, const Field& field) {
    std::string found;
    auto checked = checked_text(value, field.max_chars, found);
    if (!checked) {
      reader_.refuse(
          name, found,
          fmt::format("text of 1 to {} characters in one line, without control and direction characters",
                      field.max_chars));
    } else if (field.is_masked && !is_masked(*checked)) {
      // Not what was found: it would stand in a log.
      reader_.refuse(name, "a name that is not hidden", "a third of it or more as *: \"林**\"");
      checked.reset();
    }
    return checked;
  }

  void read_text(const std::string& name, const Field& field) {
    if (auto value = text(*reader_.any(name), name, field)) set(name, std::move(*value));
  }

  void read_list(const std::string& name, const Field& field) {
    size_t count = 0;
    reader_.values(name, static_cast<size_t>(field.min_items), static_cast<size_t>(field.max_items),
                   [&](const nlohmann::json& value, const std::string&) {
                     if (auto item = text(value, fmt::format("{}[{}]", name, count), field))
                       set(fmt::format("{}.{}", name, count), std::move(*item));
                     ++count;
                   });
    set(name, count > 0);
  }

  void read_rows(const std::string& name, const Field& field) {
    size_t count = 0;
    reader_.array(name, static_cast<size_t>(field.min_items), static_cast<size_t>(field.max_items),
                  [&](ObjectReader& row) {
                    const std::string path = fmt::format("{}{}.{}", prefix_, name, count++);
                    values_.insert_or_assign(path, true);
                    FieldReader(row, values_, path + ".").read_all(field.columns);
                  });
    set(name, count > 0);
  }

  void read_image(const std::string& name) {
    const auto* value = reader_.any(name);
    std::string found;
    auto path = checked_text(*value, 200, found);
    if (path && !path->starts_with('/') && path->find("..") == std::string::npos)
      return set(name, ImageName{*path});
    reader_.refuse(name, path ? describe(*value) : found, "a file name inside the media directory");
  }

  void read_link(const std::string& name) {
    const auto* value = reader_.any(name);
    const auto* url = value->get_ptr<const std::string*>();
    if (const auto host = url != nullptr ? host_of(*url) : std::nullopt) return set(name, Link{*url, *host});
    reader_.refuse(
        name, describe(*value),
        fmt::format("an address https://… of at most {} bytes in ASCII, its host a name in small letters, "
                    "without a user before it",
                    kMaxLinkBytes));
  }

  void read_money(const std::string& name) {
    reader_.object(name, [&](ObjectReader& object) {
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
      set(name, value);
    });
  }

  ObjectReader& reader_;
  Values& values_;
  const std::string prefix_;
};

}  // namespace

tl::expected<LayerData, Problems> LayerData::check(const nlohmann::json& data, const Manifest& manifest) {
  Problems problems;
  LayerData checked;
  ObjectReader reader(data, "data", problems);
  if (!problems.empty())
    return tl::unexpected(std::move(problems));  // no object: its fields are not missing one by one
  FieldReader(reader, checked.values_, "").read_all(manifest.fields);
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
  const auto* boolean = std::get_if<bool>(value);
  return boolean == nullptr || *boolean;
}

}  // namespace vitrine::overlay
