// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace vitrine {

/// Where a camera or microphone is, as the configuration writes it.
struct SourceAddress {
  enum class Kind {
    kUnknown = 0,
    kRtsp,         // rtsp://host/path
    kV4l2,         // v4l2:auto · v4l2:/dev/videoN · v4l2:serial=… · v4l2:port=…
    kAlsa,         // alsa:default · alsa:hw:CARD=Mic
    kFile,         // file:/path, looped
    kTestBars,     // test:bars
    kTestTone,     // test:tone
    kCameraSound,  // camera:<id>, the sound that comes with a camera
  };
  Kind kind = Kind::kUnknown;
  std::string value;  // what stands behind the prefix; the whole URL for rtsp

  [[nodiscard]] std::string text() const;
  /// For logs and status: no user, no path beyond the first element.
  [[nodiscard]] std::string redacted() const;
};

/// Errors: kInvalidInput; the message says what is allowed.
Result<SourceAddress> parse_camera_address(std::string_view text);
Result<SourceAddress> parse_microphone_address(std::string_view text);

}  // namespace vitrine
