// SPDX-License-Identifier: Apache-2.0
#include "desk/api/http_guard.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "desk/api/problem.h"

namespace vitrine::desk {
namespace {

/// Which of two would be meant is a question that servers and browsers answer differently.
constexpr std::array<std::string_view, 13> kOnce = {"host",
                                                    "origin",
                                                    "authorization",
                                                    "cookie",
                                                    "content-length",
                                                    "content-type",
                                                    "sec-fetch-site",
                                                    "upgrade",
                                                    "expect",
                                                    "sec-fetch-mode",
                                                    "transfer-encoding",
                                                    "content-encoding",
                                                    "sec-websocket-key"};

tl::unexpected<ApiAnswer> refuse_head(int status, std::string why) {
  const auto code = status == 401   ? ErrorCode::kAuthRejected
                    : status == 403 ? ErrorCode::kPermission
                                    : ErrorCode::kInvalidInput;
  return tl::unexpected(problem(status, {code, std::move(why)}));
}

std::string in_small_letters(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// An address as its bytes, so that all spellings of one are equal; empty for a name.
std::string bytes_of_address(const std::string& text) {
  std::array<char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.data(), bytes.size()};
  return {};
}

/// "vitrine.local:8443" → "vitrine.local", "[::1]:80" → "::1"; nothing where it is neither. The port is not
/// judged: a tunnel or a redirected port changes it, and no page can make a browser send another.
std::optional<std::string> host_of(std::string_view authority) {
  const bool is_v6 = authority.starts_with('[');
  const size_t end = is_v6 ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view port = authority.substr(is_v6 ? end + 1 : end);
  if (!port.empty()) {
    if (port.front() != ':' || port.size() < 2 || port.size() > 6 ||
        port.find_first_not_of("0123456789", 1) != std::string_view::npos)
      return std::nullopt;
  }
  return std::string(is_v6 ? authority.substr(1, end - 1) : authority.substr(0, end));
}

bool is_ours(const std::string& host, const Arrival& arrival, const std::vector<std::string>& host_names) {
  const std::string address = bytes_of_address(host);
  if (!address.empty())
    return !arrival.local_address.empty() && address == bytes_of_address(arrival.local_address);
  if (host == "localhost") return arrival.visitor.way != Visitor::Way::kNetwork;
  return std::ranges::find(host_names, host) != host_names.end();
}

bool changes_something(const RequestHead& head) {
  return head.method != "GET" && head.method != "HEAD";
}

}  // namespace

const std::string* RequestHead::find(std::string_view name) const {
  const auto found = std::ranges::find_if(fields, [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

bool is_upgrade(const RequestHead& head) {
  return head.find("upgrade") != nullptr;
}

tl::expected<void, ApiAnswer> check_head(const RequestHead& head, const Arrival& arrival,
                                         const std::vector<std::string>& host_names) {
  for (const auto name : kOnce)
    if (std::ranges::count_if(head.fields, [&](const auto& field) { return field.first == name; }) > 1)
      return refuse_head(400, fmt::format("\"{}\" stands twice", name));
  if (head.find("transfer-encoding") != nullptr)
    return head.find("content-length") != nullptr
               ? refuse_head(400, "both a length and a transfer coding say where the body ends")
               : refuse_head(411, "no transfer coding is taken; send Content-Length");
  // Beast takes "2, 2" for 2 (RFC 9110, 8.6 lets it); a proxy before us might not.
  const std::string* length = head.find("content-length");
  if (length != nullptr && (length->empty() || length->find_first_not_of("0123456789") != std::string::npos))
    return refuse_head(400, "Content-Length is no number");
  if (head.find("content-encoding") != nullptr) return refuse_head(415, "no content coding is taken");
  const std::string* authority = head.find("host");
  if (authority == nullptr) return refuse_head(400, "Host is missing");
  const std::string own = in_small_letters(*authority);
  const auto host = host_of(own);
  if (!host || !is_ours(*host, arrival, host_names))
    return refuse_head(421,
                       "Host is none of this box's names; they are set in vitrine.toml: [desk] host_names");
  const std::string* origin = head.find("origin");
  const std::string own_origin = (arrival.speech == Arrival::Speech::kTls ? "https://" : "http://") + own;
  if (origin != nullptr && in_small_letters(*origin) != own_origin)
    return refuse_head(403, "Origin is another site: the API is called by its own pages and by programs");
  const std::string* site = head.find("sec-fetch-site");
  if (site != nullptr && *site != "same-origin" && *site != "none")
    return refuse_head(403,
                       "Sec-Fetch-Site is another site: the API is called by its own pages and by programs");
  const bool is_vouched = arrival.visitor.way == Visitor::Way::kSocket ||
                          (head.find("authorization") != nullptr && head.find("cookie") == nullptr);
  if (origin == nullptr && !is_vouched && (changes_something(head) || is_upgrade(head)))
    return refuse_head(403,
                       fmt::format("Origin is missing; with a cookie or none it must be {}", own_origin));
  return {};
}

tl::expected<Access::Knock, ApiAnswer> knock_of(const RequestHead& head, const Visitor& visitor) {
  Access::Knock knock{visitor, "", ""};
  if (const std::string* authorization = head.find("authorization")) {
    constexpr std::string_view kScheme = "bearer ";
    const std::string scheme = in_small_letters(authorization->substr(0, kScheme.size()));
    if (scheme != kScheme || authorization->size() == kScheme.size())
      return refuse_head(401, "Authorization is not \"Bearer …\"");
    knock.bearer = authorization->substr(kScheme.size());
  }
  const std::string* cookies = head.find("cookie");
  if (cookies == nullptr) return knock;
  const std::string wanted = std::string(Access::kCookie) + "=";
  for (size_t at = 0; at < cookies->size();) {
    const size_t begin = std::min(cookies->find_first_not_of(' ', at), cookies->size());
    const size_t end = std::min(cookies->find(';', begin), cookies->size());
    const std::string_view pair = std::string_view(*cookies).substr(begin, end - begin);
    at = end + 1;
    if (!pair.starts_with(wanted)) continue;
    if (!knock.cookie.empty()) return refuse_head(400, "two sessions in one request");
    knock.cookie = pair.substr(wanted.size());
  }
  if (!knock.bearer.empty() && !knock.cookie.empty())
    return refuse_head(400, "both a session and a token in one request");
  return knock;
}

}  // namespace vitrine::desk
