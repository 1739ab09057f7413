// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "core/secret.h"

namespace vitrine::encoder {

/// True when this onStatus means that the stream is not, or no longer, taken.
bool ends_connection(std::string_view code, std::string_view level);

/// A server's answer that ends the connection, as an Error for the person who must act. `code` is
/// "NetStream.Publish.…" or "NetConnection.Connect.…", `description` what the server wrote beside it; the key
/// is taken out of it.
Error error_of_status(std::string_view code, std::string_view description, const Secret& key);

/// The server hung up without a word before the stream was accepted: most likely the key.
Error error_of_silent_refusal();

/// Text from outside, fit for a log line or the page: printable, at most 160 bytes, and without the key or
/// any six characters in a row of it (servers echo it whole, in part, or percent-encoded).
std::string without_key(std::string_view text, const Secret& key);

}  // namespace vitrine::encoder
