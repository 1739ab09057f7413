// SPDX-License-Identifier: Apache-2.0
#include "core/money.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace vitrine {
namespace {

struct Currency {
  std::string_view code;
  int digits;
  std::string_view symbol;
};

// ISO 4217 minor units; symbols as price tags show them.
constexpr std::array kCurrencies = {
    Currency{"CNY", 2, "¥"},   Currency{"USD", 2, "$"},   Currency{"EUR", 2, "€"},
    Currency{"GBP", 2, "£"},   Currency{"JPY", 0, "¥"},   Currency{"KRW", 0, "₩"},
    Currency{"HKD", 2, "HK$"}, Currency{"TWD", 2, "NT$"}, Currency{"MOP", 2, "MOP$"},
    Currency{"SGD", 2, "S$"},  Currency{"MYR", 2, "RM"},  Currency{"THB", 2, "฿"},
    Currency{"VND", 0, "₫"},   Currency{"IDR", 2, "Rp"},  Currency{"PHP", 2, "₱"},
    Currency{"AUD", 2, "A$"},  Currency{"CAD", 2, "C$"},  Currency{"CHF", 2, "CHF"},
    Currency{"RUB", 2, "₽"}, Currency{"KWD", 3, "KWD"},
};

const Currency* find_currency(std::string_view code) {
  const auto* found = std::ranges::find(kCurrencies, code, &Currency::code);
  return found == kCurrencies.end() ? nullptr : found;
}

std::string_view code_of(const Money& money) {
  return {money.currency.data(), money.currency.size()};
}

}  // namespace

std::optional<int> minor_digits(std::string_view currency) {
  const auto* found = find_currency(currency);
  return found ? std::optional(found->digits) : std::nullopt;
}

std::string format_amount(const Money& money, Cents cents) {
  const int digits = minor_digits(code_of(money)).value_or(2);
  int64_t scale = 1;
  for (int i = 0; i < digits; ++i) scale *= 10;
  const uint64_t magnitude =
      money.minor < 0 ? 0 - static_cast<uint64_t>(money.minor) : static_cast<uint64_t>(money.minor);
  const uint64_t whole = magnitude / static_cast<uint64_t>(scale);
  std::string text = fmt::format("{}{}", money.minor < 0 ? "-" : "", whole);
  if (digits == 0) return text;
  std::string fraction = fmt::format("{:0{}}", magnitude % static_cast<uint64_t>(scale), digits);
  if (cents == Cents::kTrim) fraction.erase(fraction.find_last_not_of('0') + 1);
  return fraction.empty() ? text : text + "." + fraction;
}

std::optional<Money> parse_amount(std::string_view text, std::array<char, 3> currency) {
  constexpr size_t kMostDigits = 17;  // below 2^63 with every currency's digits
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  std::string fraction(point < text.size() ? text.substr(point + 1) : "");
  if (digits.empty() || (point < text.size() && fraction.empty())) return std::nullopt;
  const auto wanted = static_cast<size_t>(minor_digits({currency.data(), currency.size()}).value_or(2));
  while (fraction.size() > wanted && fraction.back() == '0') fraction.pop_back();
  if (fraction.size() > wanted) return std::nullopt;
  fraction.resize(wanted, '0');
  digits += fraction;
  int64_t minor = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), minor);
  if (digits.size() > kMostDigits || error != std::errc{} || end != digits.data() + digits.size() ||
      digits[0] == '-')
    return std::nullopt;
  return Money{is_negative ? -minor : minor, currency};
}

std::string currency_symbol(const Money& money) {
  const auto* found = find_currency(code_of(money));
  return std::string(found ? found->symbol : code_of(money));
}

}  // namespace vitrine
