// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "core/media_time.h"
#include "desk/show/show_book.h"

namespace vitrine::desk {

/// How a show keeps its rhythm. It reminds, and never does anything.
struct PaceSight {
  enum class Hint {
    kNone = 0,
    kItemSoonOver,  // 30 s are left
    kItemTooLong,
    kPauseNow,       // as many items in a row as there should be, and the last one is over its time
    kPauseTooShort,  // the break may not be over yet
    kBehindPlan,     // more is left than time
  };
  std::chrono::seconds on_for{0};                 // the segment
  std::optional<std::chrono::seconds> left;       // of what was planned; below zero: over it
  int items_in_a_row = 0;                         // with this one
  std::optional<std::chrono::seconds> show_left;  // until its end
  Hint hint = Hint::kNone;
};

/// `steps`: all of `show`, which is live. A function of its arguments.
PaceSight judge_pace(const Show& show, const std::vector<ShowStep>& steps, Instant now);
std::string_view to_string(PaceSight::Hint hint);

/// How long a segment shall last.
std::optional<std::chrono::seconds> planned_length(const Segment& segment, const Pace& pace);

}  // namespace vitrine::desk
