// SPDX-License-Identifier: Apache-2.0
#include "encoder/flv_tag.h"

#include "encoder/amf0.h"

namespace vitrine::encoder::flv {
namespace {

constexpr uint8_t kAvc = 7;
constexpr uint8_t kAac = 10;
// Format AAC, then rate 44 kHz, 16 bits, stereo: fixed for AAC, whatever the AudioSpecificConfig says
// (E.4.2.1).
constexpr uint8_t kAacFlags = kAac << 4 | 3 << 2 | 1 << 1 | 1;

}  // namespace

std::array<uint8_t, 5> video_header(FrameType frame, AvcType type, int32_t composition_ms) {
  const auto composition = static_cast<uint32_t>(composition_ms);
  return {static_cast<uint8_t>(static_cast<uint8_t>(frame) << 4 | kAvc), static_cast<uint8_t>(type),
          static_cast<uint8_t>(composition >> 16), static_cast<uint8_t>(composition >> 8),
          static_cast<uint8_t>(composition)};
}

std::array<uint8_t, 2> audio_header(AacType type) {
  return {kAacFlags, static_cast<uint8_t>(type)};
}

Bytes metadata(const StreamInfo& info) {
  Bytes out;
  amf0::Writer writer(out);
  writer.text("@setDataFrame").text("onMetaData").begin_array(13);
  const auto number = [&](std::string_view name, double value) { writer.name(name).number(value); };
  number("duration", 0);
  number("width", info.size.width);
  number("height", info.size.height);
  number("framerate", static_cast<double>(info.frame_rate.num) / info.frame_rate.den);
  number("videocodecid", kAvc);
  number("videodatarate", info.video_bitrate_bps / 1000.0);
  number("audiocodecid", kAac);
  number("audiodatarate", info.audio_bitrate_bps / 1000.0);
  number("audiosamplerate", info.audio_rate_hz);
  number("audiosamplesize", 16);
  number("audiochannels", info.audio_channels);
  writer.name("stereo").boolean(info.audio_channels == 2);
  writer.name("encoder").text("Vitrine");
  writer.end();
  return out;
}

}  // namespace vitrine::encoder::flv
