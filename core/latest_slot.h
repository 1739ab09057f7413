// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

namespace vitrine {

/// One value, newest wins, shared and immutable. store and load never wait for more than a pointer copy.
/// A lock rather than std::atomic<std::shared_ptr>: that one is a spin lock ThreadSanitizer can't see through
/// (gcc 12). Thread: any.
template <typename T>
class LatestSlot {
 public:
  void store(std::shared_ptr<const T> value) {
    {
      const std::lock_guard lock(mutex_);
      value_.swap(value);
    }
    value.reset();  // the old value may be large; nobody waits while it is freed
  }

  [[nodiscard]] std::shared_ptr<const T> load() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  // guarded by mutex_
};

}  // namespace vitrine
