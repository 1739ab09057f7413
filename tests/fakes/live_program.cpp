// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/live_program.h"

#include <stdexcept>

#include "encoder/program_encoder.h"
#include "tests/fakes/synthetic_media.h"

namespace vitrine::fakes {
namespace {

using namespace std::chrono_literals;

constexpr MediaTime kLoop = 8s;  // 240 frames, and 375 AAC packets exactly
constexpr Rational kRate{30, 1};

struct Encoded {
  StreamInfo info;
  std::vector<Packet> packets;
};

Encoded encode() {
  encoder::EncoderConfig config;
  config.program = "fake";
  config.size = {320, 180};
  config.frame_rate = kRate;
  config.video_kbps = 600;
  config.audio_kbps = 96;
  config.preset = "ultrafast";
  auto ring =
      std::make_shared<PacketRing>(PacketRing::Config{.max_duration = 1h, .max_bytes = size_t{1} << 28});
  auto created = encoder::ProgramEncoder::create(config, ring);
  if (!created) throw std::runtime_error(created.error().message);
  SyntheticVideo video(config.size, kRate, 0ns);
  for (int64_t i = 0; i < 242; ++i) {
    (*created)->push_video(video.frame(i));
    (*created)->push_audio(tone(0ns, i * 1600, 1600));
  }
  (*created)->close();
  Encoded encoded{(*created)->info(), {}};
  auto reader = ring->open_reader(PacketRing::StartAt::kOldest);
  int64_t frames = 0;
  int64_t sounds = 0;
  while (auto item = reader.pop({})) {
    const bool is_wanted = item->packet.kind == PacketKind::kVideo ? frames++ < 240 : sounds++ < 375;
    if (is_wanted) encoded.packets.push_back(item->packet);
  }
  return encoded;
}

const Encoded& encoded() {
  static const Encoded once = encode();
  return once;
}

}  // namespace

const StreamInfo& LiveProgram::info() {
  return encoded().info;
}
const std::vector<Packet>& encoded_packets() {
  return encoded().packets;
}

LiveProgram::LiveProgram(Options options)
    : options_(options),
      ring_(std::make_shared<PacketRing>(
          PacketRing::Config{.max_duration = 12s, .max_bytes = size_t{48} << 20})) {
  encoded();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

LiveProgram::~LiveProgram() {
  stop();
}

void LiveProgram::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  ring_->close();
}

void LiveProgram::run(const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t loop = 0; !stop.stop_requested(); ++loop) {
    for (Packet packet : encoded_packets()) {
      if (stop.stop_requested()) return;
      const MediaTime elapsed = packet.dts + loop * kLoop;
      std::this_thread::sleep_until(
          begin + std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed / options_.speed));
      packet.pts += loop * kLoop + options_.first_pts;
      packet.dts += loop * kLoop + options_.first_pts;
      packet.captured_at = steady_now();
      if (packet.kind == PacketKind::kVideo && frames_ == options_.max_frames) return ring_->close();
      if (packet.kind == PacketKind::kVideo) ++frames_;
      ring_->push(std::move(packet));
    }
  }
}

}  // namespace vitrine::fakes
