// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/secret.h"

namespace vitrine::desk {

/// 256 random bits that let in who has them: what a cookie or a token holds. 43 characters of base64url.
Secret new_bearer();

/// What is kept of it: BLAKE2b, 32 bytes. Looked up by this, so nothing of it can be timed.
std::string hash_of_bearer(std::string_view bearer);

}  // namespace vitrine::desk
