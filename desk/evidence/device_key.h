// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/secret.h"

namespace vitrine::desk {

/// The Ed25519 key with which this box signs its evidence. It says: this box, and whoever could read its
/// disk as root. It never leaves the box.
class DeviceKey {
 public:
  /// `directory`/device-key, made on the first start: the seed in hex, mode 0600. A systemd credential of the
  /// same name wins. Errors: those of load_credential, kIo.
  static Result<DeviceKey> open(const std::filesystem::path& directory);

  [[nodiscard]] const std::string& public_hex() const { return public_hex_; }
  /// What a person compares: `openssl pkey -pubin -in device-key.pem -outform DER | b2sum -l 128`
  [[nodiscard]] std::string id() const;
  /// SubjectPublicKeyInfo (RFC 8410), as openssl reads it.
  [[nodiscard]] std::string public_pem() const;
  /// 64 bytes.
  [[nodiscard]] std::string sign(std::string_view text) const;

 private:
  DeviceKey(Secret seed_hex, std::string public_hex)
      : seed_hex_(std::move(seed_hex)), public_hex_(std::move(public_hex)) {}
  Secret seed_hex_;
  std::string public_hex_;
};

/// Of a key in hex; empty where it is none.
std::string device_id(std::string_view public_hex);
std::string public_pem(std::string_view public_hex);
bool is_signed_by(std::string_view public_hex, std::string_view text, std::string_view signature);

}  // namespace vitrine::desk
