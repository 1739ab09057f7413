// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <signal.h>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "capture/source.h"

namespace vitrine::capture {

/// Sanitizers, emulation and a busy machine make everything slower, never wrong: a wait ends with the
/// condition.
inline constexpr std::chrono::seconds kPatience{40};

/// Polls until the condition holds. False when it didn't within the time.
bool wait_for(const std::function<bool()>& condition, std::chrono::milliseconds patience = kPatience);

/// A program of this build or of the system, ended with its owner.
class Process {
 public:
  /// Starts it; its standard output can be read with wait_for_line().
  explicit Process(const std::vector<std::string>& command);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  void signal(int number) const { ::kill(pid_, number); }
  /// The first line with this in it; empty when none came.
  [[nodiscard]] std::string wait_for_line(const std::string& part);
  /// Its exit status; -1 when it was killed.
  int wait();

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
};

/// Runs ffmpeg; fails the test with its words when it fails.
void run_ffmpeg(std::vector<std::string> args);

/// The RTSP server of tests/peers with these mounts.
class RtspServer {
 public:
  explicit RtspServer(std::vector<std::string> mounts, int port = 0);
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path) const;
  void signal(int number) const { process_->signal(number); }
  void kill() { process_.reset(); }
  /// The same mounts on the same port again.
  void start();

 private:
  std::vector<std::string> mounts_;
  int port_ = 0;
  std::unique_ptr<Process> process_;
};

/// The studio's half of one source, with its loop on a thread of its own.
class StudioSide {
 public:
  struct Options {
    bool wants_picture = true;
    bool wants_sound = false;
    CameraConfig::Transport transport = CameraConfig::Transport::kTcp;
    std::string login = {};
    std::filesystem::path worker = VITRINE_BIN_DIR "/vitrine-source";
  };

  StudioSide(const std::string& address, Options options);
  explicit StudioSide(const std::string& address) : StudioSide(address, Options{}) {}
  StudioSide(const StudioSide&) = delete;
  StudioSide& operator=(const StudioSide&) = delete;
  ~StudioSide();

  [[nodiscard]] SourceStatus status() const;
  [[nodiscard]] std::optional<CameraFrame> frame() const { return source_->latest_frame(); }
  [[nodiscard]] std::shared_ptr<const SoundRingReader> sound() const { return source_->sound(); }
  void retry_now() const;

  [[nodiscard]] bool wait_until(const std::function<bool(const SourceStatus&)>& condition,
                                std::chrono::milliseconds patience = kPatience) const;
  /// Waits until it is live, and with sound where that is wanted; tells what it is instead when it doesn't
  /// get there.
  [[nodiscard]] testing::AssertionResult is_live() const;

 private:
  void on_loop(const std::function<void()>& call) const;

  const Options options_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Source> source_;  // the loop thread's, but for its readers
  std::thread thread_;
};

std::string describe(const SourceStatus& status);

/// Mean of Y, U and V in a rectangle given in shares of the picture.
struct Yuv {
  double y = 0, u = 0, v = 0;
};
Yuv mean_of(const ConstI420& picture, double left, double top, double right, double bottom);

}  // namespace vitrine::capture
