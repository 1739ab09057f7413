// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace vitrine::encoder {

/// The stream key of every test here; nothing of it may come out anywhere.
inline constexpr const char* kCanaryName = "vtr-canary-8fK2mQ9xL4";
inline constexpr const char* kCanaryKey = "vtr-canary-8fK2mQ9xL4?expire=69b2c3d4&sign=aZ7yX3wQ1pR5";

/// In each test program that publishes: everything this process writes to stderr (the log, at debug level) is
/// kept and searched at the end for the canary: as it is, reversed, in hex, base64 and percent-encoded.
/// Status texts are handed in.
void watch_text(const std::string& text);

}  // namespace vitrine::encoder
