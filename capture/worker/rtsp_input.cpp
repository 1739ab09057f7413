// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <mutex>
#include <netdb.h>

#include <fmt/format.h>

#include "capture/worker/input.h"
#include "core/url.h"

namespace vitrine::capture {
namespace {

/// Room to put reordered packets back into order; packets in order are not held.
constexpr guint kJitterMs = 100;
constexpr guint64 kConnectTimeoutUs = 4'000'000;
constexpr guint64 kUdpTimeoutUs = 3'000'000;

const char* field_of(const GstCaps* caps, const char* name) {
  const char* value = gst_structure_get_string(gst_caps_get_structure(caps, 0), name);
  return value != nullptr ? value : "";
}

class RtspInput : public Input {
 public:
  explicit RtspInput(InputContext context) : context_(context), shown_(context.request.address.redacted()) {}

  Status build() override {
    const auto source = add_element(context_.pipeline, "rtspsrc");
    if (!source) return tl::unexpected(source.error());
    const OpenRequest& request = context_.request;
    g_object_set(*source, "location", request.address.value.c_str(), "latency", kJitterMs, "drop-on-latency",
                 TRUE, "timeout", kUdpTimeoutUs, "tcp-timeout", kConnectTimeoutUs, "user-agent", "Vitrine",
                 nullptr);
    gst_util_set_object_arg(G_OBJECT(*source), "protocols",
                            request.transport == CameraConfig::Transport::kUdp ? "udp" : "tcp");
    if (!request.user.is_empty()) {
      // GStreamer's own debug lines quote the Authorization header.
      if (std::getenv("GST_DEBUG") != nullptr) gst_debug_set_threshold_for_name("rtsp*", GST_LEVEL_WARNING);
      g_object_set(*source, "user-id", request.user.reveal().c_str(), "user-pw",
                   request.password.reveal().c_str(), nullptr);
    }
    g_signal_connect(*source, "select-stream", G_CALLBACK(&RtspInput::on_select_stream), this);
    g_signal_connect(*source, "pad-added", G_CALLBACK(&RtspInput::on_pad_added), this);
    return {};
  }

  std::optional<Error> explain(const GError& error, const std::string& details) override {
    const auto says = [&](std::string_view part) { return details.find(part) != std::string::npos; };
    if (auto unsupported = unsupported_offer()) return unsupported;
    if (says("401") || says("403") ||
        (error.domain == GST_RESOURCE_ERROR && error.code == GST_RESOURCE_ERROR_NOT_AUTHORIZED)) {
      return Error{ErrorCode::kAuthRejected,
                   context_.request.user.is_empty()
                       ? fmt::format("camera {} wants a user and password", shown_)
                       : fmt::format("camera {} refused the user or password", shown_)};
    }
    if (says("404"))
      return Error{ErrorCode::kNotFound, fmt::format("camera {} has no stream of this path", shown_)};
    if (says("Failed to connect")) {
      return is_resolvable()
                 ? Error{ErrorCode::kConnectRefused, fmt::format("camera {} can't be reached", shown_)}
                 : Error{ErrorCode::kResolveFailed,
                         fmt::format("the name of camera {} can't be resolved", shown_)};
    }
    if (says("imed out") || says("imeout"))
      return Error{ErrorCode::kTimeout, fmt::format("camera {} does not answer", shown_)};
    if (error.domain == GST_RESOURCE_ERROR && error.code == GST_RESOURCE_ERROR_OPEN_READ) {
      return Error{ErrorCode::kConnectRefused, fmt::format("camera {} can't be opened", shown_)};
    }
    if (error.domain == GST_RESOURCE_ERROR)
      return Error{ErrorCode::kNoSignal, fmt::format("camera {} broke off", shown_)};
    return std::nullopt;
  }

  [[nodiscard]] std::string missing() const override {
    const std::lock_guard lock(mutex_);
    return is_selected(StreamKind::kSound) || refused_sound_.empty() || context_.sound == nullptr
               ? std::string()
               : fmt::format("no sound: the camera sends {}", refused_sound_);
  }

