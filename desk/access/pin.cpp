// SPDX-License-Identifier: Apache-2.0
#include "desk/access/pin.h"

#include <algorithm>
#include <array>
#include <sodium.h>

namespace vitrine::desk {
namespace {

constexpr size_t kLeastDigits = 6;
constexpr size_t kMostDigits = 12;
constexpr int kMostCallers = 2;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "456789", "890123", "987654".
bool counts(std::string_view pin) {
  for (const int step : {1, 9}) {
    const auto is_break = [&](char a, char b) { return (a - '0' + step) % 10 != b - '0'; };
    if (std::ranges::adjacent_find(pin, is_break) == pin.end()) return true;
  }
  return false;
}

/// "111111", "121212", "123123", "520520".
bool repeats(std::string_view pin) {
  for (size_t period = 1; period <= pin.size() / 2; ++period) {
    bool is_same = true;
    for (size_t i = period; i < pin.size() && is_same; ++i) is_same = pin[i] == pin[i - period];
    if (is_same) return true;
  }
  return false;
}

int number(std::string_view pin, size_t at, size_t digits) {
  int value = 0;
  for (const char c : pin.substr(at, digits)) value = value * 10 + (c - '0');
  return value;
}

bool is_day(int month, int day) {
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool is_year(int year) {
  return year >= 1900 && year <= 2100;
}

/// 850817, 170885, 081785, 19850817, 17081985, 08171985.
bool is_date(std::string_view pin) {
  if (pin.size() == 6)
    return is_day(number(pin, 2, 2), number(pin, 4, 2)) || is_day(number(pin, 2, 2), number(pin, 0, 2)) ||
           is_day(number(pin, 0, 2), number(pin, 2, 2));
  if (pin.size() != 8) return false;
  return (is_year(number(pin, 0, 4)) && is_day(number(pin, 4, 2), number(pin, 6, 2))) ||
         (is_year(number(pin, 4, 4)) &&
          (is_day(number(pin, 0, 2), number(pin, 2, 2)) || is_day(number(pin, 2, 2), number(pin, 0, 2))));
}

/// Shapes on the keys, pairs, and numbers that sound like words in Chinese.
constexpr std::array<std::string_view, 14> kPopular = {"112233",  "123321",  "147258",    "159357", "159753",
                                                       "258369",  "258456",  "741852",    "789456", "963852",
                                                       "1314520", "5201314", "147258369", "665544"};

/// Of no PIN, at the cost of ours.
constexpr std::string_view kNobodys =
    "$argon2id$v=19$m=65536,t=2,p=1$Ie1loAycDjOAkMRhZw/FWw$Dl87aSLIB6APfQbv4nY3LMQeG0bUvHktrA6chPWiNmI";

}  // namespace

std::string weakness_of(std::string_view pin) {
  if (pin.size() < kLeastDigits || pin.size() > kMostDigits || !std::ranges::all_of(pin, is_digit))
    return "not 6 to 12 digits";
  if (repeats(pin)) return "the same again and again";
  if (counts(pin)) return "counted up or down";
  if (is_date(pin)) return "a date";
  if (std::ranges::find(kPopular, pin) != kPopular.end()) return "one of the first that are tried";
  return "";
}

template <typename Work>
auto PinHasher::in_turn(const Work& work) -> decltype(work()) {
  struct Place {
    explicit Place(std::atomic<int>& all) : callers(all), number(++all) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { --callers; }
    std::atomic<int>& callers;
    const int number;
  };
  const Place place(callers_);
  if (place.number > kMostCallers)
    return fail(ErrorCode::kRateLimited, "other PINs are being checked; try again in a second");
  const std::lock_guard lock(mutex_);
  return work();
}

Result<std::string> PinHasher::hash(std::string_view pin) {
  return in_turn([&]() -> Result<std::string> {
    std::string text(crypto_pwhash_STRBYTES, '\0');
    if (crypto_pwhash_str_alg(text.data(), pin.data(), pin.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                              crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) != 0)
      return fail(ErrorCode::kIo, "no memory to hash a PIN (64 MiB)");
    text.resize(text.find('\0'));
    return text;
  });
}

Result<bool> PinHasher::is_right(const std::string& hash, std::string_view pin) {
  return in_turn(
      [&]() -> Result<bool> { return crypto_pwhash_str_verify(hash.c_str(), pin.data(), pin.size()) == 0; });
}

Status PinHasher::waste(std::string_view pin) {
  const auto ignored = is_right(std::string(kNobodys), pin);
  return ignored ? Status{} : tl::unexpected(ignored.error());
}

}  // namespace vitrine::desk
