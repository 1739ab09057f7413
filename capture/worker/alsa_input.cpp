// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "capture/worker/input.h"

namespace vitrine::capture {
namespace {

constexpr gint64 kBufferMicroseconds = 200'000;
constexpr gint64 kPeriodMicroseconds = 10'000;

/// The programme's rate where the card has it: left alone, GStreamer asks for 44100 Hz, and what ALSA's plug
/// and we would resample then is better not resampled at all.
constexpr const char* kAcceptedCaps =
    "audio/x-raw,format=F32LE,layout=interleaved,rate=48000; audio/x-raw,format=F32LE,layout=interleaved";

class AlsaInput : public Input {
 public:
  explicit AlsaInput(InputContext context) : context_(context) {}

  Status build() override {
    if (context_.sound == nullptr) return fail(ErrorCode::kInvalidInput, "a microphone has no picture");
    const auto source = add_element(context_.pipeline, "alsasrc");
    if (!source) return tl::unexpected(source.error());
    g_object_set(*source, "device", context_.request.address.value.c_str(), "buffer-time",
                 kBufferMicroseconds, "latency-time", kPeriodMicroseconds, "provide-clock", FALSE, nullptr);
    // Each block is stamped with the time it was read; DriftCorrector smooths that and follows the device's
    // clock. What GStreamer would do (skew) jumps by whole blocks.
    gst_util_set_object_arg(G_OBJECT(*source), "slave-method", "re-timestamp");
    const GstPadPtr pad(gst_element_get_static_pad(*source, "src"));
    return attach_tail(context_.pipeline, pad.get(), {{"audioconvert"}, kAcceptedCaps}, *context_.sound);
  }

  std::optional<Error> explain(const GError& error, const std::string&) override {
    const std::string& device = context_.request.address.value;
    if (error.domain != GST_RESOURCE_ERROR) return std::nullopt;
    switch (error.code) {
      case GST_RESOURCE_ERROR_BUSY:
        return Error{ErrorCode::kDeviceBusy,
                     fmt::format("microphone {} is in use by another program", device)};
      case GST_RESOURCE_ERROR_NOT_FOUND:
      case GST_RESOURCE_ERROR_OPEN_READ:
        return Error{ErrorCode::kNoDevice, fmt::format("microphone {} can't be opened", device)};
      case GST_RESOURCE_ERROR_READ:
        return Error{ErrorCode::kNoDevice, fmt::format("microphone {} went away", device)};
      case GST_RESOURCE_ERROR_SETTINGS:
        return Error{ErrorCode::kUnsupportedFormat,
                     fmt::format("microphone {} can't be set up; try plug{}", device, device)};
      default:
        return std::nullopt;
    }
  }

 private:
  const InputContext context_;
};

}  // namespace

std::unique_ptr<Input> make_alsa_input(InputContext context) {
  return std::make_unique<AlsaInput>(context);
}

}  // namespace vitrine::capture
