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
    const auto doubted = doubted_.find(ref.product);
    if (doubted != doubted_.end() && asked_at <= doubted->second) return;
    auto& known = confirmed_[ref];
    known = std::max(known, asked_at);
  }
  /// A change of ours is under way: what we knew of the product's prices holds no longer, nor
  /// does what was asked before now and is not answered yet.
  void doubt(const std::string& product) {
    const std::lock_guard lock(mutex_);
    std::erase_if(confirmed_, [&](const auto& entry) { return entry.first.product == product; });
    doubted_[product] = steady_now();
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
  std::map<std::string, MediaTime> doubted_;  // by product
};

}  // namespace vitrine::commerce
