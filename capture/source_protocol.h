// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/error.h"
#include "core/geometry.h"
#include "core/secret.h"
#include "core/source_address.h"

namespace vitrine::capture {

/// What the studio asks of a source worker: its first message, and the only one.
struct OpenRequest {
  SourceAddress address;  // a v4l2 value is a device path here
  CameraConfig::Transport transport = CameraConfig::Transport::kTcp;
  Secret user;
  Secret password;
  bool wants_picture = false;
  bool wants_sound = false;
};
nlohmann::json to_message(const OpenRequest& request);
Result<OpenRequest> parse_open_request(const nlohmann::json& message);

/// What a worker can find wrong with a picture or sound that arrives.
inline constexpr std::array<std::string_view, 6> kSourceWarnings = {"frozen",  "black",  "covered",
                                                                    "blurred", "silent", "clipping"};

/// What a worker says of itself in each heartbeat.
struct SourceReport {
  Size size;                     // of the newest picture; 0 × 0 before the first
  double fps = 0;                // pictures published a second, over the last two seconds
  int64_t dropped = 0;           // pictures that were decoded, or could not be, and never shown
  int64_t copied = 0;            // published pictures that were not decoded straight into the ring
  double level_db = kSilenceDb;  // of the last half second, full scale
  std::vector<std::string> warnings;
  std::string format;   // "H.264 1920×1080 BT.709 limited, AAC 48000 Hz 2 channels"
  std::string sandbox;  // what holds the worker in

  static constexpr double kSilenceDb = -120;
  static constexpr double kMaxDb = 40;
};
nlohmann::json to_message(const SourceReport& report);
/// Errors: kProtocol. Workers are not believed: numbers have ranges, text is bounded, unknown warnings are
/// errors.
Result<SourceReport> parse_report(const nlohmann::json& message);

}  // namespace vitrine::capture