 private:
  /// GStreamer doesn't tell an unknown name from a closed port.
  [[nodiscard]] bool is_resolvable() const {
    const auto url = parse_url(context_.request.address.value);
    addrinfo* found = nullptr;
    const bool is_found = url && ::getaddrinfo(url->host.c_str(), nullptr, nullptr, &found) == 0;
    if (found != nullptr) ::freeaddrinfo(found);
    return is_found;
  }

  /// Asked for each stream of the SDP, before any is set up.
  static gboolean on_select_stream(GstElement*, guint, GstCaps* caps, gpointer self) {
    return static_cast<RtspInput*>(self)->select(caps) ? TRUE : FALSE;
  }

  bool select(const GstCaps* caps) {
    const std::string media = field_of(caps, "media");
    const std::string name = field_of(caps, "encoding-name");
    if (media != "video" && media != "audio") return false;
    const StreamKind kind = media == "video" ? StreamKind::kPicture : StreamKind::kSound;
    const std::lock_guard lock(mutex_);
    if (context_.consumer(kind) == nullptr || is_selected(kind)) return false;
    const Codec* codec = codec_for_rtp(kind, name.c_str());
    if (codec == nullptr) {
      std::string& refused = kind == StreamKind::kPicture ? refused_picture_ : refused_sound_;
      refused = to_plain(name);
      return false;
    }
    (kind == StreamKind::kPicture ? picture_ : sound_) = codec;
    return true;
  }

  static void on_pad_added(GstElement*, GstPad* pad, gpointer self) {
    auto* input = static_cast<RtspInput*>(self);
    if (auto linked = input->link(pad); !linked) post_end(input->context_.pipeline, linked.error());
  }

  Status link(GstPad* pad) {
    GstCapsPtr caps(gst_pad_get_current_caps(pad));
    if (!caps) caps.reset(gst_pad_query_caps(pad, nullptr));
    const StreamKind kind =
        g_strcmp0(field_of(caps.get(), "media"), "video") == 0 ? StreamKind::kPicture : StreamKind::kSound;
    const Codec* codec = codec_for_rtp(kind, field_of(caps.get(), "encoding-name"));
    // A camera may announce one codec and send caps of another; only what was selected is linked.
    if (codec == nullptr || context_.consumer(kind) == nullptr) return {};
    return attach_tail(context_.pipeline, pad, {{codec->depayloader, codec->parser}, codec->sink_caps},
                       *context_.consumer(kind));
  }

  /// When nothing that was wanted could be selected, rtspsrc ends with an error that says less than we know.
  std::optional<Error> unsupported_offer() const {
    const std::lock_guard lock(mutex_);
    if (picture_ != nullptr || sound_ != nullptr) return std::nullopt;
    if (context_.picture != nullptr && !refused_picture_.empty()) {
      return Error{ErrorCode::kUnsupportedFormat,
                   fmt::format("camera {} sends {} pictures; set it to one of {}", shown_, refused_picture_,
                               network_codec_names(StreamKind::kPicture))};
    }
    if (context_.picture == nullptr && !refused_sound_.empty()) {
      return Error{ErrorCode::kUnsupportedFormat,
                   fmt::format("camera {} sends {} sound; set it to one of {}", shown_, refused_sound_,
                               network_codec_names(StreamKind::kSound))};
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_selected(StreamKind kind) const {
    return (kind == StreamKind::kPicture ? picture_ : sound_) != nullptr;
  }

  /// A name out of an SDP, fit to be shown.
  static std::string to_plain(const std::string& name) {
    std::string plain;
    for (const char c : name.substr(0, 40)) plain += g_ascii_isgraph(c) != FALSE ? c : '?';
    return plain.empty() ? "an unnamed codec" : plain;
  }

  const InputContext context_;
  const std::string shown_;
  mutable std::mutex mutex_;
  // Below: guarded by mutex_.
  const Codec* picture_ = nullptr;
  const Codec* sound_ = nullptr;
  std::string refused_picture_;
  std::string refused_sound_;
};

}  // namespace

std::unique_ptr<Input> make_rtsp_input(InputContext context) {
  return std::make_unique<RtspInput>(context);
}

}  // namespace vitrine::capture
