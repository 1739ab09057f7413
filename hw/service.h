// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace vitrine::hw {

/// What this process tells the service manager (sd_notify(3)). Without one, nothing happens.
void notify_ready();
void notify_stopping();
void notify_status(const std::string& sentence);
/// To be called only when frames were really put out since the last call.
void notify_watchdog();

/// WatchdogSec of the unit, when it has one for this process.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace vitrine::hw
