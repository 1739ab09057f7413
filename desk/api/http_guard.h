// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "desk/access/access.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// What stands before a body, with the fields' names in small letters.
struct RequestHead {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;

  [[nodiscard]] const std::string* find(std::string_view name) const;
};

/// On which of our doors a connection came in.
struct Arrival {
  enum class Speech { kPlain, kTls };
  Visitor visitor;
  Speech speech = Speech::kPlain;
  std::string local_address;  // the one that was connected to, "192.168.1.5", "::1"; empty on the socket
};

/// Whether a request may be listened to at all, before anybody asks who it is from. A page of a stranger in a
/// browser of ours (cross-site requests, DNS rebinding, cross-site WebSockets) ends here, whatever cookie
/// comes with it. The error is problem details:
/// 400 for a field that may stand once and stands twice, and for a body whose end two fields tell; 411 for
/// one whose end only a transfer coding tells; 421 where `Host` is none of `host_names`, the address that was
/// connected to, or localhost on the box itself; 403 for an `Origin` that is not ours or a `Sec-Fetch-Site`
/// of another site, and for a change without `Origin` unless a token or the socket vouches for it.
tl::expected<void, ApiAnswer> check_head(const RequestHead& head, const Arrival& arrival,
                                         const std::vector<std::string>& host_names);

/// What the request has to show: its token, or its cookie, or that it came over the socket. The error is
/// problem details: 400 where it is not clear, 401 for another scheme.
tl::expected<Access::Knock, ApiAnswer> knock_of(const RequestHead& head, const Visitor& visitor);

/// A WebSocket is wanted.
bool is_upgrade(const RequestHead& head);

}  // namespace vitrine::desk
