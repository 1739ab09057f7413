// SPDX-License-Identifier: Apache-2.0
#include "desk/studio_routes.h"

#include <fmt/format.h>

#include "core/control_socket.h"
#include "core/shared_memory.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kStudioAnswers = 3s;
constexpr int kProgramWidth = 1280;
constexpr int kCameraWidth = 320;
constexpr auto kFresh = 800ms;  // the studio draws no picture more often than that for all who look
constexpr size_t kMostPicture = size_t{64} << 20;

Error refusal_of(const json& body) {
  const json error = body.value("error", json::object());
  // What the program is not ready for is said as such; the rest is the studio's fault.
  const bool is_off = error.value("code", "") == to_string(ErrorCode::kStopped);
  return {is_off ? ErrorCode::kStopped : ErrorCode::kDeviceBusy,
          error.value("message", "the studio refused")};
}

}  // namespace

std::vector<Route> StudioRoutes::routes() {
  return {{"GET", "/api/v1/programs/{program}/stream", kStaff,
           "The coded program, as it goes out, from the newest keyframe on; 409 while it is off air",
           [this](const ApiRequest& request) { return stream(request); }},
          {"GET", "/api/v1/programs/{program}/picture", kStaff, "The program's newest picture, on air or not",
           [this](const ApiRequest& request) { return program_picture(request); }},
          {"GET", "/api/v1/cameras/{camera}/picture", kStaff,
           "What a camera sees, small; 409 while it gives no picture",
           [this](const ApiRequest& request) { return camera_picture(request); }}};
}

Result<ApiAnswer> StudioRoutes::stream(const ApiRequest& request) const {
  const std::string& program = request.path.at("program");
  if (config_.find_program(program) == nullptr)
    return fail(ErrorCode::kNotFound, "there is no program \"" + program + "\"");
  auto view = call_control(config_.control_socket(), {{"op", "view"}, {"program", program}}, kStudioAnswers);
  if (!view) return tl::unexpected(view.error().with_context("asking the studio"));
  if (!view->body.value("ok", false)) return tl::unexpected(refusal_of(view->body));
  if (!view->attachment.is_open()) return fail(ErrorCode::kProtocol, "the studio gave no stream");
  return ApiAnswer{.content_type = view->body.value("media_type", "video/mp4"),
                   .stream = std::move(view->attachment)};
}

Result<ApiAnswer> StudioRoutes::program_picture(const ApiRequest& request) {
  const std::string& program = request.path.at("program");
  if (config_.find_program(program) == nullptr)
    return fail(ErrorCode::kNotFound, "there is no program \"" + program + "\"");
  return picture("program", program, kProgramWidth);
}

Result<ApiAnswer> StudioRoutes::camera_picture(const ApiRequest& request) {
  const std::string& camera = request.path.at("camera");
  if (config_.find_camera(camera) == nullptr)
    return fail(ErrorCode::kNotFound, "there is no camera \"" + camera + "\"");
  return picture("camera", camera, kCameraWidth);
}

Result<ApiAnswer> StudioRoutes::picture(const char* what, const std::string& id, int most_width) {
  const std::lock_guard lock(mutex_);
  auto& newest = pictures_[fmt::format("{} {}", what, id)];
  if (newest.png.empty() || steady_now() - newest.taken_at > kFresh) {
    const auto taken = call_control(config_.control_socket(),
                                    {{"op", "snapshot"}, {what, id}, {"width", most_width}}, kStudioAnswers);
    if (!taken) return tl::unexpected(taken.error().with_context("asking the studio"));
    if (!taken->body.value("ok", false)) return tl::unexpected(refusal_of(taken->body));
    const auto size = verify_memfd(taken->attachment.get(), Sealing::kImmutable, kMostPicture);
    if (!size) return tl::unexpected(size.error());
    const auto mapping = Mapping::create(taken->attachment.get(), 0, *size, Mapping::Access::kRead);
    if (!mapping) return tl::unexpected(mapping.error());
    newest = {steady_now(), std::string(reinterpret_cast<const char*>(mapping->data()), *size)};
  }
  return ApiAnswer{.bytes = newest.png, .content_type = "image/png"};
}

}  // namespace vitrine::desk
