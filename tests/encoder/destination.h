// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "encoder/publisher.h"
#include "tests/encoder/key_watch.h"
#include "tests/fakes/live_program.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::encoder {

inline std::string local_url(int port) {
  return "rtmp://127.0.0.1:" + std::to_string(port) + "/live";
}

/// A publisher of a LiveProgram, and everything it reported.
class Destination {
 public:
  struct Options {
    std::string key = kCanaryKey;
    std::filesystem::path ca_file{};
    uint32_t initial_timestamp_ms = 0;
  };

  Destination(const fakes::LiveProgram& program, const std::string& url)
      : Destination(program, url, Options{}) {}
  Destination(const fakes::LiveProgram& program, const std::string& url, const Options& options) {
    auto created = Publisher::create({.destination = "test",
                                      .url = url,
                                      .key = Secret(options.key),
                                      .ca_file = options.ca_file,
                                      .initial_timestamp_ms = options.initial_timestamp_ms},
                                     fakes::LiveProgram::info(), program.ring(),
                                     [this](const PublisherStatus& status) { note(status); });
    publisher_ = std::move(created.value());
  }

  Publisher* operator->() { return publisher_.get(); }

  bool wait_until(PublisherState state) {
    return fakes::wait_for([&] { return publisher_->status().state == state; });
  }
  /// Until it went live for the `count`th time and sent something.
  bool wait_for_connect(uint64_t count) {
    uint64_t frames = 0;
    return fakes::wait_for([&] {
      const auto status = publisher_->status();
      if (status.connects < count || status.state != PublisherState::kLive) {
        frames = status.frames_sent;
        return false;
      }
      return status.frames_sent > frames;
    });
  }
  bool wait_for_fault(ErrorCode code) {
    return fakes::wait_for([&] {
      const auto status = publisher_->status();
      return status.last_fault && status.last_fault->code == code;
    });
  }
  [[nodiscard]] std::vector<PublisherStatus> changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

 private:
  void note(const PublisherStatus& status) {
    watch_text(status.server + (status.last_fault ? status.last_fault->message : ""));
    const std::lock_guard lock(mutex_);
    changes_.push_back(status);
  }

  mutable std::mutex mutex_;
  std::vector<PublisherStatus> changes_;  // guarded by mutex_
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace vitrine::encoder
