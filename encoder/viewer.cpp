// SPDX-License-Identifier: Apache-2.0
#include "encoder/viewer.h"

#include <sys/socket.h>

#include <fmt/format.h>

#include "core/log.h"
#include "encoder/detail/fragment_muxer.h"
#include "encoder/detail/thread_name.h"

namespace vitrine::encoder {
namespace {

/// Some seconds of a program, so that a browser that is busy for a moment loses nothing.
constexpr int kSocketBytes = 4 << 20;
constexpr timeval kPatience{1, 0};

}  // namespace

std::string media_type_of(const StreamInfo& stream) {
  const Bytes& avc = *stream.video_config;  // version, profile, compatibility, level
  return fmt::format("video/mp4; codecs=\"avc1.{:02x}{:02x}{:02x}, mp4a.40.2\"", avc.at(1), avc.at(2),
                     avc.at(3));
}

Result<std::unique_ptr<Viewer>> Viewer::start(const std::string& program, const StreamInfo& stream,
                                              PacketRing& ring, UniqueFd out) {
  const int bytes = kSocketBytes;
  if (::setsockopt(out.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) != 0 ||
      ::setsockopt(out.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience) != 0)
    return fail_errno(ErrorCode::kIo, "setsockopt of a viewer's socket");
  std::unique_ptr<Viewer> viewer(
      new Viewer(stream, ring.open_reader(PacketRing::StartAt::kLatestKeyframe), std::move(out)));
  viewer->thread_ = std::jthread([viewer = viewer.get(), program](const std::stop_token& stop) {
    detail::name_this_thread("view-" + program);
    viewer->run(stop);
  });
  return viewer;
}

Viewer::Viewer(StreamInfo stream, PacketRing::Reader reader, UniqueFd out)
    : stream_(std::move(stream)), reader_(std::move(reader)), out_(std::move(out)) {
}

Viewer::~Viewer() {
  thread_.request_stop();
  ::shutdown(out_.get(), SHUT_RDWR);  // a send that waits for him ends
}

void Viewer::run(const std::stop_token& stop) {
  std::unique_ptr<detail::FragmentMuxer> muxer;
  MediaTime base{};
  while (const auto item = reader_.pop(stop)) {
    const Packet& packet = item->packet;
    const bool is_video = packet.kind == PacketKind::kVideo;
    if (!muxer) {
      if (!is_video || !packet.is_keyframe) continue;
      base = packet.dts;
      auto made = detail::FragmentMuxer::create(stream_, base);
      if (!made) {
        log::warning("viewer", "{}", made.error().message);
        break;
      }
      muxer = std::move(*made);
      if (!send(muxer->header())) break;
    }
    if (packet.dts < base) continue;  // sound of before the first picture
    if (!muxer->add(packet)) break;
    if (!is_video) continue;
    const auto fragment = muxer->take_fragment();
    if (!fragment || !send(*fragment)) break;
  }
  is_over_ = true;  // before anybody can see the end of it
  ::shutdown(out_.get(), SHUT_RDWR);
}

bool Viewer::send(const Bytes& bytes) const {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(out_.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += static_cast<size_t>(sent);
  }
  return true;
}

}  // namespace vitrine::encoder
