// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::desk {

/// What the uplink was seen to carry, by day. Threads: any.
class UplinkBook {
 public:
  /// Older ones say little: lines and contracts change.
  static constexpr std::chrono::days kGoodFor{7};

  explicit UplinkBook(commerce::Store& store) : store_(store) {}

  struct Measure {
    int64_t bitrate_bps = 0;
    Instant at{};

    [[nodiscard]] bool is_good(Instant now) const { return now - at <= kGoodFor; }
  };
  /// The best of a day is kept.
  Status note(const Measure& measure);
  /// The best that is good; else the newest; nothing where there was none.
  [[nodiscard]] Result<std::optional<Measure>> best(Instant now) const;

 private:
  commerce::Store& store_;
};

}  // namespace vitrine::desk
