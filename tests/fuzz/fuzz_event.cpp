// SPDX-License-Identifier: Apache-2.0
// A webhook's body, signed by us as a shop would: what does somebody who knows the secret make of us? And one
// who does not must never get as far as the parser.
#include <array>
#include <sodium.h>

#include "commerce/adapters/medusa_rows.h"
#include "commerce/adapters/signed_event.h"
#include "commerce/adapters/vendure_rows.h"
#include "row_checks.h"

namespace {

using namespace vitrine;
using namespace vitrine::commerce;

const std::string kSecret = "the shop's secret";
const std::string kTimestamp = "1795345872";
const Instant kNow{std::chrono::seconds{1795345872}};

std::string sign(std::string_view body) {
  const std::string signed_text = kTimestamp + "." + std::string(body);
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> digest{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(kSecret.data()), kSecret.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(signed_text.data()),
                                signed_text.size());
  crypto_auth_hmacsha256_final(&state, digest.data());
  std::array<char, 2 * crypto_auth_hmacsha256_BYTES + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return hex.data();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const EventSignature signature{.secret = Secret(kSecret)};
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::map<std::string, std::string> headers{{signature.timestamp_header, kTimestamp},
                                             {signature.signature_header, sign(body)}};
  if (const auto event = verify_event(signature, headers, body, kNow)) {
    if (const auto found = vendure::to_event(*event)) check(*found);
    if (const auto found = medusa::to_event(*event)) check(*found);
  }
  std::string& forged = headers[signature.signature_header];
  forged[size % forged.size()] ^= 1;
  const auto refused = verify_event(signature, headers, body, kNow);
  require(!refused && refused.error().code ==
                          (size > size_t{256} << 10 ? ErrorCode::kProtocol : ErrorCode::kAuthRejected));
  return 0;
}
