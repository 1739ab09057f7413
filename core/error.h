// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace vitrine {

/// What went wrong, by what the person in front of it can do. docs/errors.md: code → sentence on the page →
/// retried or not.
enum class ErrorCode {
  kUnknown = 0,
  kInvalidInput,  // refused at the door; `Problems` carries each value
  kStaleRevision,
  kNotFound,
  kNoDevice,
  kNoSignal,
  kDeviceBusy,
  kUnsupportedFormat,
  kResolveFailed,
  kConnectRefused,
  kTlsFailed,
  kAuthRejected,
  kRateLimited,
  kIngestBusy,
  kIngestDisconnected,
  kProtocol,
  kEncodeFailed,
  kRenderFailed,
  kDiskFull,
  kIo,
  kPermission,
  kTimeout,
  kStopped,
  kWorkerDied,
};

/// The code's stable name, as it stands in logs, JSON and docs/errors.md ("ingest_busy").
std::string_view to_string(ErrorCode code);

/// One refused value: where it stands, what was found there, what is allowed.
struct Problem {
  std::string where;  // "vitrine.toml:12: program[0].fps" or "programs[0].scene.layers[2].valid_until"
  std::string found;
  std::string allowed;

  [[nodiscard]] std::string text() const;
};
using Problems = std::vector<Problem>;

struct Error {
  ErrorCode code = ErrorCode::kUnknown;
  std::string message;
  int native_code = 0;  // errno, AVERROR or 0
  Problems problems{};  // of kInvalidInput, where each value is known; the message has them too

  /// Puts what was being done in front of the message: "opening camera 'counter': …".
  [[nodiscard]] Error with_context(std::string_view context) const&;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, int native_code = 0) {
  return tl::unexpected<Error>(Error{code, std::move(message), native_code});
}

/// errno at the moment of the call, as an Error: "open /dev/video0: No such file or directory".
tl::unexpected<Error> fail_errno(ErrorCode code, std::string_view what);
tl::unexpected<Error> fail_errno(ErrorCode code, std::string_view what, int error_number);

/// All problems as one kInvalidInput error, whose message has a line for each.
Error to_error(const Problems& problems);

}  // namespace vitrine
