// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace vitrine::fakes {

/// Waits until `condition` holds; false when it still does not after `limit`. Sanitizers and busy machines
/// are slow: the limit is there to end a hanging test, not to judge speed.
inline bool wait_for(const std::function<bool()>& condition,
                     std::chrono::seconds limit = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace vitrine::fakes
