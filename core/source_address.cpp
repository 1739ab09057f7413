// SPDX-License-Identifier: Apache-2.0
#include "core/source_address.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "core/url.h"

namespace vitrine {
namespace {

using Kind = SourceAddress::Kind;

struct Form {
  std::string_view prefix;
  Kind kind;
  bool is_whole;  // the prefix is all there is
};

constexpr std::array kCameraForms = {Form{"rtsp://", Kind::kRtsp, false}, Form{"v4l2:", Kind::kV4l2, false},
                                     Form{"file:", Kind::kFile, false},
                                     Form{"test:bars", Kind::kTestBars, true}};
constexpr std::array kMicrophoneForms = {Form{"camera:", Kind::kCameraSound, false},
                                         Form{"alsa:", Kind::kAlsa, false}, Form{"file:", Kind::kFile, false},
                                         Form{"test:tone", Kind::kTestTone, true}};

constexpr std::string_view kCamerasAllowed =
    "v4l2:auto, v4l2:/dev/videoN, v4l2:serial=…, v4l2:port=…, rtsp://host/path, file:/path or test:bars";
constexpr std::string_view kMicrophonesAllowed = "alsa:DEVICE, camera:ID, file:/path or test:tone";

bool is_v4l2_value(std::string_view value) {
  const auto is_filled = [&](std::string_view prefix) {
    return value.starts_with(prefix) && value.size() > prefix.size();
  };
  return value == "auto" || is_filled("/dev/") || is_filled("serial=") || is_filled("port=");
}

Result<SourceAddress> check(SourceAddress address, std::string_view allowed) {
  const auto refuse = [](std::string why) { return fail(ErrorCode::kInvalidInput, std::move(why)); };
  switch (address.kind) {
    case Kind::kRtsp: {
      const auto url = parse_url(address.value);
      if (!url) return refuse(fmt::format("rtsp://host[:port]/path ({})", url.error().message));
      if (url->has_user_info) {
        return refuse(
            "rtsp://host/path without user and password; put \"user:password\" into a credential file and "
            "name it with credential = \"…\"");
      }
      return address;
    }
    case Kind::kV4l2:
      if (!is_v4l2_value(address.value)) return refuse(std::string(allowed));
      return address;
    case Kind::kFile:
      if (!address.value.starts_with('/')) return refuse("file:/absolute/path");
      return address;
    default:
      return address;
  }
}

Result<SourceAddress> parse(std::string_view text, std::span<const Form> forms, std::string_view allowed) {
  for (const auto& form : forms) {
    if (!text.starts_with(form.prefix)) continue;
    const std::string_view rest = text.substr(form.prefix.size());
    if (form.is_whole != rest.empty()) break;
    return check({form.kind, std::string(form.kind == Kind::kRtsp ? text : rest)}, allowed);
  }
  return fail(ErrorCode::kInvalidInput, std::string(allowed));
}

}  // namespace

std::string SourceAddress::text() const {
  switch (kind) {
    case Kind::kRtsp:
      return value;
    case Kind::kV4l2:
      return "v4l2:" + value;
    case Kind::kAlsa:
      return "alsa:" + value;
    case Kind::kFile:
      return "file:" + value;
    case Kind::kTestBars:
      return "test:bars";
    case Kind::kTestTone:
      return "test:tone";
    case Kind::kCameraSound:
      return "camera:" + value;
    case Kind::kUnknown:
      break;
  }
  return "unknown";
}

std::string SourceAddress::redacted() const {
  return kind == Kind::kRtsp ? redact_url(value) : text();
}

Result<SourceAddress> parse_camera_address(std::string_view text) {
  return parse(text, kCameraForms, kCamerasAllowed);
}

Result<SourceAddress> parse_microphone_address(std::string_view text) {
  return parse(text, kMicrophoneForms, kMicrophonesAllowed);
}

}  // namespace vitrine
