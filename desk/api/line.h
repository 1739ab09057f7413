// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "desk/api/stream.h"

namespace vitrine::desk {

/// A connection with a time limit: when it is over the line is cut, and whoever waits for bytes gets an
/// error. Thread: the API's. Held by shared_ptr.
class Line : public std::enable_shared_from_this<Line> {
 public:
  explicit Line(Socket socket) : socket_(std::move(socket)), limit_(socket_.get_executor()) {}

  /// Instead of the limit there was. For all that follows, however many steps it has.
  void expires_after(std::chrono::milliseconds limit);
  void expires_never();
  [[nodiscard]] bool was_cut() const { return was_cut_; }

  struct Got {
    boost::system::error_code error;
    size_t count = 0;
  };
  Task<Got> read_some(boost::asio::mutable_buffer buffer);
  /// Both, one after the other. False when they can't be sent.
  Task<bool> write(std::array<boost::asio::const_buffer, 2> buffers);
  /// The peer reads an end; what it sends is still received.
  void say_no_more();

  /// For who goes on with it in another way; without a limit.
  Socket take_socket();

 private:
  Socket socket_;
  LoopTimer limit_;
  bool was_cut_ = false;
};

}  // namespace vitrine::desk
