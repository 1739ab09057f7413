// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// The status of HTTP that says `code` best. What another server refused us is 502, never 401.
int status_of(ErrorCode code);

/// Problem details (RFC 9457): {"type", "title", "title_zh", "status", "detail", "code", "problems"?}. The
/// titles are the code's, the detail is the message.
ApiAnswer problem(const Error& error);
/// With a status of its own, for what the protocol has a word for: 401, 405, 413, …; the titles are the
/// status's then.
ApiAnswer problem(int status, const Error& error);

}  // namespace vitrine::desk
