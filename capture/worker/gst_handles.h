// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <type_traits>

#include <gst/gst.h>

namespace vitrine::capture {

/// Lets go of what GStreamer and GLib count or allocate.
struct GstDeleter {
  void operator()(GError* error) const { g_error_free(error); }
  void operator()(gchar* text) const { g_free(text); }
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
  void operator()(GstMessage* message) const { gst_message_unref(message); }
  template <typename Object>
  requires std::is_class_v<Object>
  void operator()(Object* object) const { gst_object_unref(object); }
};
template <typename T>
using GstPtr = std::unique_ptr<T, GstDeleter>;

using GErrorPtr = GstPtr<GError>;
using GCharPtr = GstPtr<gchar>;
using GstCapsPtr = GstPtr<GstCaps>;
using GstSamplePtr = GstPtr<GstSample>;
using GstMessagePtr = GstPtr<GstMessage>;
using GstElementPtr = GstPtr<GstElement>;
using GstPadPtr = GstPtr<GstPad>;
using GstBusPtr = GstPtr<GstBus>;
using GstClockPtr = GstPtr<GstClock>;

inline std::string to_text(const GstCaps* caps) {
  const GCharPtr text(gst_caps_to_string(caps));
  return text.get();
}

/// The bytes of a buffer, for reading, mapped while this lives.
class BufferMap {
 public:
  explicit BufferMap(GstBuffer* buffer)
      : buffer_(buffer), is_mapped_(gst_buffer_map(buffer, &info_, GST_MAP_READ) != 0) {}
  BufferMap(const BufferMap&) = delete;
  BufferMap& operator=(const BufferMap&) = delete;
  ~BufferMap() {
    if (is_mapped_) gst_buffer_unmap(buffer_, &info_);
  }

  [[nodiscard]] bool is_mapped() const { return is_mapped_; }
  [[nodiscard]] const uint8_t* data() const { return info_.data; }
  [[nodiscard]] size_t size() const { return info_.size; }

 private:
  GstBuffer* buffer_;
  GstMapInfo info_ = GST_MAP_INFO_INIT;
  bool is_mapped_;
};

}  // namespace vitrine::capture
