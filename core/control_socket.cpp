// SPDX-License-Identifier: Apache-2.0
#include "core/control_socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <poll.h>
#include <span>
#include <unistd.h>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/log.h"

namespace vitrine {
namespace {

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("socket path {} is longer than {} bytes; set a shorter run_dir", text,
                            sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Result<UniqueFd> connect_to(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return fail_errno(ErrorCode::kIo, "socket");
  if (::connect(fd.get(), generic(*address), sizeof *address) == 0) return fd;
  const auto code = errno == EACCES || errno == EPERM ? ErrorCode::kPermission : ErrorCode::kConnectRefused;
  return fail_errno(code, "connecting to " + path.string());
}

std::string to_line(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

nlohmann::json refusal(const Error& error) {
  return {{"ok", false}, {"error", {{"code", to_string(error.code)}, {"message", error.message}}}};
}

/// Sends what the socket takes; a descriptor goes with the first byte.
ssize_t send_with_fd(int socket, std::string_view bytes, int fd, int flags) {
  iovec io{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (fd >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  return ::sendmsg(socket, &header, MSG_NOSIGNAL | flags);
}

/// Receives what is there, and into `fd` the descriptor that came with it, if any. The kernel closes more
/// than one.
ssize_t receive_with_fd(int socket, std::span<char> buffer, UniqueFd& fd) {
  iovec io{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  if (count <= 0) return count;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(part), sizeof received);
    fd.reset(received);
  }
  return count;
}

}  // namespace

struct ControlServer::Client {
  struct Outgoing {
    std::string bytes;
    UniqueFd fd;
    size_t sent = 0;
  };

  UniqueFd socket;
  Caller caller;
  std::string input;
  UniqueFd attachment;  // of the next line
  std::deque<Outgoing> output;
  size_t unsent_bytes = 0;
  bool is_waiting_for_reply = false;  // the next line is handled after this one is answered
  uint32_t watched_events = 0;
  EventLoop::Watch watch;
};

Result<std::unique_ptr<ControlServer>> ControlServer::listen(EventLoop& loop,
                                                             const std::filesystem::path& path,
                                                             Handler handler) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  if (connect_to(path)) {
    return fail(ErrorCode::kDeviceBusy,
                fmt::format("another studio answers at {}; stop it first", path.string()));
  }
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::filesystem::remove(path, ignored);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return fail_errno(ErrorCode::kIo, "socket");
  if (::bind(fd.get(), generic(*address), sizeof *address) != 0)
    return fail_errno(ErrorCode::kIo, "binding " + path.string());
  if (::chmod(path.c_str(), 0660) != 0) return fail_errno(ErrorCode::kIo, "chmod " + path.string());
  if (::listen(fd.get(), 16) != 0) return fail_errno(ErrorCode::kIo, "listening on " + path.string());
  return std::unique_ptr<ControlServer>(new ControlServer(loop, path, std::move(fd), std::move(handler)));
}

ControlServer::ControlServer(EventLoop& loop, std::filesystem::path path, UniqueFd socket, Handler handler)
    : loop_(loop), path_(std::move(path)), socket_(std::move(socket)), handler_(std::move(handler)) {
  accept_watch_ = loop_.watch(socket_.get(), EPOLLIN, [this](uint32_t) { accept_client(); });
}

ControlServer::~ControlServer() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void ControlServer::accept_client() {
  UniqueFd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.is_open()) return;
  if (clients_.size() >= kMaxClients) {
    log::warning("control", "refused a client: {} are connected, the limit", clients_.size());
    return;
  }
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return;
  const uint64_t id = next_id_++;
  auto client = std::make_unique<Client>();
  client->caller = {credentials.pid, credentials.uid, credentials.gid};
  client->socket = std::move(fd);
  watch_for(id, *client, EPOLLIN);
  clients_.emplace(id, std::move(client));
}

void ControlServer::watch_for(uint64_t id, Client& client, uint32_t events) {
  if (client.watched_events == events) return;
  client.watched_events = events;
  client.watch = {};
  client.watch =
      loop_.watch(client.socket.get(), events, [this, id](uint32_t ready) { on_ready(id, ready); });
}

void ControlServer::on_ready(uint64_t id, uint32_t events) {
  Client& client = *clients_.at(id);
  if ((events & EPOLLOUT) != 0 && !flush(id, client)) {
    clients_.erase(id);
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  std::array<char, 16'384> buffer;
  const ssize_t count = receive_with_fd(client.socket.get(), buffer, client.attachment);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0 || client.input.size() + static_cast<size_t>(count) > kMaxRequestBytes) {
    if (count > 0)
      log::warning("control", "dropped pid {}: a request larger than {} bytes", client.caller.pid,
                   kMaxRequestBytes);
    clients_.erase(id);
    return;
  }
  client.input.append(buffer.data(), static_cast<size_t>(count));
  handle_lines(id);
}

void ControlServer::handle_lines(uint64_t id) {
  while (true) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    Client& client = *found->second;
    const size_t end = client.input.find('\n');
    if (client.is_waiting_for_reply || end == std::string::npos) return;
    auto request = parse_json(std::string_view(client.input).substr(0, end), kMaxRequestBytes);
    client.input.erase(0, end + 1);
    client.is_waiting_for_reply = true;
    if (!request || !request->is_object()) {
      answer(id, {refusal(request ? Error{ErrorCode::kInvalidInput, "a request is a JSON object"}
                                  : request.error()),
                  {}});
      continue;
    }
    handler_({client.caller, std::move(*request), std::move(client.attachment)},
             [this, id, alive = std::weak_ptr<int>(alive_)](Answer reply) {
               if (!alive.expired()) answer(id, std::move(reply));
             });
  }
}

void ControlServer::answer(uint64_t id, Answer answer) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  Client& client = *found->second;
  client.is_waiting_for_reply = false;
  Client::Outgoing outgoing{to_line(answer.body), std::move(answer.attachment)};
  client.unsent_bytes += outgoing.bytes.size();
  client.output.push_back(std::move(outgoing));
  if (client.unsent_bytes > kMaxUnsentBytes || !flush(id, client)) {
    clients_.erase(found);
    return;
  }
  // Not from inside handle_lines' own loop when the reply was immediate: that loop goes on by itself.
  loop_.post([this, id, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) handle_lines(id);
  });
}

