// SPDX-License-Identifier: Apache-2.0
#include "hw/service.h"

#include <systemd/sd-daemon.h>

namespace vitrine::hw {

void notify_ready() {
  sd_notify(0, "READY=1");
}
void notify_stopping() {
  sd_notify(0, "STOPPING=1");
}
void notify_status(const std::string& sentence) {
  sd_notify(0, ("STATUS=" + sentence).c_str());
}
void notify_watchdog() {
  sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

}  // namespace vitrine::hw
