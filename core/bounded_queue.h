// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>

namespace vitrine {

enum class Overflow { kDropOldest, kRefuse };
enum class PushResult { kQueued, kDroppedOldest, kFull, kClosed };

struct QueueStats {
  size_t depth = 0;
  size_t high_water = 0;
  uint64_t pushed = 0;
  uint64_t dropped = 0;
};

/// A queue between two stages.
/// push never blocks. On kFull and kClosed the item stays with the caller, unmoved.
/// pop returns nullopt only when the queue is closed *and* drained, or when stop was asked.
/// close may be called from either end, any number of times; what is queued can still be popped.
/// Thread: any number of producers and consumers.
template <typename T>
class BoundedQueue {
 public:
  BoundedQueue(size_t capacity, Overflow overflow) : capacity_(capacity), overflow_(overflow) {}

  PushResult push(T&& item) {
    auto result = PushResult::kQueued;
    {
      const std::lock_guard lock(mutex_);
      if (is_closed_) return PushResult::kClosed;
      if (items_.size() >= capacity_) {
        ++stats_.dropped;
        if (overflow_ == Overflow::kRefuse) return PushResult::kFull;
        items_.pop_front();
        result = PushResult::kDroppedOldest;
      }
      items_.push_back(std::move(item));
      ++stats_.pushed;
      stats_.high_water = std::max(stats_.high_water, items_.size());
    }
    changed_.notify_one();
    return result;
  }

  std::optional<T> pop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !items_.empty() || is_closed_; });
    if (items_.empty() || stop.stop_requested()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    changed_.notify_all();
  }

  [[nodiscard]] QueueStats stats() const {
    const std::lock_guard lock(mutex_);
    QueueStats stats = stats_;
    stats.depth = items_.size();
    return stats;
  }

 private:
  const size_t capacity_;
  const Overflow overflow_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<T> items_;     // guarded by mutex_
  QueueStats stats_;        // guarded by mutex_
  bool is_closed_ = false;  // guarded by mutex_
};

}  // namespace vitrine
