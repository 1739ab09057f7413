// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/error.h"

namespace vitrine::desk {

/// What the studio says of itself, asked every second by a thread of its own: nobody else waits for the
/// answer.
class StudioWatch {
 public:
  /// Called on its thread, with each answer.
  using OnStatus = std::function<void(const nlohmann::json& status)>;

  StudioWatch(const Config& config, OnStatus on_status);
  StudioWatch(const StudioWatch&) = delete;
  StudioWatch& operator=(const StudioWatch&) = delete;

  /// The newest answer; null while there is none. Thread: any.
  [[nodiscard]] nlohmann::json status() const;
  /// Why there is none.
  [[nodiscard]] std::string fault() const;
  /// What all destinations together took in the best ten seconds so far, with none of them behind; nothing
  /// before the first show.
  [[nodiscard]] std::optional<int64_t> uplink_kbps() const;

 private:
  void run(const std::stop_token& stop);
  void measure(const nlohmann::json& status);

  const Config& config_;
  const OnStatus on_status_;
  mutable std::mutex mutex_;
  nlohmann::json status_;               // guarded by mutex_
  std::string fault_;                   // guarded by mutex_
  std::optional<int64_t> uplink_kbps_;  // guarded by mutex_
  std::jthread thread_;                 // last
};

}  // namespace vitrine::desk
