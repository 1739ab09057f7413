// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/watchdog.h"

#include <fmt/format.h>

namespace vitrine::capture {
namespace {

using std::chrono::seconds;

constexpr seconds kStartLimit(5);
constexpr seconds kFlowLimit(3);
constexpr MediaTime kLateBy = seconds(1);
constexpr seconds kLateLimit(3);

}  // namespace

std::optional<Error> Watchdog::look(const FlowCounts& counts, MediaTime now) {
  if (counts.shown > last_.shown) {
    progressed_at_ = now;
    last_ = counts;
  }
  const auto limit = last_.shown == 0 ? kStartLimit : kFlowLimit;
  if (now - progressed_at_ >= limit) {
    const int64_t refused = counts.undecodable - last_.undecodable;
    if (refused > 0) {
      return Error{ErrorCode::kUnsupportedFormat,
                   fmt::format("{} sends data that can't be decoded ({} pictures of {} in {} s)", name_,
                               refused, counts.arrived - last_.arrived, limit.count())};
    }
    return Error{ErrorCode::kNoSignal,
                 fmt::format("nothing that can be shown or heard came from {} {} {} s", name_,
                             last_.shown == 0 ? "within" : "for", limit.count())};
  }
  if (counts.lag < kLateBy) {
    late_since_.reset();
  } else if (!late_since_) {
    late_since_ = now;
  } else if (now - *late_since_ >= kLateLimit) {
    return Error{
        ErrorCode::kTimeout,
        fmt::format("{} is decoded too slowly: pictures are {} ms late; set the camera to a smaller picture "
                    "or fewer a second",
                    name_, std::chrono::duration_cast<std::chrono::milliseconds>(counts.lag).count())};
  }
  return std::nullopt;
}

}  // namespace vitrine::capture
