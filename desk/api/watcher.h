// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/beast/websocket/rfc6455.hpp>

#include "core/media_time.h"
#include "desk/access/access.h"
#include "desk/api/stream.h"

namespace vitrine::desk {

/// One who hears events: what waits to be sent to him, and why he is ended, if he is. Thread: the API's.
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  using Message = std::shared_ptr<const std::string>;
  using CloseReason = boost::beast::websocket::close_reason;
  struct Limits {
    size_t messages;
    size_t bytes;
    std::chrono::milliseconds last_word;
  };
  /// `cut` ends the connection at once.
  Watcher(boost::asio::io_context& io, const Limits& limits, Access::Knock knock, Caller caller,
          std::function<void()> cut);

  [[nodiscard]] const Access::Knock& knock() const { return knock_; }
  [[nodiscard]] const Caller& caller() const { return caller_; }
  [[nodiscard]] bool wants(const std::string& type) const { return types_.empty() || types_.contains(type); }
  /// False when there was no room: he is ended then.
  bool push(Message message);
  /// He is told why, if he reads that before he is cut off. Only the first reason counts.
  void end(boost::beast::websocket::close_code code, const std::string& reason);
  /// He has gone by himself, or nothing more can be sent to him.
  void forget();

  /// What the client sent: {"subscribe": ["type", …]}. Anything else ends him.
  void take(const std::string& text);

  struct Next {
    Message message;                   // null: there is nothing more to send
    std::optional<CloseReason> close;  // then: with this, or without a word
  };
  Task<Next> next();

 private:
  const Limits limits_;
  const Access::Knock knock_;
  const Caller caller_;
  std::function<void()> cut_;
  std::set<std::string> types_;  // empty: all
  std::deque<Message> queue_;
  size_t queued_bytes_ = 0;
  std::optional<CloseReason> close_;
  bool is_forgotten_ = false;
  int taken_ = 0;
  MediaTime taken_since_{};
  LoopTimer wake_;
  LoopTimer cut_timer_;
};

}  // namespace vitrine::desk
