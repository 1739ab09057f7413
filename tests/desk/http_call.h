// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <unistd.h>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/unique_fd.h"
#include "tests/fakes/sockets.h"

namespace vitrine::desk {

/// An answer as it came, read to the connection's end.
struct HttpReply {
  int status = 0;                              // 0: none came
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;

  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// A port on 127.0.0.1, or a UNIX socket.
using HttpPlace = std::variant<int, std::filesystem::path>;

inline UniqueFd connect_to(const HttpPlace& place) {
  if (const int* port = std::get_if<int>(&place)) return fakes::connect_to_loopback(*port);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = std::get<std::filesystem::path>(place).string();
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return UniqueFd();
  return fd;
}

inline std::string read_to_the_end(int fd) {
  std::string text;
  std::string part(65'536, '\0');
  while (true) {
    const ssize_t count = ::recv(fd, part.data(), part.size(), 0);
    if (count <= 0) return text;
    text.append(part, 0, static_cast<size_t>(count));
  }
}

inline HttpReply parse_reply(const std::string& text) {
  HttpReply reply;
  if (text.size() < 12 || !text.starts_with("HTTP/1.1 ")) return reply;
  reply.status = std::stoi(text.substr(9, 3));
  const size_t end = std::min(text.find("\r\n\r\n"), text.size());
  for (size_t at = text.find("\r\n"); at < end;) {
    const size_t begin = at + 2;
    at = std::min(text.find("\r\n", begin), end);
    const size_t colon = text.find(": ", begin);
    if (colon >= at) continue;
    std::string name = text.substr(begin, colon - begin);
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    reply.headers[name] = text.substr(colon + 2, at - colon - 2);
  }
  reply.body = text.substr(std::min(text.size(), end + 4));
  return reply;
}

/// The bytes as they are, and what comes back until the other side closes.
inline HttpReply send_raw(const HttpPlace& place, const std::string& bytes) {
  const UniqueFd fd = connect_to(place);
  if (!fd.is_open()) return {};
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) break;
    sent += static_cast<size_t>(count);
  }
  return parse_reply(read_to_the_end(fd.get()));
}

using HeaderList = std::vector<std::pair<std::string, std::string>>;

inline HttpReply call(const HttpPlace& place, const std::string& method, const std::string& target,
                      const HeaderList& headers, const std::string& body = "") {
  std::string text = method + " " + target + " HTTP/1.1\r\nConnection: close\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST" || method == "PUT")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return send_raw(place, text + "\r\n" + body);
}

}  // namespace vitrine::desk
