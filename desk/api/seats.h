// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "desk/api/route.h"

namespace vitrine::desk {

/// The places of connections. Thread: the API's, but for `taken`.
class Seats {
 public:
  Seats(int all, int each) : all_(all), each_(each) {}

  /// Until it is given back by whoever holds it last.
  using Seat = std::shared_ptr<const void>;
  /// Null when there is none: the last eighth is for the box itself, and no one in the network has all of the
  /// others.
  Seat take(const Visitor& visitor);
  [[nodiscard]] int taken() const { return taken_; }

 private:
  const int all_;
  const int each_;
  std::atomic<int> taken_{0};
  std::map<std::string, int> of_source_;
};

}  // namespace vitrine::desk
