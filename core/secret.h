// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.h"

namespace vitrine {

/// A stream key, password or token. It has no stream operator, no JSON form and no formatter, can't be copied
/// by accident, and its memory is wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  [[nodiscard]] bool is_empty() const { return value_.empty(); }
  [[nodiscard]] Secret clone() const { return Secret(value_); }

  /// Only for the bytes that go to the peer.
  [[nodiscard]] const std::string& reveal() const { return value_; }

 private:
  void wipe();
  std::string value_;
};

/// Reads credential `name`: first from $CREDENTIALS_DIRECTORY (systemd), else from `directory`. Trailing
/// newlines go. Errors: kNotFound; kPermission when the file can be read by group or others; kInvalidInput
/// when it is empty or larger than 4 KiB. The messages name the file and the command that mends it, never the
/// content.
Result<Secret> load_credential(const std::filesystem::path& directory, std::string_view name);

/// Puts credential `name` into `directory` (made where it is missing), for its owner only: on the disk when it
/// returns, or what was there before still is. Errors: kIo, kPermission.
Status store_credential(const std::filesystem::path& directory, std::string_view name, const Secret& secret);

}  // namespace vitrine
