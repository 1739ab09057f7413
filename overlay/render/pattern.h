// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "overlay/render/layer_data.h"
#include "overlay/render/manifest.h"

namespace vitrine::overlay {

/// Text with fields in it: "剩 {stock} {unit}", "{price|amount}", "{lines.2}", "{options.0.votes}",
/// "{due|%-m月%-d日 %H:%M}", "{link|host}". "{{" is a brace.
class Pattern {
 public:
  /// Errors: kInvalidInput when a field is not in the manifest or a filter doesn't fit its type; the message
  /// says what is allowed.
  static Result<Pattern> parse(std::string_view text, const Manifest& manifest);

  /// nullopt when a field it refers to is absent.
  [[nodiscard]] std::optional<std::string> format(const LayerData& data) const;

  /// A number, price, time or host stands in it: shortening it would change what it says.
  [[nodiscard]] bool has_figures() const { return has_figures_; }

 private:
  struct Part {
    std::string literal;  // used when `field` is empty
    std::string field;
    std::string filter;
  };

  std::vector<Part> parts_;
  bool has_figures_ = false;
};

}  // namespace vitrine::overlay
