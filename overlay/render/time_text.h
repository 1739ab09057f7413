// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/media_time.h"

namespace vitrine::overlay {

/// A text and the time in which it is the right one: [from, until).
struct TimedText {
  std::string text;
  Instant from = Instant::min();
  Instant until = Instant::max();
};

enum class CountdownFormat {
  kAuto = 0,  // "04:36"; from one hour on "01:04:36"
  kMinutes,   // "64:36"
  kHours,     // "01:04:36"
  kSeconds,   // "3876"
};
std::optional<CountdownFormat> parse_countdown_format(std::string_view text);

/// What is left until `deadline`, rounded up, so that zero is reached exactly at the deadline and never shown
/// before. In the last `tenths` seconds with tenths: "09.3". After the deadline zero, for ever.
TimedText countdown_text(Instant deadline, Instant now, CountdownFormat format, std::chrono::seconds tenths);

/// Of strftime(3): %Y %m %d %H %M %S, with "-" for no leading zero, and literal text. nullopt when all of it
/// is allowed, else the part that is not.
std::optional<std::string> find_bad_time_format(std::string_view format);

/// `instant` in the box's time zone.
std::string local_time_text(Instant instant, const std::string& format);

/// The time of day now; valid for its minute, or second when the format shows seconds.
TimedText clock_text(Instant now, const std::string& format);

}  // namespace vitrine::overlay
