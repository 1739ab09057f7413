// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <utility>

namespace vitrine::desk {

/// What every answer has, so that a page of ours stays in and nobody else's gets at it.
inline constexpr std::array<std::pair<const char*, const char*>, 7> kSecurityHeaders = {
    {{"Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; "
      "connect-src 'self'; "
      "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"},
     {"X-Content-Type-Options", "nosniff"},
     {"X-Frame-Options", "DENY"},
     {"Referrer-Policy", "no-referrer"},
     {"Cross-Origin-Opener-Policy", "same-origin"},
     {"Cross-Origin-Resource-Policy", "same-origin"},
     {"Cache-Control", "no-store"}}};

}  // namespace vitrine::desk
