// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <boost/asio/ssl/context.hpp>

#include "core/error.h"
#include "desk/api/stream.h"

namespace vitrine::desk {

using TlsContext = boost::asio::ssl::context;

/// For TLS 1.2 and later, with the key and the certificates of `file`. Errors: kTlsFailed.
Result<std::shared_ptr<TlsContext>> load_tls_context(const std::filesystem::path& file);

struct TlsLimits {
  std::chrono::milliseconds handshake;
  std::chrono::milliseconds last_bytes;  // for what is under way when the conversation is over
};

/// Speaks TLS with `peer`, so that nothing behind it has to: after the handshake `serve` gets one end of a
/// socket pair, out of which comes what the peer says; what is written there goes to it. Bytes are passed on
/// as fast as the slower side takes them, at most 100 KiB are under way each way. When that end is closed in
/// order the peer is sent what is left, and close_notify; after Parting::kCut it is cut off.
/// `seat` is kept until nothing of the connection is left, which may be after `serve`. Thread: the API's.
Task<void> serve_behind_tls(Socket peer, std::shared_ptr<TlsContext> context, TlsLimits limits,
                            std::shared_ptr<const void> seat, std::function<Task<Parting>(Socket)> serve);

}  // namespace vitrine::desk
