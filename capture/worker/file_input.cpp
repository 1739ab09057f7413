// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>

#include "capture/worker/input.h"

namespace vitrine::capture {
namespace {

constexpr GstClockTime kOpenTimeout = 5 * GST_SECOND;
constexpr const char* kReadyMessage = "vitrine-file-ready";
constexpr const char* kRawSoundCaps = "audio/x-raw,format=F32LE,layout=interleaved";

struct Container {
  const char* extension;
  const char* demuxer;
};
constexpr std::array kContainers = {Container{".mp4", "qtdemux"},      Container{".mov", "qtdemux"},
                                    Container{".mkv", "matroskademux"}, Container{".avi", "avidemux"},
                                    Container{".ts", "tsdemux"},        Container{".wav", "wavparse"}};

const char* demuxer_for(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return g_ascii_tolower(c); });
  const auto found = std::ranges::find_if(kContainers, [&](const Container& c) { return extension == c.extension; });
  return found != kContainers.end() ? found->demuxer : nullptr;
}

/// A file, played at its own pace, again and again without a seam: GStreamer's segment seeks let the running time go on.
class FileInput : public Input {
 public:
  explicit FileInput(InputContext context) : context_(context) {}

  Status build() override {
    const char* demuxer_name = demuxer_for(path());
    if (demuxer_name == nullptr) {
      return fail(ErrorCode::kUnsupportedFormat, fmt::format("{}: only .mp4, .mov, .mkv, .avi, .ts and .wav are played", path()));
    }
    if (::access(path().c_str(), R_OK) != 0) {
      return fail_errno(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kPermission, path());
    }
    const auto source = add_element(context_.pipeline, "filesrc");
    const auto demuxer = add_element(context_.pipeline, demuxer_name);
    if (!source) return tl::unexpected(source.error());
    if (!demuxer) return tl::unexpected(demuxer.error());
    demuxer_ = *demuxer;
    g_object_set(*source, "location", path().c_str(), nullptr);
    gst_element_link(*source, demuxer_);
    g_signal_connect(demuxer_, "pad-added", G_CALLBACK(&FileInput::on_pad_added), this);
    g_signal_connect(demuxer_, "no-more-pads", G_CALLBACK(&FileInput::on_no_more_pads), this);
    return {};
  }

  /// Pauses with the first picture decoded, then asks for the whole file as one segment that is to be repeated.
  Status prepare() override {
    gst_element_set_state(context_.pipeline, GST_STATE_PAUSED);
    const GstPadPtr always(gst_element_get_static_pad(demuxer_, "src"));
    if (always) {
      if (auto linked = link(always.get()); !linked) return linked;
    } else if (auto ready = wait_for_pads(); !ready) {
      return ready;
    }
    if (!has_picture_ && !has_sound_) {
      return fail(ErrorCode::kUnsupportedFormat, fmt::format("{} has no {} that can be played", path(),
                                                             context_.picture != nullptr ? "picture" : "sound"));
    }
    const auto paused = gst_element_get_state(context_.pipeline, nullptr, nullptr, kOpenTimeout);
    if (paused != GST_STATE_CHANGE_SUCCESS) {
      return fail(ErrorCode::kUnsupportedFormat, fmt::format("{} can't be played: no picture or sound came out of it", path()));
    }
    return seek_to_start(GST_SEEK_FLAG_FLUSH);
  }

  Status rewind() override { return seek_to_start(GST_SEEK_FLAG_NONE); }

 private:
  [[nodiscard]] const std::string& path() const { return context_.request.address.value; }

  static void on_no_more_pads(GstElement* demuxer, gpointer) {
    gst_element_post_message(demuxer, gst_message_new_application(GST_OBJECT(demuxer), gst_structure_new_empty(kReadyMessage)));
  }

  static void on_pad_added(GstElement*, GstPad* pad, gpointer self) {
    auto* input = static_cast<FileInput*>(self);
    if (auto linked = input->link(pad); !linked) post_end(input->context_.pipeline, linked.error());
  }

  /// The first picture and the first sound of what is wanted; other streams stay unlinked.
  Status link(GstPad* pad) {
    const GstCapsPtr caps(gst_pad_query_caps(pad, nullptr));
    const bool is_raw_sound = gst_structure_has_name(gst_caps_get_structure(caps.get(), 0), "audio/x-raw") != FALSE;
    for (const StreamKind kind : {StreamKind::kPicture, StreamKind::kSound}) {
      bool& is_linked = kind == StreamKind::kPicture ? has_picture_ : has_sound_;
      const Codec* codec = codec_for_caps(kind, caps.get());
      const bool is_fitting = codec != nullptr || (kind == StreamKind::kSound && is_raw_sound);
      if (!is_fitting || is_linked || context_.consumer(kind) == nullptr) continue;
      is_linked = true;
      // A queue for each stream: a demuxer pushes all of them from one thread, and each sink waits for its own time.
      const Tail tail = codec != nullptr ? Tail{{"queue", codec->parser}, codec->sink_caps, Pace::kByTimestamp}
                                         : Tail{{"queue", "audioconvert"}, kRawSoundCaps, Pace::kByTimestamp};
      return attach_tail(context_.pipeline, pad, tail, *context_.consumer(kind));
    }
    return {};
  }

  Status wait_for_pads() {
    const GstBusPtr bus(gst_element_get_bus(context_.pipeline));
    const auto types = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);
    const GstMessagePtr message(gst_bus_timed_pop_filtered(bus.get(), kOpenTimeout, types));
    if (!message) return fail(ErrorCode::kTimeout, fmt::format("{} did not open within 5 s", path()));
    if (auto posted = posted_end(message.get())) return tl::unexpected(std::move(*posted));
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) return tl::unexpected(explain_message(message.get(), *this));
    return {};
  }

  Status seek_to_start(GstSeekFlags extra) {
    GstEvent* seek = gst_event_new_seek(1.0, GST_FORMAT_TIME, static_cast<GstSeekFlags>(GST_SEEK_FLAG_SEGMENT | extra),
                                        GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0);
    if (gst_element_send_event(demuxer_, seek) == FALSE) {
      return fail(ErrorCode::kUnsupportedFormat, fmt::format("{} can't be played from its start again; it can't be looped", path()));
    }
    return {};
  }

  const InputContext context_;
  GstElement* demuxer_ = nullptr;  // the pipeline owns it
  bool has_picture_ = false;       // written before no-more-pads, read after
  bool has_sound_ = false;
};

}  // namespace

std::unique_ptr<Input> make_file_input(InputContext context) { return std::make_unique<FileInput>(context); }

}  // namespace vitrine::capture
