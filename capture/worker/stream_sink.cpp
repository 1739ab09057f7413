// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/stream_sink.h"

#include <algorithm>
#include <thread>

#include <gst/app/gstappsink.h>

namespace vitrine::capture {
namespace {

constexpr const char* kEndMessage = "vitrine-end";

/// A timestamp far ahead is broken; waiting for it would stop the stream.
constexpr MediaTime kLongestWait = std::chrono::seconds(1);

/// base time + running time: the pipeline runs on CLOCK_MONOTONIC. The base time is the pipeline's, which is
/// known from the start; the sink learns it only when it plays, and gets buffers before that.
std::optional<MediaTime> capture_time(GstSample* sample, GstElement* sink) {
  const GstBuffer* buffer = gst_sample_get_buffer(sample);
  const GstClockTime stamp = GST_BUFFER_DTS_OR_PTS(buffer);
  const GstClockTime shown = GST_BUFFER_PTS_IS_VALID(buffer) ? GST_BUFFER_PTS(buffer) : stamp;
  const GstClockTime running =
      gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME, shown);
  if (!GST_CLOCK_TIME_IS_VALID(running)) return std::nullopt;
  const GstClockTime base = gst_element_get_base_time(GST_ELEMENT(GST_OBJECT_PARENT(sink)));
  return MediaTime{static_cast<int64_t>(base + running)};
}

void on_eos(GstAppSink* sink, gpointer consumer) {
  if (auto done = static_cast<StreamConsumer*>(consumer)->finish(); !done)
    post_end(GST_ELEMENT(sink), done.error());
}

GstFlowReturn on_sample(GstAppSink* sink, gpointer consumer) {
  const GstSamplePtr sample(gst_app_sink_pull_sample(sink));
  if (!sample) return GST_FLOW_EOS;
  StreamSample taken;
  taken.buffer = gst_sample_get_buffer(sample.get());
  taken.caps = gst_sample_get_caps(sample.get());
  taken.captured_at = capture_time(sample.get(), GST_ELEMENT(sink));
  taken.is_after_gap = GST_BUFFER_FLAG_IS_SET(taken.buffer, GST_BUFFER_FLAG_DISCONT);
  if (auto done = static_cast<StreamConsumer*>(consumer)->take(taken); !done) {
    post_end(GST_ELEMENT(sink), done.error());
    return GST_FLOW_ERROR;
  }
  return GST_FLOW_OK;
}

}  // namespace

void keep_pace(Pace pace, MediaTime captured_at) {
  if (pace == Pace::kAsItComes) return;
  const MediaTime wait = std::min(captured_at - steady_now(), kLongestWait);
  if (wait > MediaTime::zero()) std::this_thread::sleep_for(wait);
}

Result<GstElement*> make_stream_sink(const GstCaps* accepted, StreamConsumer& consumer) {
  GstElement* sink = gst_element_factory_make("appsink", nullptr);
  if (sink == nullptr)
    return fail(ErrorCode::kNotFound, "GStreamer's appsink is missing; install gstreamer1.0-plugins-base");
  // Nothing waits in the sink: the callback takes each buffer on the streaming thread, so a slow decoder
  // holds up its own stream and nothing grows.
  g_object_set(sink, "sync", FALSE, "max-buffers", 1U, "wait-on-eos", FALSE, "enable-last-sample", FALSE,
               "qos", FALSE, nullptr);
  gst_app_sink_set_caps(GST_APP_SINK(sink), accepted);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = &on_sample;
  callbacks.eos = &on_eos;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, &consumer, nullptr);
  return sink;
}

void post_end(GstElement* element, const Error& cause) {
  GstStructure* content = gst_structure_new(kEndMessage, "code", G_TYPE_INT, static_cast<int>(cause.code),
                                            "message", G_TYPE_STRING, cause.message.c_str(), nullptr);
  gst_element_post_message(element, gst_message_new_application(GST_OBJECT(element), content));
}

std::optional<Error> posted_end(GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_APPLICATION) return std::nullopt;
  const GstStructure* content = gst_message_get_structure(message);
  int code = 0;
  if (!gst_structure_has_name(content, kEndMessage) ||
      gst_structure_get_int(content, "code", &code) == FALSE) {
    return std::nullopt;
  }
  return Error{static_cast<ErrorCode>(code), gst_structure_get_string(content, "message")};
}

}  // namespace vitrine::capture
