// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>

#include "commerce/item.h"
#include "core/media_time.h"

namespace vitrine::commerce {

/// When each item's price was last known to be what the backend charges. This is what a price lease is made
/// of: a price that nobody has confirmed for a while leaves the screen. It lives in memory alone: after a
/// restart nothing is fresh until it has been read again. Threads: any.
class Freshness {
 public:
  /// `asked_at`: before the question was sent. The answer may be as old as that.
  void confirm(const Ref& ref, MediaTime asked_at) {
    const std::lock_guard lock(mutex_);
    auto& known = confirmed_[ref];
    known = std::max(known, asked_at);
  }
  /// A change of ours is under way, or somebody says the item has changed: what we knew holds no longer.
  void doubt(const Ref& ref) {
    const std::lock_guard lock(mutex_);
    confirmed_.erase(ref);
  }
  /// nullopt: not known.
  [[nodiscard]] std::optional<MediaTime> confirmed_at(const Ref& ref) const {
    const std::lock_guard lock(mutex_);
    const auto found = confirmed_.find(ref);
    return found == confirmed_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::map<Ref, MediaTime> confirmed_;
};

}  // namespace vitrine::commerce
