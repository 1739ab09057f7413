// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/plugins.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>

#include <fmt/format.h>

#include "capture/worker/gst_handles.h"

namespace vitrine::capture {
namespace {

using Kind = SourceAddress::Kind;
using Names = std::initializer_list<const char*>;

/// GST_*: nothing is found but what is loaded here by name. GIO_*: no module of GLib's (proxies, TLS, D-Bus)
/// is loaded into a process that talks plain RTSP. ORC_CODE: audioconvert and others would write machine code
/// at run time and abort where that is forbidden, as the unit does (MemoryDenyWriteExecute); plain C does the
/// same.
constexpr std::array kEnvironment = {
    std::pair{"GST_PLUGIN_SYSTEM_PATH_1_0", ""}, std::pair{"GST_PLUGIN_PATH_1_0", ""},
    std::pair{"GST_REGISTRY_DISABLE", "yes"},    std::pair{"GST_REGISTRY_FORK", "no"},
    std::pair{"GIO_MODULE_DIR", "/nonexistent"}, std::pair{"GIO_USE_PROXY_RESOLVER", "dummy"},
    std::pair{"GIO_USE_VFS", "local"},           std::pair{"ORC_CODE", "backup"},
};

constexpr Names kNeededByAll = {"coreelements", "app"};

Names plugins_for(const SourceAddress& address) {
  static constexpr Names kRtsp = {"rtsp", "rtpmanager", "rtp", "udp", "videoparsersbad", "audioparsers"};
  static constexpr Names kV4l2 = {"video4linux2", "videoparsersbad"};
  static constexpr Names kAlsa = {"alsa", "audioconvert"};
  static constexpr Names kFile = {"isomp4",   "matroska",        "avi",          "mpegtsdemux",
                                  "wavparse", "videoparsersbad", "audioparsers", "audioconvert"};
  static constexpr Names kBars = {"videotestsrc"};
  static constexpr Names kTone = {"audiotestsrc"};
  static constexpr Names kNothing = {};
  switch (address.kind) {
    case Kind::kRtsp:
      return kRtsp;
    case Kind::kV4l2:
      return kV4l2;
    case Kind::kAlsa:
      return kAlsa;
    case Kind::kFile:
      return kFile;
    case Kind::kTestBars:
      return kBars;
    case Kind::kTestTone:
      return kTone;
    case Kind::kUnknown:
    case Kind::kCameraSound:
      break;
  }
  return kNothing;
}

Status load(const char* name) {
  const auto path = std::filesystem::path(VITRINE_GSTREAMER_PLUGIN_DIR) / fmt::format("libgst{}.so", name);
  GError* raised = nullptr;
  GstPlugin* plugin = gst_plugin_load_file(path.c_str(), &raised);
  const GErrorPtr error(raised);
  if (plugin == nullptr) {
    return fail(ErrorCode::kNotFound,
                fmt::format("GStreamer plugin {}: {}; the packages gstreamer1.0-plugins-base, -good, "
                            "-bad and gstreamer1.0-alsa have them all",
                            path.string(), error ? error->message : "not loaded"));
  }
  gst_object_unref(plugin);  // the registry keeps it
  return {};
}

}  // namespace

Status start_gstreamer(const SourceAddress& address) {
  for (const auto& [name, value] : kEnvironment) ::setenv(name, value, 1);
  GError* raised = nullptr;
  const bool is_started = gst_init_check(nullptr, nullptr, &raised) != FALSE;
  const GErrorPtr error(raised);
  if (!is_started)
    return fail(ErrorCode::kIo, fmt::format("gst_init: {}", error ? error->message : "failed"));
  for (const char* name : kNeededByAll) {
    if (auto loaded = load(name); !loaded) return loaded;
  }
  for (const char* name : plugins_for(address)) {
    if (auto loaded = load(name); !loaded) return loaded;
  }
  return {};
}

}  // namespace vitrine::capture
