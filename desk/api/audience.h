// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

#include "desk/access/access.h"
#include "desk/api/route.h"
#include "desk/api/stream.h"
#include "desk/api/watcher.h"

namespace vitrine::desk {

/// All who watch. Thread: the API's, but for `publish` and the counts.
class Audience {
 public:
  Audience(boost::asio::io_context& io, Access& access) : io_(io), access_(access) {}

  void publish(const nlohmann::json& event, Roles to);  // any thread; never blocks

  void join(const std::shared_ptr<Watcher>& watcher);
  void leave(const std::shared_ptr<Watcher>& watcher);
  void clear() { watchers_.clear(); }
  /// Ends those whose session is over, without an end of its own.
  Task<void> look_at_sessions();

  [[nodiscard]] boost::asio::io_context& io() const { return io_; }
  [[nodiscard]] int size() const { return watching_; }
  [[nodiscard]] int64_t slow_closed() const { return slow_closed_; }

 private:
  [[nodiscard]] bool is_still_in(const Watcher& watcher);

  boost::asio::io_context& io_;
  Access& access_;
  std::set<std::shared_ptr<Watcher>> watchers_;
  std::atomic<int> watching_{0};
  std::atomic<int64_t> slow_closed_{0};
};

}  // namespace vitrine::desk
