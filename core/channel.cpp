// SPDX-License-Identifier: Apache-2.0
#include "core/channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "core/json_text.h"

namespace vitrine {

Result<std::pair<Channel, Channel>> Channel::create_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) != 0) {
    return fail_errno(ErrorCode::kIo, "socketpair");
  }
  return std::pair(Channel(UniqueFd(fds[0])), Channel(UniqueFd(fds[1])));
}

Status Channel::send(const nlohmann::json& body, std::span<const int> fds) {
  std::string text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMaxMessageBytes || fds.size() > kMaxFds) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("message of {} bytes with {} descriptors; at most {} and {}", text.size(),
                            fds.size(), kMaxMessageBytes, kMaxFds));
  }
  iovec io{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> control{};
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  if (errno == EAGAIN) return fail_errno(ErrorCode::kTimeout, "the peer does not read");
  return fail_errno(ErrorCode::kWorkerDied, "sending to the peer");
}

Result<std::optional<Channel::Message>> Channel::receive() {
  std::string text(kMaxMessageBytes, '\0');
  iovec io{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> control{};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) return std::optional<Message>();
  if (count < 0) return fail_errno(ErrorCode::kWorkerDied, "reading from the peer");

  Message message;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t fds = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < fds; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      message.fds.emplace_back(fd);
    }
  }
  if (count == 0) return fail(ErrorCode::kWorkerDied, "the peer closed the channel");
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(ErrorCode::kProtocol,
                fmt::format("message larger than {} bytes or {} descriptors", kMaxMessageBytes, kMaxFds));
  }
  text.resize(static_cast<size_t>(count));
  auto body = parse_json(text, kMaxMessageBytes);
  if (!body) return tl::unexpected(Error{ErrorCode::kProtocol, body.error().message, 0});
  if (!body->is_object()) return fail(ErrorCode::kProtocol, "message is not a JSON object");
  message.body = std::move(*body);
  return std::optional<Message>(std::move(message));
}

}  // namespace vitrine
