// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/source.h"
#include "core/config.h"
#include "core/event_loop.h"
#include "hw/video_devices.h"
#include "studio/plan.h"

namespace vitrine::studio {

/// Every camera and microphone of the configuration, each with a worker of its own; warm from the studio's
/// start on, so that Start need not wait for them. Thread: the loop's, but for what access() hands out.
class Sources {
 public:
  Sources(EventLoop& loop, std::filesystem::path worker, const Config& config);

  void start();

  /// The set of sources never changes after construction; readers live as long as this.
  [[nodiscard]] SourceAccess access() const;

  /// What a camera sees now; nothing while it has stopped, so that nobody takes an old picture for a new one.
  [[nodiscard]] std::optional<CameraFrame> latest_frame(const std::string& camera) const;

  /// One camera or microphone as a person wants to know it.
  struct Entry {
    std::string id;
    std::string name;
    std::string address;       // redacted
    bool is_present = true;    // false: a V4L2 camera that is not plugged in
    std::string secret_error;  // why its credential could not be read
    const capture::Source* source = nullptr;
  };
  [[nodiscard]] std::vector<Entry> cameras() const;
  [[nodiscard]] std::vector<Entry> microphones() const;

 private:
  struct Camera {
    CameraConfig config;
    bool is_present = true;
    std::string secret_error;
    std::unique_ptr<capture::Source> source;
  };

  void find_devices();
  [[nodiscard]] const capture::Source* source_of(const MicrophoneConfig& microphone) const;

  EventLoop& loop_;
  const Config& config_;
  std::map<std::string, Camera> cameras_;
  std::map<std::string, std::string> nodes_;  // camera id → device, as last found
  std::map<std::string, std::unique_ptr<capture::Source>> microphones_;
  std::unique_ptr<hw::DeviceMonitor> monitor_;
};

}  // namespace vitrine::studio
