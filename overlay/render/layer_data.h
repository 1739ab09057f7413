// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/media_time.h"
#include "core/money.h"
#include "overlay/render/manifest.h"

namespace vitrine::overlay {

struct ImageName {
  std::string path;
};
/// An https address, and whose it is.
struct Link {
  std::string url;
  std::string host;
};
/// A list or rows are a boolean under their own name (false when empty); what is in them stands under
/// "lines.2" and "options.0.votes", and each row is true under "options.0".
using FieldValue = std::variant<std::string, int64_t, Money, Instant, ImageName, Link, bool>;

/// A layer's data, checked against its template's manifest: what stands here may be shown.
class LayerData {
 public:
  /// Every problem with its place ("data.price.minor"), what was found and what is allowed.
  static tl::expected<LayerData, Problems> check(const nlohmann::json& data, const Manifest& manifest);

  /// `field` is a path as Manifest::type_of takes it.
  [[nodiscard]] const FieldValue* find(std::string_view field) const;
  template <typename T>
  [[nodiscard]] const T* find_as(std::string_view field) const {
    const auto* value = find(field);
    return value == nullptr ? nullptr : std::get_if<T>(value);
  }
  /// Present, and neither false nor an empty list.
  [[nodiscard]] bool is_set(std::string_view field) const;

 private:
  std::map<std::string, FieldValue, std::less<>> values_;
};

}  // namespace vitrine::overlay
