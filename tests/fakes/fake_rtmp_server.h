// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/unique_fd.h"
#include "encoder/amf0.h"
#include "encoder/rtmp_chunk.h"

namespace vitrine::fakes {

/// A scripted RTMP server on loopback, for what a real one can't be made to say. One connection at a time. It
/// uses the encoder's own chunk and AMF code, so it judges nothing that these could get wrong alike: nginx
/// and ffprobe do that.
class FakeRtmpServer {
 public:
  struct Script {
    enum class Ending { kNone, kAtConnect, kAtPublish, kAfterStart };
    Ending hangs_up = Ending::kNone;  // without a word
    bool is_handshake_garbage = false;
    bool answers_connect = true;
    std::string connect_error;  // code of an _error to connect
    std::string status = "NetStream.Publish.Start";
    std::string level = "status";
    std::string description = "Start publishing";  // "%KEY%" becomes the stream name it was given
    uint32_t out_chunk_bytes = 128;                // announced, and used
    uint32_t ack_window_bytes = 0;                 // 0: asks for no acknowledgement
    int pings = 0;                                 // sent after the start
    int acknowledgements = -1;                     // how often it acknowledges what it got; -1: always
    std::string late_status;  // sent with level "error" half a second of media after the start
  };

  struct Seen {
    std::vector<std::string> commands;
    std::vector<encoder::RtmpMessage> media;  // payloads cut to 16 bytes
    int pongs = 0;
    int acknowledgements = 0;
    std::string key;
  };

  explicit FakeRtmpServer(Script script);
  ~FakeRtmpServer();
  FakeRtmpServer(const FakeRtmpServer&) = delete;
  FakeRtmpServer& operator=(const FakeRtmpServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const { return "rtmp://127.0.0.1:" + std::to_string(port_) + "/live"; }
  void set_script(Script script);
  /// Of all connections together.
  [[nodiscard]] Seen seen() const;
  [[nodiscard]] int connections() const { return connections_; }

 private:
  class Connection;
  void run(const std::stop_token& stop);

  UniqueFd listener_;
  int port_;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  Script script_;  // guarded by mutex_
  Seen seen_;      // guarded by mutex_
  std::jthread thread_;
};

}  // namespace vitrine::fakes
