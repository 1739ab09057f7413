// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::fakes {

/// A real RTMP server: nginx with its RTMP module, application "live", on a free port of 127.0.0.1. It
/// records every session into an FLV file of its own. Runs as root and as a normal user.
class NginxRtmp {
 public:
  NginxRtmp();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const { return "rtmp://127.0.0.1:" + std::to_string(port_) + "/live"; }

  /// SIGKILL, and again on the same port.
  void kill();
  void start();
  /// The process stands still; its kernel goes on taking bytes.
  void freeze() const;
  void thaw() const;
  /// An orderly end: recordings are complete afterwards.
  void stop();

  /// FLV files of the sessions with this stream name, oldest first.
  [[nodiscard]] std::vector<std::filesystem::path> recordings(const std::string& stream_name) const;
  [[nodiscard]] std::string log() const { return read_file(dir_.path() / "nginx.log"); }

 private:
  TempDir dir_;
  int port_;
  int run_ = 0;
  std::optional<ChildProcess> process_;
};

}  // namespace vitrine::fakes
