// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vitrine {

/// Integer minor units and an ISO 4217 code. Never floating point.
struct Money {
  int64_t minor = 0;
  std::array<char, 3> currency{};

  auto operator<=>(const Money&) const = default;
};

/// Digits after the point of a currency this box may show; nullopt for a code it doesn't know (ISO 4217, list
/// one).
std::optional<int> minor_digits(std::string_view currency);

/// The amount as a shop writes it: no trailing zero cents ("39.9", "40", "1299"); "39.90" when `keep_cents`
/// is kKeep.
enum class Cents { kTrim, kKeep };
std::string format_amount(const Money& money, Cents cents);

/// An amount as a backend writes it: "298.9", "298.9000", "1299". nullopt for anything else, for more digits
/// than the currency has (never rounded: 0.1 + 0.2 is somebody's bug), for what does not fit.
std::optional<Money> parse_amount(std::string_view text, std::array<char, 3> currency);

/// "¥", "$", "€", or the code itself.
std::string currency_symbol(const Money& money);

}  // namespace vitrine
