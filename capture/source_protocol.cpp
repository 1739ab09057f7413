// SPDX-License-Identifier: Apache-2.0
#include "capture/source_protocol.h"

#include <algorithm>

#include "core/json_text.h"
#include "core/object_reader.h"

namespace vitrine::capture {
namespace {

constexpr size_t kMaxAddressBytes = 2048;
constexpr size_t kMaxSecretBytes = 4096;
constexpr double kMaxFps = 1000;
constexpr int64_t kMaxCount = int64_t{1} << 53;

Result<SourceAddress> parse_any_address(const std::string& text) {
  if (auto camera = parse_camera_address(text)) return camera;
  return parse_microphone_address(text);
}

}  // namespace

nlohmann::json to_message(const OpenRequest& request) {
  return {{"type", "open"},
          {"source", request.address.text()},
          {"transport", request.transport == CameraConfig::Transport::kUdp ? "udp" : "tcp"},
          {"user", request.user.reveal()},
          {"password", request.password.reveal()},
          {"picture", request.wants_picture},
          {"sound", request.wants_sound}};
}

Result<OpenRequest> parse_open_request(const nlohmann::json& message) {
  Problems problems;
  ObjectReader reader(message, "", problems);
  reader.one_of("type", {"open"});
  OpenRequest request;
  auto address = parse_any_address(reader.text("source", {.max_bytes = kMaxAddressBytes}));
  if (!address) return tl::unexpected(address.error().with_context("source"));
  request.address = std::move(*address);
  request.transport = reader.one_of("transport", {"tcp", "udp"}) == 1 ? CameraConfig::Transport::kUdp
                                                                      : CameraConfig::Transport::kTcp;
  request.user = Secret(reader.text_or("user", "", {.max_bytes = kMaxSecretBytes, .may_be_empty = true}));
  request.password =
      Secret(reader.text_or("password", "", {.max_bytes = kMaxSecretBytes, .may_be_empty = true}));
  request.wants_picture = reader.boolean_or("picture", false);
  request.wants_sound = reader.boolean_or("sound", false);
  reader.finish();
  if (!request.wants_picture && !request.wants_sound) {
    reader.refuse("picture", "neither picture nor sound", "one of both");
  }
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  return request;
}

nlohmann::json to_message(const SourceReport& report) {
  return {{"type", "heartbeat"},         {"size", {report.size.width, report.size.height}},
          {"fps", report.fps},           {"dropped", report.dropped},
          {"copied", report.copied},     {"level_db", report.level_db},
          {"warnings", report.warnings}, {"format", report.format},
          {"sandbox", report.sandbox}};
}

Result<SourceReport> parse_report(const nlohmann::json& message) {
  Problems problems;
  ObjectReader reader(message, "heartbeat", problems);
  reader.one_of("type", {"heartbeat"});
  SourceReport report;
  std::vector<int> size;
  reader.values("size", 2, 2, [&](const nlohmann::json& value, const std::string& where) {
    if (value.is_number_integer() && value >= 0 && value <= (1 << 14)) {
      size.push_back(value.get<int>());
    } else {
      problems.push_back({where, describe(value), "0 to 16384"});
    }
  });
  if (size.size() == 2) report.size = {size[0], size[1]};
  report.fps = reader.number_or("fps", 0, 0, kMaxFps);
  report.dropped = reader.integer("dropped", 0, kMaxCount);
  report.copied = reader.integer("copied", 0, kMaxCount);
  report.level_db =
      reader.number_or("level_db", SourceReport::kSilenceDb, SourceReport::kSilenceDb, SourceReport::kMaxDb);
  reader.values(
      "warnings", 0, kSourceWarnings.size(), [&](const nlohmann::json& value, const std::string& where) {
        if (value.is_string() && std::ranges::find(kSourceWarnings, value.get_ref<const std::string&>()) !=
                                     kSourceWarnings.end()) {
          report.warnings.push_back(value.get<std::string>());
        } else {
          problems.push_back({where, describe(value), "a known warning"});
        }
      });
  report.format = reader.text_or("format", "", {.max_bytes = 300, .may_be_empty = true});
  report.sandbox = reader.text_or("sandbox", "", {.max_bytes = 200, .may_be_empty = true});
  reader.finish();
  if (!problems.empty()) return fail(ErrorCode::kProtocol, to_error(problems).message);
  return report;
}

}  // namespace vitrine::capture
