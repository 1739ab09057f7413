// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>

#include <boost/asio/basic_socket_acceptor.hpp>

#include "core/error.h"
#include "core/url.h"
#include "desk/api/http_guard.h"
#include "desk/api/stream.h"

namespace vitrine::desk {

/// One of our doors: an address, or a socket in the file system. Thread: the API's, but for `port` and
/// `problem`.
class Listener {
 public:
  /// Somebody came; called on the API's thread.
  using Take = std::function<void(Socket, Arrival)>;
  Listener(boost::asio::io_context& io, Arrival::Speech speech, Take take);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// An address that another program holds, or that this box does not have (yet), is no error: it is tried
  /// again every `retry`, and `problem` says so meanwhile. Errors: kInvalidInput for an address to speak in
  /// clear on that is not loopback; kPermission, kIo.
  Status listen_at(const ListenAddress& address, std::chrono::milliseconds retry);
  /// A file of a program that has ended is replaced. Errors: kInvalidInput for a path that is too long;
  /// kDeviceBusy when another one answers; kPermission, kIo.
  Status listen_on(const std::filesystem::path& path);

  [[nodiscard]] uint16_t port() const { return port_; }  // 0: it does not listen yet, or on no address
  [[nodiscard]] std::string problem() const;             // empty: none

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol, LoopExecutor>;

  Status open(const ListenAddress& address);
  Task<void> listen_in_the_end(ListenAddress address, std::chrono::milliseconds retry);
  Task<void> accept();
  void note(std::string problem);

  Acceptor acceptor_;
  const Arrival::Speech speech_;
  const Take take_;
  std::filesystem::path path_;
  std::atomic<uint16_t> port_{0};
  mutable std::mutex mutex_;
  std::string problem_;  // guarded by mutex_
};

}  // namespace vitrine::desk
