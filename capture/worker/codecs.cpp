// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/codecs.h"

#include <array>
#include <cstring>

#include <fmt/format.h>

extern "C" {
#include <libavutil/mem.h>
}

namespace vitrine::capture {
namespace {

constexpr auto kPicture = StreamKind::kPicture;
constexpr auto kSound = StreamKind::kSound;

constexpr std::array kCodecs = {
    Codec{kPicture, "H.264", "H264", "rtph264depay", "video/x-h264", "h264parse",
          "video/x-h264,stream-format=byte-stream,alignment=au", AV_CODEC_ID_H264},
    Codec{kPicture, "H.265", "H265", "rtph265depay", "video/x-h265", "h265parse",
          "video/x-h265,stream-format=byte-stream,alignment=au", AV_CODEC_ID_HEVC},
    Codec{kPicture, "MJPEG", "JPEG", "rtpjpegdepay", "image/jpeg", nullptr, "image/jpeg", AV_CODEC_ID_MJPEG},
    Codec{kPicture, "MPEG-4", nullptr, nullptr, "video/mpeg,mpegversion=4", nullptr,
          "video/mpeg,mpegversion=4", AV_CODEC_ID_MPEG4},
    Codec{kPicture, "MS-MPEG4v3", nullptr, nullptr, "video/x-msmpeg,msmpegversion=43", nullptr,
          "video/x-msmpeg,msmpegversion=43", AV_CODEC_ID_MSMPEG4V3},
    Codec{kPicture, "DivX 3", nullptr, nullptr, "video/x-divx,divxversion=3", nullptr,
          "video/x-divx,divxversion=3", AV_CODEC_ID_MSMPEG4V3},
    Codec{kSound, "AAC", "MPEG4-GENERIC", "rtpmp4gdepay", "audio/mpeg,mpegversion={2,4}", "aacparse",
          "audio/mpeg,mpegversion={2,4},framed=true", AV_CODEC_ID_AAC},
    Codec{kSound, "G.711 A", "PCMA", "rtppcmadepay", "audio/x-alaw", nullptr, "audio/x-alaw",
          AV_CODEC_ID_PCM_ALAW},
    Codec{kSound, "G.711 µ", "PCMU", "rtppcmudepay", "audio/x-mulaw", nullptr, "audio/x-mulaw",
          AV_CODEC_ID_PCM_MULAW},
    Codec{kSound, "Opus", "OPUS", "rtpopusdepay", "audio/x-opus", nullptr, "audio/x-opus", AV_CODEC_ID_OPUS},
    Codec{kSound, "MP3", nullptr, nullptr, "audio/mpeg,mpegversion=1,layer=3", "mpegaudioparse",
          "audio/mpeg,mpegversion=1,layer=3", AV_CODEC_ID_MP3},
};

}  // namespace

const Codec* codec_for_rtp(StreamKind kind, const char* rtp_name) {
  for (const Codec& codec : kCodecs) {
    if (codec.kind == kind && codec.rtp_name != nullptr && g_ascii_strcasecmp(codec.rtp_name, rtp_name) == 0)
      return &codec;
  }
  return nullptr;
}

const Codec* codec_for_caps(StreamKind kind, const GstCaps* caps) {
  for (const Codec& codec : kCodecs) {
    if (codec.kind != kind) continue;
    const GstCapsPtr accepted(gst_caps_from_string(codec.caps));
    if (gst_caps_can_intersect(caps, accepted.get()) != FALSE) return &codec;
  }
  return nullptr;
}

std::string network_codec_names(StreamKind kind) {
  std::string names;
  for (const Codec& codec : kCodecs) {
    if (codec.kind != kind || codec.rtp_name == nullptr) continue;
    if (!names.empty()) names += ", ";
    names += codec.name;
  }
  return names;
}

Status set_codec_data(const GstCaps* caps, AVCodecContext& context) {
  constexpr size_t kMaxBytes = 4096;  // an AudioSpecificConfig has 2 to 64, an MPEG-4 header some hundred
  const GValue* value = gst_structure_get_value(gst_caps_get_structure(caps, 0), "codec_data");
  if (value == nullptr || !GST_VALUE_HOLDS_BUFFER(value)) return {};
  const BufferMap map(gst_value_get_buffer(value));
  if (!map.is_mapped() || map.size() > kMaxBytes) {
    return fail(ErrorCode::kUnsupportedFormat,
                fmt::format("a stream with {} bytes of codec data, at most {}", map.size(), kMaxBytes));
  }
  context.extradata = static_cast<uint8_t*>(av_mallocz(map.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (context.extradata == nullptr) return fail(ErrorCode::kIo, "no memory for a decoder");
  std::memcpy(context.extradata, map.data(), map.size());
  context.extradata_size = static_cast<int>(map.size());
  return {};
}

}  // namespace vitrine::capture
