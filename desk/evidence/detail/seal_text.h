// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/media_time.h"
#include "core/rfc3339.h"

namespace vitrine::desk::detail {

/// What the device's key signs: short, and readable by who checks it.
inline std::string seal_text(std::string_view device, int64_t sequence, std::string_view hash, Instant at) {
  return fmt::format("vitrine evidence seal\n{}\n{}\n{}\n{}\n", device, sequence, hash, format_rfc3339(at));
}

/// It is about this row of this device, at whatever time.
inline bool seal_says(std::string_view text, std::string_view device, int64_t sequence,
                      std::string_view hash) {
  const std::string about = fmt::format("vitrine evidence seal\n{}\n{}\n{}\n", device, sequence, hash);
  if (!text.starts_with(about) || !text.ends_with('\n')) return false;
  text.remove_prefix(about.size());
  return parse_rfc3339(text.substr(0, text.size() - 1)).has_value();
}

}  // namespace vitrine::desk::detail
