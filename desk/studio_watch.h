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
#include "desk/uplink_book.h"

namespace vitrine::desk {

/// What the studio says of itself, asked every second by a thread of its own: nobody else waits for the
/// answer.
class StudioWatch {
 public:
  /// Called on its thread, each second: with the answer, or with null and why there is none.
  using OnStatus = std::function<void(const nlohmann::json& status, const std::string& fault)>;

  StudioWatch(const Config& config, UplinkBook& uplink, OnStatus on_status);
  StudioWatch(const StudioWatch&) = delete;
  StudioWatch& operator=(const StudioWatch&) = delete;

  /// The newest answer; null while there is none. Thread: any.
  [[nodiscard]] nlohmann::json status() const;
  /// Why there is none.
  [[nodiscard]] std::string fault() const;

 private:
  void run(const std::stop_token& stop);
  void measure(const nlohmann::json& status);

  const Config& config_;
  const OnStatus on_status_;
  mutable std::mutex mutex_;
  nlohmann::json status_;  // guarded by mutex_
  std::string fault_;      // guarded by mutex_
  UplinkBook& uplink_;
  UplinkBook::Measure noted_;  // the thread's own: what need not be written again
  std::jthread thread_;        // last
};

/// What all destinations of `status` together take, with none of them behind; nothing while one is, or none
/// is live.
std::optional<int64_t> carried_kbps(const nlohmann::json& status);

}  // namespace vitrine::desk
