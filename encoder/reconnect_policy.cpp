// SPDX-License-Identifier: Apache-2.0
#include "encoder/reconnect_policy.h"

#include <algorithm>
#include <array>
#include <span>

namespace vitrine::encoder {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr double kJitter = 0.2;
// The largest step and its jitter make 15 s.
constexpr std::array<milliseconds, 7> kPathSteps{0ms, 500ms, 1s, 2s, 4s, 8s, 12'500ms};
constexpr std::array<milliseconds, 5> kRefusedSteps{5s, 10s, 20s, 40s, 60s};
constexpr std::array<milliseconds, 1> kBusySteps{5s};

std::span<const milliseconds> steps_of(ErrorCode cause) {
  switch (cause) {
    case ErrorCode::kIngestBusy:
      return kBusySteps;
    case ErrorCode::kAuthRejected:
    case ErrorCode::kNotFound:
      return kRefusedSteps;
    default:
      return kPathSteps;
  }
}

}  // namespace

milliseconds ReconnectPolicy::next_delay(ErrorCode cause) {
  const auto steps = steps_of(cause);
  const milliseconds step = steps[std::min(static_cast<size_t>(faults_), steps.size() - 1)];
  faults_ = std::min(faults_ + 1, 100);
  return step + std::chrono::duration_cast<milliseconds>(step * kJitter * random_());
}

}  // namespace vitrine::encoder
