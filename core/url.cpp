// SPDX-License-Identifier: Apache-2.0
#include "core/url.h"

#include <arpa/inet.h>

#include <charconv>
#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

namespace vitrine {
namespace {

struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  const std::unique_ptr<CURLU, UrlCleanup> handle(curl_url());
  const std::string copy(text);
  // rtsp and rtmp need not be among the schemes this libcurl can fetch.
  const CURLUcode rc = curl_url_set(handle.get(), CURLUPART_URL, copy.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (rc != CURLUE_OK) return fail(ErrorCode::kInvalidInput, curl_url_strerror(rc));
  Url url;
  url.scheme = part(handle.get(), CURLUPART_SCHEME);
  url.host = part(handle.get(), CURLUPART_HOST);
  url.path = part(handle.get(), CURLUPART_PATH);
  url.query = part(handle.get(), CURLUPART_QUERY);
  url.has_user_info =
      !part(handle.get(), CURLUPART_USER).empty() || !part(handle.get(), CURLUPART_PASSWORD).empty();
  const std::string port = part(handle.get(), CURLUPART_PORT);
  std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (url.host.empty()) return fail(ErrorCode::kInvalidInput, "no host");
  return url;
}

std::string ListenAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  ListenAddress address;
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    const bool is_v6 = host.starts_with('[') && host.ends_with(']');
    if (is_v6) host = host.substr(1, host.size() - 2);
    in6_addr ignored{};
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    address.host = host;
    if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.host.c_str(), &ignored) == 1 &&
        error == std::errc{} && end == port.data() + port.size() && address.port > 0)
      return address;
  }
  return fail(ErrorCode::kInvalidInput, "an address and a port: \"0.0.0.0:8091\", \"[::]:8091\"");
}

std::string redact_url(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return "(not a URL)";
  const size_t first_end = url->path.find('/', 1);
  const std::string port = url->port == 0 ? "" : fmt::format(":{}", url->port);
  const std::string first = url->path == "/" ? "" : url->path.substr(0, first_end);
  return fmt::format("{}://{}{}{}", url->scheme, url->host, port, first);
}

}  // namespace vitrine
