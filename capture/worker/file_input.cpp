// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>

#include "capture/worker/input.h"

namespace vitrine::capture {
namespace {

constexpr const char* kRawSoundCaps = "audio/x-raw,format=F32LE,layout=interleaved";

struct Container {
  const char* extension;
  const char* demuxer;
};
constexpr std::array kContainers = {Container{".mp4", "qtdemux"},       Container{".mov", "qtdemux"},
                                    Container{".mkv", "matroskademux"}, Container{".avi", "avidemux"},
                                    Container{".ts", "tsdemux"},        Container{".wav", "wavparse"}};

const char* demuxer_for(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return g_ascii_tolower(c); });
  const auto found =
      std::ranges::find_if(kContainers, [&](const Container& c) { return extension == c.extension; });
  return found != kContainers.end() ? found->demuxer : nullptr;
}

/// A file, played at its own pace, again and again.
class FileInput : public Input {
 public:
  explicit FileInput(InputContext context) : context_(context) {}

  Status build() override {
    const char* demuxer_name = demuxer_for(path());
    if (demuxer_name == nullptr) {
      return fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("{}: only .mp4, .mov, .mkv, .avi, .ts and .wav are played", path()));
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
    if (const GstPadPtr always{gst_element_get_static_pad(demuxer_, "src")}) return link_wav(always.get());
    g_signal_connect(demuxer_, "pad-added", G_CALLBACK(&FileInput::on_pad_added), this);
    g_signal_connect(demuxer_, "no-more-pads", G_CALLBACK(&FileInput::on_no_more_pads), this);
    return {};
  }

  /// Both streams came to their end, at their pace: the next round begins where this one ended.
  Status rewind() override {
    gint64 duration = 0;
    const GstClockTime base = gst_element_get_base_time(context_.pipeline);
    const auto now = static_cast<GstClockTime>(steady_now().count());
    GstClockTime next = now;
    if (gst_element_query_duration(context_.pipeline, GST_FORMAT_TIME, &duration) != FALSE) {
      // Some containers only guess; then a small gap is better than a jump in time.
      const GstClockTime end = base + static_cast<GstClockTime>(duration);
      constexpr GstClockTime kBelievable = 500 * GST_MSECOND;
      if (end + kBelievable > now && end < now + kBelievable) next = end;
    }
    gst_element_set_base_time(context_.pipeline, next);
    GstEvent* seek = gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0,
                                        GST_SEEK_TYPE_NONE, 0);
    if (gst_element_send_event(demuxer_, seek) == FALSE) {
      return fail(ErrorCode::kUnsupportedFormat,
                  fmt::format("{} can't be played from its start again", path()));
    }
    return {};
  }

 private:
  [[nodiscard]] const std::string& path() const { return context_.request.address.value; }

  static void on_pad_added(GstElement*, GstPad* pad, gpointer self) {
    auto* input = static_cast<FileInput*>(self);
    if (auto linked = input->link(pad); !linked) post_end(input->context_.pipeline, linked.error());
  }

  static void on_no_more_pads(GstElement*, gpointer self) {
    auto* input = static_cast<FileInput*>(self);
    const bool has_wanted = input->context_.picture != nullptr ? input->has_picture_ : input->has_sound_;
    if (!has_wanted) post_end(input->context_.pipeline, input->nothing_to_play());
  }

  [[nodiscard]] Error nothing_to_play() const {
    return {ErrorCode::kUnsupportedFormat, fmt::format("{} has no {} that can be played", path(),
                                                       context_.picture != nullptr ? "picture" : "sound")};
  }

  /// The first picture and the first sound of what is wanted; other streams stay unlinked.
  Status link(GstPad* pad) {
    const GstCapsPtr caps(gst_pad_query_caps(pad, nullptr));
    const bool is_raw_sound =
        gst_structure_has_name(gst_caps_get_structure(caps.get(), 0), "audio/x-raw") != FALSE;
    for (const StreamKind kind : {StreamKind::kPicture, StreamKind::kSound}) {
      bool& is_linked = kind == StreamKind::kPicture ? has_picture_ : has_sound_;
      const Codec* codec = codec_for_caps(kind, caps.get());
      const bool is_fitting = codec != nullptr || (kind == StreamKind::kSound && is_raw_sound);
      if (!is_fitting || is_linked || context_.consumer(kind) == nullptr) continue;
      is_linked = true;
      // A queue for each stream: a demuxer pushes all of them from one thread, and each consumer waits for
      // its own time.
      const Tail tail = codec != nullptr ? Tail{{"queue", codec->parser}, codec->sink_caps}
                                         : Tail{{"queue", "audioconvert"}, kRawSoundCaps};
      return attach_tail(context_.pipeline, pad, tail, *context_.consumer(kind));
    }
    return {};
  }

  /// wavparse has its pad from the start, and says what comes out of it only when it does.
  Status link_wav(GstPad* pad) {
    if (context_.sound == nullptr || context_.picture != nullptr) return tl::unexpected(nothing_to_play());
    return attach_tail(context_.pipeline, pad, {{"queue", "audioconvert"}, kRawSoundCaps}, *context_.sound);
  }

  const InputContext context_;
  GstElement* demuxer_ = nullptr;  // the pipeline owns it
  // The demuxer's thread only:
  bool has_picture_ = false;
  bool has_sound_ = false;
};

}  // namespace

std::unique_ptr<Input> make_file_input(InputContext context) {
  return std::make_unique<FileInput>(context);
}

}  // namespace vitrine::capture