bool ControlServer::flush(uint64_t id, Client& client) {
  while (!client.output.empty()) {
    auto& outgoing = client.output.front();
    const ssize_t count =
        send_with_fd(client.socket.get(), std::string_view(outgoing.bytes).substr(outgoing.sent),
                     outgoing.sent == 0 ? outgoing.fd.get() : -1, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return false;
    outgoing.sent += static_cast<size_t>(count);
    client.unsent_bytes -= static_cast<size_t>(count);
    if (outgoing.sent == outgoing.bytes.size()) client.output.pop_front();
  }
  watch_for(id, client, client.output.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  return true;
}

Result<ControlServer::Answer> call_control(const std::filesystem::path& path, const nlohmann::json& request,
                                           std::chrono::milliseconds timeout, int attachment) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto socket = connect_to(path);
  if (!socket) return tl::unexpected(socket.error());
  const std::string line = to_line(request);
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t count =
        send_with_fd(socket->get(), std::string_view(line).substr(sent), sent == 0 ? attachment : -1, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(ErrorCode::kIo, "sending to the studio");
    sent += static_cast<size_t>(count);
  }
  ControlServer::Answer answer;
  std::string reply;
  while (reply.empty() || reply.back() != '\n') {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{socket->get(), POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&waiting, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0)
      return fail(ErrorCode::kTimeout,
                  fmt::format("the studio did not answer within {} ms", timeout.count()));
    std::array<char, 65'536> buffer;
    const ssize_t count = receive_with_fd(socket->get(), buffer, answer.attachment);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(ErrorCode::kProtocol, "the studio closed the connection before it answered");
    reply.append(buffer.data(), static_cast<size_t>(count));
  }
  auto body = parse_json(reply, ControlServer::kMaxUnsentBytes);
  if (!body) return fail(ErrorCode::kProtocol, "the studio's answer: " + body.error().message);
  answer.body = std::move(*body);
  return answer;
}

}  // namespace vitrine
