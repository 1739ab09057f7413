// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/media_time.h"
#include "core/secret.h"

namespace vitrine::commerce {

/// How a shop signs its webhooks: hex HMAC-SHA256 over "<timestamp>.<body>", the timestamp in Unix seconds.
/// Neither Vendure nor Medusa sends any by itself; a plugin of the shop does, and says under which headers.
struct EventSignature {
  std::string timestamp_header = "x-vitrine-timestamp";  // in lower case
  std::string signature_header = "x-vitrine-signature";
  Secret secret;  // empty: no events are taken
};

/// The body, when its signature is right and it is at most 5 minutes old. `headers` by their names in lower
/// case. Errors: kAuthRejected, kTimeout, kProtocol.
Result<nlohmann::json> verify_event(const EventSignature& signature,
                                    const std::map<std::string, std::string>& headers, std::string_view body,
                                    Instant now);

}  // namespace vitrine::commerce
