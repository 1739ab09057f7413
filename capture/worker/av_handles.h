// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libswresample/swresample.h>
}

namespace vitrine::capture {

/// libav frees by address.
template <auto Free>
struct AvDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(&object);
  }
};

using AvFramePtr = std::unique_ptr<AVFrame, AvDeleter<av_frame_free>>;
using AvPacketPtr = std::unique_ptr<AVPacket, AvDeleter<av_packet_free>>;
using AvCodecContextPtr = std::unique_ptr<AVCodecContext, AvDeleter<avcodec_free_context>>;
using SwrContextPtr = std::unique_ptr<SwrContext, AvDeleter<swr_free>>;

inline std::string av_error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

}  // namespace vitrine::capture
