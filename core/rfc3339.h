// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/media_time.h"

namespace vitrine {

/// "2026-11-22T12:00:00Z", "2026-11-22T12:00:00.250Z" or with an offset "+08:00". RFC 3339; nothing else is
/// taken.
std::optional<Instant> parse_rfc3339(std::string_view text);

/// UTC with milliseconds: "2026-11-22T12:00:00.250Z".
std::string format_rfc3339(Instant instant);

/// A day of the calendar, as it stands on a document: "2026-11-22". Nothing else is taken.
using Day = std::chrono::sys_days;
std::optional<Day> parse_day(std::string_view text);
std::string format_day(Day day);
/// The day that this box's time zone has at `instant`.
Day local_day(Instant instant);
/// When that day begins there.
Instant local_midnight(Day day);

}  // namespace vitrine
