// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/ingest_address.h"

#include <fmt/format.h>

#include "core/url.h"

namespace vitrine::encoder::detail {
namespace {

constexpr int kDefaultRtmpPort = 1935;
constexpr int kDefaultRtmpsPort = 443;

std::string without_brackets(const std::string& host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

Result<IngestAddress> parse_ingest_address(const std::string& text, const std::filesystem::path& ca_file) {
  const auto url = parse_url(text);
  if (!url) return tl::unexpected(url.error());
  const bool is_tls = url->scheme == "rtmps";
  if (!is_tls && url->scheme != "rtmp")
    return fail(ErrorCode::kInvalidInput, "not an rtmp:// or rtmps:// URL");
  if (!url->query.empty() || url->has_user_info) {
    return fail(ErrorCode::kInvalidInput,
                "the URL carries a key or password; the key has a place of its own");
  }
  const size_t last = url->path.find_last_not_of('/');
  if (last == std::string::npos)
    return fail(ErrorCode::kInvalidInput, "the URL has no application part (rtmp://host/app)");
  IngestAddress address;
  address.app = url->path.substr(1, last);
  address.target.host = without_brackets(url->host);
  address.target.port = url->port != 0 ? url->port : is_tls ? kDefaultRtmpsPort : kDefaultRtmpPort;
  address.target.security = is_tls ? RtmpTransport::Security::kTls : RtmpTransport::Security::kPlain;
  address.target.ca_file = ca_file;
  const std::string port = url->port == 0 ? "" : fmt::format(":{}", url->port);
  address.tc_url = fmt::format("{}://{}{}/{}", url->scheme, url->host, port, address.app);
  return address;
}

}  // namespace vitrine::encoder::detail
