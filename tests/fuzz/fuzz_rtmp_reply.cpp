// SPDX-License-Identifier: Apache-2.0
// A server that sends anything. Byte 0: whether a good handshake comes first; byte 1: how many bytes arrive
// at a time.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "encoder/rtmp_session.h"

namespace {

using vitrine::Bytes;
using vitrine::encoder::RtmpSession;

constexpr const char* kKey = "fuzz-key-5dK8?sign=q7Wz";

vitrine::StreamInfo stream() {
  vitrine::StreamInfo info;
  info.frame_rate = {30, 1};
  info.video_config = std::make_shared<const Bytes>(Bytes{1, 100, 0, 31});
  info.audio_config = std::make_shared<const Bytes>(Bytes{0x11, 0x90});
  return info;
}

void expect_no_key(const std::string& text) {
  if (text.find("fuzz-key") != std::string::npos || text.find("q7Wz") != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  RtmpSession session(
      {.app = "live", .tc_url = "rtmp://h/live", .key = vitrine::Secret(kKey), .stream = stream()});
  if ((data[0] & 1) != 0) {
    Bytes hello(1 + 2 * 1536, 0);
    hello[0] = 3;
    if (!session.receive(hello)) std::abort();
  }
  const size_t step = std::max<size_t>(data[1], 1);
  vitrine::Packet packet;
  packet.kind = vitrine::PacketKind::kVideo;
  packet.is_keyframe = true;
  packet.bytes = std::make_shared<const Bytes>(Bytes{0, 0, 0, 1, 0x65});
  for (size_t at = 2; at < size; at += step) {
    const auto ok = session.receive({data + at, std::min(step, size - at)});
    expect_no_key(session.server_name());
    if (!ok) {
      expect_no_key(ok.error().message);
      return 0;
    }
    session.send(packet);
    packet.dts += std::chrono::milliseconds(33);
    // A server can't make us answer without end: a ping of 18 bytes is answered with 18, an acknowledgement
    // is due at most every byte we are sent.
    if (session.take_output().size() > 8192 + step * 64) std::abort();
  }
  session.finish();
  return 0;
}
