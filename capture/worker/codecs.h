// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "capture/worker/av_handles.h"
#include "capture/worker/gst_handles.h"
#include "core/error.h"

namespace vitrine::capture {

enum class StreamKind { kPicture, kSound };

/// One codec a worker accepts, and the fixed way from its packets to the decoder. What is not in the table is
/// refused.
struct Codec {
  StreamKind kind;
  const char* name;      // for people
  const char* rtp_name;  // SDP encoding name; null: not accepted from the network
  const char* depayloader;
  const char* caps;       // as a demuxer or device offers it
  const char* parser;     // null: goes to the decoder as it is
  const char* sink_caps;  // what the decoder is fed
  AVCodecID id;
};

const Codec* codec_for_rtp(StreamKind kind, const char* rtp_name);
/// Looks among what demuxers and devices offer.
const Codec* codec_for_caps(StreamKind kind, const GstCaps* caps);
/// "H.264, H.265, MJPEG": what can be set in a camera.
std::string network_codec_names(StreamKind kind);

/// Hands a decoder the codec data that came with the caps, if any.
Status set_codec_data(const GstCaps* caps, AVCodecContext& context);

}  // namespace vitrine::capture
