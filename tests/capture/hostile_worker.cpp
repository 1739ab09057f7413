// SPDX-License-Identifier: Apache-2.0
// A source worker in foreign hands: does what the last element of the requested path says.
#include <sys/mman.h>

#include <cstring>
#include <limits>
#include <poll.h>
#include <string>
#include <unistd.h>

#include "capture/source_protocol.h"
#include "core/frame_ring.h"
#include "core/sound_ring.h"
#include "core/worker_session.h"

using namespace vitrine;

namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

void send(Channel& channel, const nlohmann::json& body) {
  (void)channel.send(body);
}

void send_raw(const std::string& bytes) {
  if (::write(kWorkerChannelFd, bytes.data(), bytes.size()) < 0) ::_exit(66);
}

void send_with_fd(Channel& channel, const char* type, int fd) {
  (void)channel.send({{"type", type}}, {&fd, 1});
}

FrameRingWriter make_ring(Channel& channel) {
  auto ring = std::move(*FrameRingWriter::create(1 << 20));
  send_with_fd(channel, "frames", ring.fd());
  return ring;
}

void publish_lies(Channel& channel) {
  static auto ring = make_ring(channel);
  for (const int64_t offset : {int64_t{-1}, kLeast, kMost, int64_t{1} << 20}) {
    FrameDescriptor frame{{640, 360}, {offset, offset, offset}, {640, 320, 320}, steady_now()};
    ring.publish(frame, nullptr);
  }
}

/// A picture that is in order, at an impossible time.
void publish_at(Channel& channel, int64_t time) {
  static auto ring = make_ring(channel);
  ring.publish({{64, 64}, {0, 8192, 16384}, {64, 32, 32}, MediaTime{time}}, nullptr);
}

/// The header's `end` field, at the far end of time.
void lie_about_sound(Channel& channel) {
  static auto ring = std::move(*SoundRingWriter::create());
  ring.write(sample_index(steady_now()), std::vector<float>(200, std::numeric_limits<float>::quiet_NaN()));
  auto mapping = Mapping::create(ring.fd(), 0, 4096, Mapping::Access::kReadWrite);
  std::memcpy(mapping->data() + 16, &kMost, sizeof kMost);
  send_with_fd(channel, "sound", ring.fd());
}

/// Returns false when the worker ends with it.
bool misbehave(const std::string& how, WorkerSession& session) {
  Channel& channel = session.channel();
  if (how == "ended-of-other-types")
    return send(channel, {{"type", "ended"}, {"code", 7}, {"message", {1, 2}}}), false;
  if (how == "ended-with-escapes") {
    return send(channel,
                {{"type", "ended"}, {"code", "no_signal"}, {"message", "\x1b]0;owned\x07 \xE2\x80\xAE"}}),
           false;
  }
  if (how == "ended-endless") {
    return send(channel, {{"type", "ended"}, {"code", "no_signal"}, {"message", std::string(150'000, 'x')}}),
           false;
  }
  if (how == "no-type") send(channel, {{"x", 1}});
  if (how == "type-of-other-type") send(channel, {{"type", {{"a", 1}}}});
  if (how == "no-json") send_raw("{\"type\":");
  if (how == "deep-json") send_raw(std::string(50'000, '['));
  if (how == "ring-without-descriptor") send(channel, {{"type", "frames"}});
  if (how == "ring-that-is-no-memfd") send_with_fd(channel, "frames", STDERR_FILENO);
  if (how == "ring-unsealed") {
    const UniqueFd fd(::memfd_create("x", MFD_ALLOW_SEALING));
    if (::ftruncate(fd.get(), 1 << 20) != 0) ::_exit(67);
    send_with_fd(channel, "frames", fd.get());
  }
  if (how == "sound-ring-of-other-size") {
    const auto fd = create_sealed_memfd("x", 4096);
    send_with_fd(channel, "sound", fd->get());
  }
  if (how == "report-of-lies") {
    send(channel,
         {{"type", "heartbeat"}, {"fps", 1e300}, {"size", {-1, 1 << 30}}, {"warnings", {"<script>"}}});
  }
  if (how == "report-with-escapes") {
    capture::SourceReport report;
    report.format = "\x1b[2J";
    send(channel, to_message(report));
  }
  if (how == "descriptors-of-lies") publish_lies(channel);
  if (how == "picture-of-the-future") publish_at(channel, kMost);
  if (how == "picture-before-time") publish_at(channel, kLeast);
  if (how == "sound-of-the-future") lie_about_sound(channel);
  if (how == "flood") {
    while (true) send(channel, to_message(capture::SourceReport{}));
  }
  return true;
}

}  // namespace

int main() {
  auto session = WorkerSession::open();
  if (!session) return 64;
  pollfd waiting{session->channel().fd(), POLLIN, 0};
  ::poll(&waiting, 1, -1);
  auto message = session->channel().receive();
  if (!message || !*message) return 65;
  const std::string how = (*message)->body["source"].get<std::string>();
  if (!misbehave(how.substr(how.rfind('/') + 1), *session)) return 0;
  (void)session->run([](const Channel::Message&) -> Status { return {}; },
                     [] { return to_message(capture::SourceReport{}); });
}
