// SPDX-License-Identifier: Apache-2.0
#include "hw/video_devices.h"

#include <sys/epoll.h>

#include <algorithm>
#include <libudev.h>
#include <set>
#include <string_view>

namespace vitrine::hw {
namespace {

template <auto Free>
struct Unref {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using UdevPtr = std::unique_ptr<udev, Unref<udev_unref>>;
using DevicePtr = std::unique_ptr<udev_device, Unref<udev_device_unref>>;
using EnumeratePtr = std::unique_ptr<udev_enumerate, Unref<udev_enumerate_unref>>;
using MonitorPtr = std::unique_ptr<udev_monitor, Unref<udev_monitor_unref>>;

std::string property(udev_device* device, const char* key) {
  const char* value = udev_device_get_property_value(device, key);
  return value == nullptr ? "" : value;
}

std::string socket_of(udev_device* device) {
  udev_device* usb = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
  return usb != nullptr ? udev_device_get_sysname(usb) : property(device, "ID_PATH");
}

VideoDevice describe(udev_device* device) {
  VideoDevice video;
  video.node = udev_device_get_devnode(device);
  video.name = property(device, "ID_V4L_PRODUCT");
  video.serial = property(device, "ID_SERIAL_SHORT");
  video.port = socket_of(device);
  return video;
}

int number_of(const VideoDevice& device) {
  const size_t digits = device.node.find_first_of("0123456789");
  return digits == std::string::npos ? 0 : std::atoi(device.node.c_str() + digits);
}

/// The one device for which `matches` holds; nullptr when there is none or more than one.
template <typename Predicate>
const VideoDevice* find_single(const std::vector<VideoDevice>& devices, Predicate matches) {
  const VideoDevice* found = nullptr;
  for (const auto& device : devices) {
    if (!matches(device)) continue;
    if (found != nullptr) return nullptr;
    found = &device;
  }
  return found;
}

const VideoDevice* find_bound(const std::vector<VideoDevice>& devices, std::string_view address) {
  constexpr std::string_view kSerial = "serial=";
  constexpr std::string_view kPort = "port=";
  if (address.starts_with(kSerial)) {
    return find_single(devices,
                       [&](const auto& device) { return device.serial == address.substr(kSerial.size()); });
  }
  if (address.starts_with(kPort)) {
    return find_single(devices,
                       [&](const auto& device) { return device.port == address.substr(kPort.size()); });
  }
  return find_single(devices, [&](const auto& device) { return device.node == address; });
}

}  // namespace

std::vector<VideoDevice> list_video_devices() {
  std::vector<VideoDevice> devices;
  const UdevPtr context(udev_new());
  if (!context) return devices;
  const EnumeratePtr enumerate(udev_enumerate_new(context.get()));
  udev_enumerate_add_match_subsystem(enumerate.get(), "video4linux");
  // A UVC camera has a second node for its metadata; only this property tells them apart without opening
  // them.
  udev_enumerate_add_match_property(enumerate.get(), "ID_V4L_CAPABILITIES", "*:capture:*");
  udev_enumerate_scan_devices(enumerate.get());
  udev_list_entry* entry = nullptr;
  udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate.get())) {
    const DevicePtr device(udev_device_new_from_syspath(context.get(), udev_list_entry_get_name(entry)));
    if (device && udev_device_get_devnode(device.get()) != nullptr) devices.push_back(describe(device.get()));
  }
  std::ranges::sort(devices, {}, number_of);
  return devices;
}

std::map<std::string, std::string> resolve_cameras(const std::vector<CameraConfig>& cameras,
                                                   const std::vector<VideoDevice>& devices,
                                                   const std::map<std::string, std::string>& held) {
  std::map<std::string, std::string> nodes;
  std::set<std::string> taken;
  const auto take = [&](const CameraConfig& camera, const std::string& node) {
    nodes[camera.id] = node;
    taken.insert(node);
  };
  const auto is_v4l2 = [](const CameraConfig& camera) {
    return camera.source.kind == SourceAddress::Kind::kV4l2;
  };
  const auto is_auto = [&](const CameraConfig& camera) {
    return is_v4l2(camera) && camera.source.value == "auto";
  };
  for (const auto& camera : cameras) {
    if (!is_v4l2(camera) || is_auto(camera)) continue;
    const auto* device = find_bound(devices, camera.source.value);
    if (device != nullptr && !taken.contains(device->node)) take(camera, device->node);
  }
  for (const auto& camera : cameras) {
    const auto before = held.find(camera.id);
    if (!is_auto(camera) || before == held.end() || taken.contains(before->second)) continue;
    if (find_bound(devices, before->second) != nullptr) take(camera, before->second);
  }
  for (const auto& camera : cameras) {
    if (!is_auto(camera) || nodes.contains(camera.id)) continue;
    const auto free =
        std::ranges::find_if(devices, [&](const auto& device) { return !taken.contains(device.node); });
    if (free != devices.end()) take(camera, free->node);
  }
  return nodes;
}

struct DeviceMonitor::Impl {
  UdevPtr context;
  MonitorPtr monitor;
  EventLoop::Watch watch;
};

Result<std::unique_ptr<DeviceMonitor>> DeviceMonitor::create(EventLoop& loop,
                                                             std::function<void()> on_change) {
  auto impl = std::make_unique<Impl>();
  impl->context.reset(udev_new());
  if (!impl->context) return fail(ErrorCode::kIo, "udev_new");
  impl->monitor.reset(udev_monitor_new_from_netlink(impl->context.get(), "udev"));
  if (!impl->monitor) return fail(ErrorCode::kIo, "udev's event socket");
  udev_monitor_filter_add_match_subsystem_devtype(impl->monitor.get(), "video4linux", nullptr);
  udev_monitor_filter_add_match_subsystem_devtype(impl->monitor.get(), "sound", nullptr);
  if (udev_monitor_enable_receiving(impl->monitor.get()) < 0)
    return fail(ErrorCode::kIo, "receiving udev's events");
  impl->watch = loop.watch(udev_monitor_get_fd(impl->monitor.get()), EPOLLIN,
                           [monitor = impl->monitor.get(), call = std::move(on_change)](uint32_t) {
                             bool did_change = false;
                             while (const DevicePtr device{udev_monitor_receive_device(monitor)})
                               did_change = true;
                             if (did_change) call();
                           });
  return std::unique_ptr<DeviceMonitor>(new DeviceMonitor(std::move(impl)));
}

DeviceMonitor::DeviceMonitor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
DeviceMonitor::~DeviceMonitor() = default;

}  // namespace vitrine::hw
