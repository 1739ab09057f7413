// SPDX-License-Identifier: Apache-2.0
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/frame.h>
#include <libavutil/mem.h>
}

#include <memory>
#include <string_view>

#include "core/error.h"

namespace vitrine::encoder::detail {

/// libav frees by value or through a pointer to the pointer; this does whichever `Free` wants.
template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    if constexpr (std::is_invocable_v<decltype(Free), T**>) {
      Free(&pointer);
    } else {
      Free(pointer);
    }
  }
};

using AvCodecContextPtr = std::unique_ptr<AVCodecContext, Deleter<&avcodec_free_context>>;
using AvFramePtr = std::unique_ptr<AVFrame, Deleter<&av_frame_free>>;
using AvPacketPtr = std::unique_ptr<AVPacket, Deleter<&av_packet_free>>;

/// Options for a libav call, which takes out those it knew.
class AvDict {
 public:
  AvDict() = default;
  AvDict(const AvDict&) = delete;
  AvDict& operator=(const AvDict&) = delete;
  ~AvDict() { av_dict_free(&dict_); }

  void set(const char* key, std::string_view value) {
    av_dict_set(&dict_, key, std::string(value).c_str(), 0);
  }
  AVDictionary** out() { return &dict_; }
  /// kInvalidInput naming an option that the call did not know: a misspelt one must not pass unnoticed.
  [[nodiscard]] Status all_used(std::string_view call) const;

 private:
  AVDictionary* dict_ = nullptr;
};

/// A libav call's negative return as an Error: the call's name and libav's text. EAGAIN and EOF are states,
/// not errors: ask for them before.
Status av_status(ErrorCode code, std::string_view call, int rc);

/// Sends libav's own warnings to our log, and its chatter nowhere. Before the first use of libav; any number
/// of times.
void route_libav_log();

/// The codec's extradata as bytes of our own.
std::vector<uint8_t> extradata(const AVCodecContext& codec);

}  // namespace vitrine::encoder::detail
