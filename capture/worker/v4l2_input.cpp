// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <fmt/format.h>

#include "capture/worker/camera_mode.h"
#include "capture/worker/input.h"

namespace vitrine::capture {
namespace {

class V4l2Input : public Input {
 public:
  explicit V4l2Input(InputContext context) : context_(context) {}

  Status build() override {
    if (context_.picture == nullptr)
      return fail(ErrorCode::kInvalidInput, "a V4L2 camera has no sound; name its microphone as alsa:…");
    if (!device().starts_with("/dev/")) {
      return fail(ErrorCode::kNoDevice,
                  fmt::format("no camera is plugged in that is {}", context_.request.address.text()));
    }
    const auto source = add_element(context_.pipeline, "v4l2src");
    if (!source) return tl::unexpected(source.error());
    source_ = *source;
    g_object_set(source_, "device", device().c_str(), nullptr);
    return {};
  }

  Status prepare() override {
    // READY opens the device; only then it can say what it offers.
    if (gst_element_set_state(context_.pipeline, GST_STATE_READY) == GST_STATE_CHANGE_FAILURE) {
      return fail(ErrorCode::kIo, fmt::format("camera {} can't be opened", device()));
    }
    const GstPadPtr pad(gst_element_get_static_pad(source_, "src"));
    const GstCapsPtr offered(gst_pad_query_caps(pad.get(), nullptr));
    const auto mode = choose_mode(modes_of(offered.get()));
    if (!mode) {
      return fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("camera {} offers no format of NV12, YUYV, I420, MJPEG and H.264", device()));
    }
    const bool is_h264 = mode->encoding == CameraMode::Encoding::kH264;
    // The device is held to the mode in front of the parser: behind it the caps say more than the device
    // does.
    const auto filter = add_element(context_.pipeline, "capsfilter");
    if (!filter) return tl::unexpected(filter.error());
    gst_util_set_object_arg(G_OBJECT(*filter), "caps", mode->caps().c_str());
    if (gst_element_link(source_, *filter) == FALSE) {
      return fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("camera {} refuses its own mode {}", device(), mode->caps()));
    }
    gst_element_sync_state_with_parent(*filter);
    const GstPadPtr behind(gst_element_get_static_pad(*filter, "src"));
    const Codec* h264 = codec_for_rtp(StreamKind::kPicture, "H264");
    return attach_tail(
        context_.pipeline, behind.get(),
        {{is_h264 ? h264->parser : nullptr}, is_h264 ? h264->sink_caps : "video/x-raw; image/jpeg"},
        *context_.picture);
  }

  std::optional<Error> explain(const GError& error, const std::string& details) override {
    if (::access(device().c_str(), F_OK) != 0 || details.find("No such device") != std::string::npos) {
      return Error{ErrorCode::kNoDevice, fmt::format("camera {} was unplugged or is not there", device())};
    }
    if (error.domain == GST_RESOURCE_ERROR && error.code == GST_RESOURCE_ERROR_NOT_FOUND) {
      return Error{ErrorCode::kNoDevice, fmt::format("{} is no camera", device())};
    }
    if (details.find("Device or resource busy") != std::string::npos ||
        (error.domain == GST_RESOURCE_ERROR && error.code == GST_RESOURCE_ERROR_BUSY)) {
      return Error{ErrorCode::kDeviceBusy, fmt::format("camera {} is in use by another program", device())};
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] const std::string& device() const { return context_.request.address.value; }

  const InputContext context_;
  GstElement* source_ = nullptr;  // the pipeline owns it
};

}  // namespace

std::unique_ptr<Input> make_v4l2_input(InputContext context) {
  return std::make_unique<V4l2Input>(context);
}

}  // namespace vitrine::capture
