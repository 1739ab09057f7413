// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/signed_event.h"

#include <array>
#include <charconv>
#include <sodium.h>

#include "commerce/backend_json.h"

namespace vitrine::commerce {
namespace {

constexpr std::chrono::minutes kOldest{5};
constexpr size_t kMostBytes = size_t{256} << 10;

using Digest = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Digest sign(const Secret& secret, std::string_view timestamp, std::string_view body) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes(secret.reveal()), secret.reveal().size());
  crypto_auth_hmacsha256_update(&state, bytes(timestamp), timestamp.size());
  crypto_auth_hmacsha256_update(&state, bytes("."), 1);
  crypto_auth_hmacsha256_update(&state, bytes(body), body.size());
  Digest digest{};
  crypto_auth_hmacsha256_final(&state, digest.data());
  sodium_memzero(&state, sizeof state);
  return digest;
}

}  // namespace

Result<nlohmann::json> verify_event(const EventSignature& signature,
                                    const std::map<std::string, std::string>& headers, std::string_view body,
                                    Instant now) {
  if (signature.secret.is_empty())
    return fail(ErrorCode::kAuthRejected, "this shop has no secret for events");
  const auto timestamp = headers.find(signature.timestamp_header);
  const auto given = headers.find(signature.signature_header);
  if (timestamp == headers.end() || given == headers.end())
    return fail(ErrorCode::kAuthRejected, "the event is not signed");
  if (body.size() > kMostBytes || timestamp->second.size() > 20)
    return fail(ErrorCode::kProtocol, "the event is larger than any that a shop sends");

  const Digest wanted = sign(signature.secret, timestamp->second, body);
  Digest found{};
  size_t length = 0;
  const bool is_hex = sodium_hex2bin(found.data(), found.size(), given->second.data(), given->second.size(),
                                     nullptr, &length, nullptr) == 0;
  if (!is_hex || length != found.size() || sodium_memcmp(found.data(), wanted.data(), wanted.size()) != 0)
    return fail(ErrorCode::kAuthRejected, "the event's signature is wrong");

  int64_t seconds = 0;
  const std::string& text = timestamp->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr int64_t kLatest = 253'402'300'799;  // the year 9999
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0 || seconds > kLatest)
    return fail(ErrorCode::kProtocol, "the event's timestamp is not in Unix seconds");
  const auto age = now - Instant{std::chrono::seconds{seconds}};
  if (age > kOldest || age < -kOldest) return fail(ErrorCode::kTimeout, "the event is older than 5 minutes");
  return parse_backend_json(body);
}

}  // namespace vitrine::commerce
