// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/event_loop.h"
#include "core/unique_fd.h"

namespace vitrine {

/// The studio's door for vitrinectl and the desk: a UNIX stream socket, one JSON object a line in, one a line
/// out, in order. An answer may carry one descriptor (a picture), and so may a request (a file that is too
/// large for a line), which is then sent when no other of that client waits for its answer. Who may connect
/// is the socket's mode and group (0660); who called is known from the kernel and given to the handler.
class ControlServer {
 public:
  struct Caller {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
  };

  struct Request {
    Caller caller;
    nlohmann::json body;
    UniqueFd attachment;  // from outside: `verify_memfd` before anything is read from it
  };
  struct Answer {
    nlohmann::json body;
    UniqueFd attachment;
  };

  /// Calls `reply` once, now or later, from the loop's thread; a caller that has gone meanwhile is no error.
  using Reply = std::function<void(Answer)>;
  using Handler = std::function<void(Request request, Reply reply)>;

  static constexpr size_t kMaxRequestBytes = 1 << 20;
  static constexpr size_t kMaxUnsentBytes = 4 << 20;  // a client that doesn't read is dropped beyond this
  static constexpr size_t kMaxClients = 32;

  /// Replaces a socket left by a dead studio. Errors: kDeviceBusy when a live one answers there.
  static Result<std::unique_ptr<ControlServer>> listen(EventLoop& loop, const std::filesystem::path& path,
                                                       Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Client;
  ControlServer(EventLoop& loop, std::filesystem::path path, UniqueFd socket, Handler handler);
  void accept_client();
  void on_ready(uint64_t id, uint32_t events);
  void handle_lines(uint64_t id);
  void answer(uint64_t id, Answer answer);
  bool flush(uint64_t id, Client& client);
  void watch_for(uint64_t id, Client& client, uint32_t events);

  EventLoop& loop_;
  const std::filesystem::path path_;
  UniqueFd socket_;
  const Handler handler_;
  EventLoop::Watch accept_watch_;
  std::map<uint64_t, std::unique_ptr<Client>> clients_;
  uint64_t next_id_ = 1;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // replies that outlive the server do nothing
};

/// One call from another process. Blocking, with a deadline. `attachment` goes with it; -1: none.
/// Errors: kConnectRefused when no studio runs there, kPermission, kTimeout, kProtocol.
Result<ControlServer::Answer> call_control(const std::filesystem::path& path, const nlohmann::json& request,
                                           std::chrono::milliseconds timeout, int attachment = -1);

}  // namespace vitrine
