// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/server_clock.h"

#include <algorithm>

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

/// Two free-running clocks part by no more: 100 ppm is a bad crystal in a cold warehouse.
constexpr int64_t kDriftDivisor = 10'000;
/// Servers make the Date once a second, by a timer that may be late: bounds are no closer than that.
constexpr microseconds kSharpest = 40ms;
/// Answers that exclude each other by more: a clock was set.
constexpr microseconds kWasSet = 500ms;

}  // namespace

void ServerClock::note(Instant date, Instant sent, Instant received) {
  const microseconds least = date - received;
  const microseconds most = date + 1s - sent;
  const std::lock_guard lock(mutex_);
  const microseconds drift = std::max(microseconds{0}, received - noted_at_) / kDriftDivisor;
  noted_at_ = received;
  if (!is_known_ || least - (most_ + drift) > kWasSet || (least_ - drift) - most > kWasSet) {
    least_ = least;
    most_ = most;
    is_known_ = true;
    return;
  }
  least_ -= drift;
  most_ += drift;
  // The newest is believed where they exclude each other a little.
  if (least > most_) most_ = least + kSharpest;
  if (most < least_) least_ = most - kSharpest;
  least_ = std::max(least_, least);
  most_ = std::min(most_, most);
  if (const auto lacking = kSharpest - (most_ - least_); lacking > 0us) {
    least_ -= lacking / 2;
    most_ += lacking / 2;
  }
}

std::chrono::milliseconds ServerClock::offset() const {
  const std::lock_guard lock(mutex_);
  return std::chrono::round<std::chrono::milliseconds>(least_ + (most_ - least_) / 2);
}

std::chrono::milliseconds ServerClock::slack() const {
  const std::lock_guard lock(mutex_);
  return std::chrono::ceil<std::chrono::milliseconds>((most_ - least_) / 2);
}

}  // namespace vitrine::commerce
