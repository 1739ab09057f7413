// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>
#include <variant>

#include <nlohmann/json.hpp>

#include "core/bounded_queue.h"
#include "core/error.h"
#include "studio/state_store.h"

namespace vitrine::studio {

/// The one thread that waits for the disk on behalf of the control plane and the as-run records: nobody else
/// may.
class Journal {
 public:
  explicit Journal(StateStore store);
  ~Journal();  // writes what is queued
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Saves and then calls `done` on the journal's thread. When the queue is full: at once, with kTimeout.
  void save_state(nlohmann::json state, std::function<void(Status)> done);

  /// Runs `task` on the journal's thread, where it may wait for the disk; dropped when the queue is full.
  void run_later(std::function<void()> task);

  /// Appends one line to a record file and syncs it. Thread: any; never blocks. A record that can't be kept
  /// is counted.
  void append(std::filesystem::path file, nlohmann::json record);

  [[nodiscard]] int64_t lost_records() const { return lost_records_.load(std::memory_order_relaxed); }

 private:
  struct Save {
    nlohmann::json state;
    std::function<void(Status)> done;
  };
  struct Append {
    std::filesystem::path file;
    nlohmann::json record;
  };
  using Task = std::variant<Save, Append, std::function<void()>>;

  void run();
  Status append_now(const Append& append);

  const StateStore store_;
  BoundedQueue<Task> queue_;
  std::atomic<int64_t> lost_records_ = 0;
  std::jthread thread_;
};

}  // namespace vitrine::studio
