// SPDX-License-Identifier: Apache-2.0
#include "desk/show/pace_clock.h"

#include <algorithm>
#include <array>

namespace vitrine::desk {
namespace {

using std::chrono::seconds;

constexpr seconds kSoon{30};
constexpr std::array<std::string_view, 6> kHints = {"none",      "item_soon_over",  "item_too_long",
                                                    "pause_now", "pause_too_short", "behind_plan"};

bool is_same(const ShowStep& a, const ShowStep& b) {
  return a.segment == b.segment;
}

/// Items since the last thing that was none; one whose host changed is still one.
int items_in_a_row(const std::vector<ShowStep>& steps) {
  int count = 0;
  for (size_t i = steps.size(); i-- > 0;) {
    if (steps[i].kind != Segment::Kind::kItem) break;
    if (i + 1 == steps.size() || !is_same(steps[i], steps[i + 1])) ++count;
  }
  return count;
}

Instant began_at(const std::vector<ShowStep>& steps) {
  size_t first = steps.size() - 1;
  while (first > 0 && is_same(steps[first - 1], steps.back())) --first;
  return steps[first].by.at;
}

/// What is planned after the segment that is on.
seconds still_to_come(const ShowPlan& plan, int64_t on) {
  seconds sum{0};
  bool is_behind = false;
  for (const auto& segment : plan.rundown) {
    if (is_behind) sum += planned_length(segment, plan.pace).value_or(seconds(0));
    is_behind = is_behind || segment.id == on;
  }
  return sum;
}

PaceSight::Hint hint_of(const Show& show, const PaceSight& sight, const ShowStep& on) {
  using Hint = PaceSight::Hint;
  const auto& pace = show.plan.pace;
  if (on.kind == Segment::Kind::kItem && sight.left) {
    if (*sight.left < seconds(0))
      return sight.items_in_a_row >= pace.items_in_a_row ? Hint::kPauseNow : Hint::kItemTooLong;
    if (*sight.left <= kSoon) return Hint::kItemSoonOver;
  }
  if (on.kind == Segment::Kind::kBreak && sight.on_for < pace.pause_at_least) return Hint::kPauseTooShort;
  if (sight.show_left &&
      still_to_come(show.plan, on.segment) + std::max(sight.left.value_or(seconds(0)), seconds(0)) >
          std::max(*sight.show_left, seconds(0)) + pace.item_at_most)
    return Hint::kBehindPlan;
  return Hint::kNone;
}

}  // namespace

std::optional<seconds> planned_length(const Segment& segment, const Pace& pace) {
  if (segment.planned) return segment.planned;
  if (segment.kind == Segment::Kind::kItem) return pace.item_at_most;
  if (segment.kind == Segment::Kind::kBreak) return pace.pause_at_least;
  return std::nullopt;
}

PaceSight judge_pace(const Show& show, const std::vector<ShowStep>& steps, Instant now) {
  PaceSight sight;
  if (steps.empty()) return sight;
  const auto& on = steps.back();
  sight.on_for = std::max(std::chrono::floor<seconds>(now - began_at(steps)), seconds(0));
  if (const auto* segment = show.plan.find(on.segment))
    if (const auto length = planned_length(*segment, show.plan.pace)) sight.left = *length - sight.on_for;
  sight.items_in_a_row = items_in_a_row(steps);
  if (show.plan.ends_at) sight.show_left = std::chrono::floor<seconds>(*show.plan.ends_at - now);
  sight.hint = hint_of(show, sight, on);
  return sight;
}

std::string_view to_string(PaceSight::Hint hint) {
  return kHints.at(static_cast<size_t>(hint));
}

}  // namespace vitrine::desk
