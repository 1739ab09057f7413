// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/event_loop.h"

namespace vitrine::hw {

/// A V4L2 node that captures pictures, as udev knows it.
struct VideoDevice {
  std::string node;    // "/dev/video0": changes from boot to boot
  std::string name;    // "HD Pro Webcam C920"
  std::string serial;  // USB serial number; empty where the maker saved it
  std::string port;    // USB socket, "1-1.4", or udev's ID_PATH for what is not USB

  bool operator==(const VideoDevice&) const = default;
};

/// Every capture node present, by node number.
std::vector<VideoDevice> list_video_devices();

/// Camera id → node for every v4l2 camera that is here now. Those bound to a node, serial number or socket
/// come first; v4l2:auto takes what is left, in the order of the configuration, so that two cameras never
/// share one device. A serial number that two devices carry (cheap cameras do) binds neither: both would swap
/// at the next boot. `held` is what was found before: a v4l2:auto camera keeps its device while that is
/// there, whatever comes and goes beside it.
std::map<std::string, std::string> resolve_cameras(const std::vector<CameraConfig>& cameras,
                                                   const std::vector<VideoDevice>& devices,
                                                   const std::map<std::string, std::string>& held = {});

/// Tells when cameras or sound cards come or go.
/// Thread: the loop's.
class DeviceMonitor {
 public:
  /// Errors: kIo when udev's events can't be had; cameras are then found at start only.
  static Result<std::unique_ptr<DeviceMonitor>> create(EventLoop& loop, std::function<void()> on_change);
  ~DeviceMonitor();
  DeviceMonitor(const DeviceMonitor&) = delete;
  DeviceMonitor& operator=(const DeviceMonitor&) = delete;

 private:
  struct Impl;
  explicit DeviceMonitor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::hw
