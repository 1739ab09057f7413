// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/pipeline.h"

#include <fmt/format.h>

namespace vitrine::capture {
namespace {

std::unique_ptr<Input> make_input(InputContext context) {
  using Kind = SourceAddress::Kind;
  switch (context.request.address.kind) {
    case Kind::kRtsp:
      return make_rtsp_input(context);
    case Kind::kV4l2:
      return make_v4l2_input(context);
    case Kind::kAlsa:
      return make_alsa_input(context);
    case Kind::kFile:
      return make_file_input(context);
    case Kind::kTestBars:
    case Kind::kTestTone:
      return make_test_input(context);
    case Kind::kUnknown:
    case Kind::kCameraSound:
      break;
  }
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<Pipeline>> Pipeline::create(const OpenRequest& request, StreamConsumer* picture,
                                                   StreamConsumer* sound) {
  GstElementPtr pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new("source"))));
  auto input = make_input({request, pipeline.get(), picture, sound});
  if (!input)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} is not a source of its own", request.address.redacted()));
  // Not the clock of a sound card or of a camera: times are compared across processes.
  const GstClockPtr clock(gst_system_clock_obtain());
  gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock.get());
  // Running time counts from here; without a start time the pipeline leaves it at that.
  gst_element_set_start_time(pipeline.get(), GST_CLOCK_TIME_NONE);
  gst_element_set_base_time(pipeline.get(), gst_clock_get_time(clock.get()));
  return std::unique_ptr<Pipeline>(new Pipeline(std::move(pipeline), std::move(input)));
}

Pipeline::Pipeline(GstElementPtr pipeline, std::unique_ptr<Input> input)
    : pipeline_(std::move(pipeline)), bus_(gst_element_get_bus(pipeline_.get())), input_(std::move(input)) {
}

Status Pipeline::start() {
  if (auto built = input_->build(); !built) return built;
  if (auto prepared = input_->prepare(); !prepared) return prepared;
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    return fail(ErrorCode::kIo, "the pipeline does not start");
  }
  return {};
}

/// An element that fails says more on the bus than the call that failed with it.
Error Pipeline::cause_of(Error fallback) {
  const GstMessagePtr message(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ERROR));
  return message ? explain_message(message.get(), *input_) : fallback;
}

Error Pipeline::play() {
  if (auto started = start(); !started) return cause_of(started.error());
  while (true) {
    const GstMessagePtr message(gst_bus_timed_pop(bus_.get(), GST_CLOCK_TIME_NONE));
    if (!message) return Error{ErrorCode::kIo, "GStreamer's bus does not work"};
    if (auto posted = posted_end(message.get())) return *posted;
    switch (GST_MESSAGE_TYPE(message.get())) {
      case GST_MESSAGE_ERROR:
        return explain_message(message.get(), *input_);
      case GST_MESSAGE_EOS:
        if (auto rewound = input_->rewind(); !rewound) return rewound.error();
        break;
      default:
        break;
    }
  }
}

}  // namespace vitrine::capture
