// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <utility>
#include <vector>

namespace vitrine::commerce::detail {

/// What is to be read, each once, in the order in which it was first named.
template <typename T>
class HintQueue {
 public:
  /// False: it waits already.
  bool push(const T& hint) {
    if (!waiting_.insert(hint).second) return false;
    order_.push_back(hint);
    return true;
  }
  std::vector<T> take(size_t most) {
    std::vector<T> taken;
    for (; taken.size() < most && !order_.empty(); order_.pop_front()) {
      waiting_.erase(order_.front());
      taken.push_back(std::move(order_.front()));
    }
    return taken;
  }
  /// What was taken and could not be read: behind the others, which may be luckier.
  void put_back(const std::vector<T>& hints) {
    for (const auto& hint : hints) push(hint);
  }
  void clear() {
    order_.clear();
    waiting_.clear();
  }
  [[nodiscard]] size_t size() const { return order_.size(); }

 private:
  std::deque<T> order_;
  std::set<T> waiting_;
};

}  // namespace vitrine::commerce::detail
