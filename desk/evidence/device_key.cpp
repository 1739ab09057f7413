// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/device_key.h"

#include <array>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/unique_fd.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKeyName = "device-key";
/// SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes. Source: RFC 8410, 4 and 10.1.
constexpr std::array<unsigned char, 12> kSpkiPrefix = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

using PublicKey = std::array<unsigned char, crypto_sign_PUBLICKEYBYTES>;

/// Both halves, wiped when they go.
struct KeyPair {
  PublicKey open{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> closed{};
  KeyPair() = default;
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair() { sodium_memzero(closed.data(), closed.size()); }
};

template <size_t kBytes>
bool bytes_of_hex(std::string_view hex, std::array<unsigned char, kBytes>& bytes) {
  size_t length = 0;
  return hex.size() == 2 * kBytes &&
         sodium_hex2bin(bytes.data(), bytes.size(), hex.data(), hex.size(), nullptr, &length, nullptr) == 0 &&
         length == kBytes;
}

bool expand_seed(const Secret& seed_hex, KeyPair& pair) {
  std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
  const bool is_seed = bytes_of_hex(seed_hex.reveal(), seed);
  if (is_seed) crypto_sign_seed_keypair(pair.open.data(), pair.closed.data(), seed.data());
  sodium_memzero(seed.data(), seed.size());
  return is_seed;
}

std::string der_of(const PublicKey& key) {
  std::string der(kSpkiPrefix.begin(), kSpkiPrefix.end());
  der.append(key.begin(), key.end());
  return der;
}

/// A new seed on the disk under its name, or nothing: a key that was used must never be another one after a
/// power cut.
Status make_seed(const fs::path& directory) {
  std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
  randombytes_buf(seed.data(), seed.size());
  std::string hex(2 * seed.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), seed.data(), seed.size());
  hex.pop_back();  // its NUL
  sodium_memzero(seed.data(), seed.size());
  return store_credential(directory, kKeyName, Secret(std::move(hex)));
}

}  // namespace

Result<DeviceKey> DeviceKey::open(const fs::path& directory) {
  if (sodium_init() < 0) return fail(ErrorCode::kUnknown, "libsodium can't be used here");
  auto seed = load_credential(directory, kKeyName);
  if (!seed && seed.error().code == ErrorCode::kNotFound) {
    if (auto made = make_seed(directory); !made) return tl::unexpected(made.error());
    seed = load_credential(directory, kKeyName);
  }
  if (!seed) return tl::unexpected(seed.error());
  KeyPair pair;
  if (!expand_seed(*seed, pair)) {
    return fail(
        ErrorCode::kInvalidInput,
        fmt::format("{}: no key; allowed: 64 hexadecimal digits. Put back the file that was here, or move "
                    "this one away: then a new key is made, and the chain says so",
                    (directory / kKeyName).string()));
  }
  std::array<char, 2 * crypto_sign_PUBLICKEYBYTES + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), pair.open.data(), pair.open.size());
  return DeviceKey(std::move(*seed), hex.data());
}

std::string DeviceKey::id() const {
  return device_id(public_hex_);
}

std::string DeviceKey::public_pem() const {
  return desk::public_pem(public_hex_);
}

std::string DeviceKey::sign(std::string_view text) const {
  KeyPair pair;
  expand_seed(seed_hex_, pair);
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), pair.closed.data());
  return signature;
}

std::string device_id(std::string_view public_hex) {
  PublicKey key{};
  if (!bytes_of_hex(public_hex, key)) return "";
  const std::string der = der_of(key);
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(der.data()), der.size(),
                     nullptr, 0);
  std::array<char, 33> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

std::string public_pem(std::string_view public_hex) {
  PublicKey key{};
  if (!bytes_of_hex(public_hex, key)) return "";
  const std::string der = der_of(key);
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::array<char, sodium_base64_ENCODED_LEN(kSpkiPrefix.size() + crypto_sign_PUBLICKEYBYTES, kVariant)>
      base64{};
  sodium_bin2base64(base64.data(), base64.size(), reinterpret_cast<const unsigned char*>(der.data()),
                    der.size(), kVariant);
  return fmt::format("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64.data());
}

bool is_signed_by(std::string_view public_hex, std::string_view text, std::string_view signature) {
  PublicKey key{};
  return bytes_of_hex(public_hex, key) && signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(signature.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                     key.data()) == 0;
}

}  // namespace vitrine::desk
