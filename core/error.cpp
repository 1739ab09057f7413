// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

namespace vitrine {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknown:
      return "unknown";
    case ErrorCode::kInvalidInput:
      return "invalid_input";
    case ErrorCode::kStaleRevision:
      return "stale_revision";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kNoDevice:
      return "no_device";
    case ErrorCode::kNoSignal:
      return "no_signal";
    case ErrorCode::kDeviceBusy:
      return "device_busy";
    case ErrorCode::kUnsupportedFormat:
      return "unsupported_format";
    case ErrorCode::kResolveFailed:
      return "resolve_failed";
    case ErrorCode::kConnectRefused:
      return "connect_refused";
    case ErrorCode::kTlsFailed:
      return "tls_failed";
    case ErrorCode::kAuthRejected:
      return "auth_rejected";
    case ErrorCode::kRateLimited:
      return "rate_limited";
    case ErrorCode::kIngestBusy:
      return "ingest_busy";
    case ErrorCode::kIngestDisconnected:
      return "ingest_disconnected";
    case ErrorCode::kProtocol:
      return "protocol";
    case ErrorCode::kEncodeFailed:
      return "encode_failed";
    case ErrorCode::kRenderFailed:
      return "render_failed";
    case ErrorCode::kDiskFull:
      return "disk_full";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kPermission:
      return "permission";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kStopped:
      return "stopped";
    case ErrorCode::kWorkerDied:
      return "worker_died";
  }
  return "unknown";
}

Error Error::with_context(std::string_view context) const& {
  return Error{code, fmt::format("{}: {}", context, message), native_code, problems};
}

tl::unexpected<Error> fail_errno(ErrorCode code, std::string_view what) {
  return fail_errno(code, what, errno);
}

tl::unexpected<Error> fail_errno(ErrorCode code, std::string_view what, int error_number) {
  return fail(code, fmt::format("{}: {}", what, std::generic_category().message(error_number)), error_number);
}

std::string Problem::text() const {
  return fmt::format("{}: found {}, allowed: {}", where, found, allowed);
}

Error to_error(const Problems& problems) {
  std::string message;
  for (const auto& problem : problems) {
    if (!message.empty()) message += '\n';
    message += problem.text();
  }
  return Error{ErrorCode::kInvalidInput, message, 0, problems};
}

}  // namespace vitrine
