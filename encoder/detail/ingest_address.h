// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "encoder/rtmp_transport.h"

namespace vitrine::encoder::detail {

/// Of a dial: name, TCP and TLS. Two lost SYNs, or TLS over a satellite.
inline constexpr std::chrono::milliseconds kConnectLimit{5000};

/// Where a destination's URL leads.
struct IngestAddress {
  RtmpTransport::Target target;
  std::string app;
  std::string tc_url;
};

/// Errors: kInvalidInput for what is no rtmp(s)://host[:port]/app, or carries a key.
Result<IngestAddress> parse_ingest_address(const std::string& url, const std::filesystem::path& ca_file);

}  // namespace vitrine::encoder::detail
