// SPDX-License-Identifier: Apache-2.0
#include "desk/access/bearer.h"

#include <array>
#include <sodium.h>

namespace vitrine::desk {

Secret new_bearer() {
  std::array<unsigned char, 32> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  constexpr auto kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
  sodium_memzero(bytes.data(), bytes.size());
  text.pop_back();  // the terminating zero
  return Secret(std::move(text));
}

std::string hash_of_bearer(std::string_view bearer) {
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(bearer.data()), bearer.size(), nullptr, 0);
  return hash;
}

}  // namespace vitrine::desk
