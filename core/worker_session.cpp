// SPDX-License-Identifier: Apache-2.0
#include "core/worker_session.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace vitrine {

Result<WorkerSession> WorkerSession::open() {
  int type = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(kWorkerChannelFd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_SEQPACKET) {
    return fail(ErrorCode::kInvalidInput, "this program is started by vitrine-studio, not by hand");
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);  // camera passwords must not reach a core file
  return WorkerSession(Channel(UniqueFd(kWorkerChannelFd)));
}

Status WorkerSession::run(const std::function<Status(Channel::Message)>& on_message,
                          const std::function<nlohmann::json()>& heartbeat) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kBeat = std::chrono::milliseconds(250);
  auto next_beat = Clock::now();
  while (true) {
    if (Clock::now() >= next_beat) {
      nlohmann::json body = heartbeat();
      body["type"] = "heartbeat";
      // A full channel means a studio that doesn't read just now; it hears the next beat.
      if (auto sent = channel_.send(body); !sent && sent.error().code == ErrorCode::kWorkerDied) return sent;
      next_beat = Clock::now() + kBeat;
    }
    pollfd waiting{channel_.fd(), POLLIN, 0};
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(next_beat - Clock::now()).count();
    if (::poll(&waiting, 1, static_cast<int>(std::max<int64_t>(0, wait))) < 0 && errno != EINTR) {
      return fail_errno(ErrorCode::kIo, "poll");
    }
    while (true) {
      auto received = channel_.receive();
      if (!received) return tl::unexpected(received.error());
      if (!*received) break;
      if (auto handled = on_message(std::move(**received)); !handled) {
        announce_end(handled.error());
        return handled;
      }
    }
  }
}

void WorkerSession::announce_end(const Error& cause) {
  (void)channel_.send({{"type", "ended"}, {"code", to_string(cause.code)}, {"message", cause.message}});
}

}  // namespace vitrine
