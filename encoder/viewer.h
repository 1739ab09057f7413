// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "core/error.h"
#include "core/packet_ring.h"
#include "core/unique_fd.h"

namespace vitrine::encoder {

/// "video/mp4; codecs=…" of what a Viewer sends (RFC 6381).
std::string media_type_of(const StreamInfo& stream);

/// The coded program for somebody who looks on: fragmented MP4, a fragment a picture, from the newest
/// keyframe on. Reads the packet ring through its own cursor in its own thread; who does not take it in time
/// is hung up on, and may come again. Nobody else notices. Threads: `view-<program>`.
class Viewer {
 public:
  /// `out`: a connected stream socket. Errors: kIo.
  static Result<std::unique_ptr<Viewer>> start(const std::string& program, const StreamInfo& stream,
                                               PacketRing& ring, UniqueFd out);
  ~Viewer();
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  /// He has gone, or the broadcast has ended.
  [[nodiscard]] bool is_over() const { return is_over_; }

 private:
  Viewer(StreamInfo stream, PacketRing::Reader reader, UniqueFd out);
  void run(const std::stop_token& stop);
  [[nodiscard]] bool send(const Bytes& bytes) const;

  const StreamInfo stream_;
  PacketRing::Reader reader_;
  const UniqueFd out_;
  std::atomic<bool> is_over_ = false;
  std::jthread thread_;  // last
};

}  // namespace vitrine::encoder
