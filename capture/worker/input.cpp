// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/input.h"

#include <string_view>

#include <fmt/format.h>

namespace vitrine::capture {
namespace {

constexpr size_t kMaxDetailBytes = 300;

/// GStreamer's debug text without its first line, which is a place in GStreamer's sources. It may quote a
/// camera: only plain characters stay.
std::string details_of(const gchar* debug) {
  std::string_view text(debug != nullptr ? debug : "");
  const size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return {};
  std::string details(text.substr(line_end + 1, kMaxDetailBytes));
  for (char& c : details) {
    if (c < 0x20 || c > 0x7E) c = ' ';
  }
  return details;
}

ErrorCode general_code(const GError& error) {
  if (error.domain == GST_STREAM_ERROR) return ErrorCode::kUnsupportedFormat;
  if (error.domain != GST_RESOURCE_ERROR) return ErrorCode::kIo;
  switch (error.code) {
    case GST_RESOURCE_ERROR_NOT_FOUND:
      return ErrorCode::kNotFound;
    case GST_RESOURCE_ERROR_BUSY:
      return ErrorCode::kDeviceBusy;
    case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
      return ErrorCode::kAuthRejected;
    case GST_RESOURCE_ERROR_SETTINGS:
      return ErrorCode::kUnsupportedFormat;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

Result<GstElement*> add_element(GstElement* pipeline, const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  if (element == nullptr) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("GStreamer element {} is missing or broken; reinstall the gstreamer1.0-plugins packages",
                    factory));
  }
  gst_bin_add(GST_BIN(pipeline), element);
  return element;
}

Status attach_tail(GstElement* pipeline, GstPad* pad, const Tail& tail, StreamConsumer& consumer) {
  GstPadPtr from(GST_PAD(gst_object_ref(pad)));
  const auto append = [&](GstElement* element) -> Status {
    const GstPadPtr sink(gst_element_get_static_pad(element, "sink"));
    if (const auto linked = gst_pad_link(from.get(), sink.get()); GST_PAD_LINK_FAILED(linked)) {
      const GstCapsPtr caps(gst_pad_query_caps(from.get(), nullptr));
      return fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("{} does not take {} ({})", GST_OBJECT_NAME(element), to_text(caps.get()),
                              gst_pad_link_get_name(linked)));
    }
    from.reset(gst_element_get_static_pad(element, "src"));
    gst_element_sync_state_with_parent(element);
    return {};
  };
  for (const char* factory : tail.factories) {
    if (factory == nullptr) continue;
    const auto element = add_element(pipeline, factory);
    if (!element) return tl::unexpected(element.error());
    if (auto appended = append(*element); !appended) return appended;
  }
  const GstCapsPtr accepted(gst_caps_from_string(tail.accepted_caps));
  const auto sink = make_stream_sink(accepted.get(), consumer);
  if (!sink) return tl::unexpected(sink.error());
  gst_bin_add(GST_BIN(pipeline), *sink);
  return append(*sink);
}

Error explain_message(GstMessage* message, Input& input) {
  GError* raised = nullptr;
  gchar* debug = nullptr;
  gst_message_parse_error(message, &raised, &debug);
  const GErrorPtr error(raised);
  const GCharPtr owned(debug);
  const std::string details = details_of(debug);
  Error explained = input.explain(*error, details).value_or(Error{general_code(*error), error->message});
  if (details.find("Permission denied") != std::string::npos) explained.code = ErrorCode::kPermission;
  if (!details.empty()) explained.message += fmt::format(" ({})", details);
  return explained;
}

}  // namespace vitrine::capture
