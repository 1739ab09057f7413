// SPDX-License-Identifier: Apache-2.0
#include "commerce/item.h"

#include <array>

#include <fmt/format.h>

#include "core/text_rules.h"

namespace vitrine::commerce {
namespace {

constexpr size_t kMaxIdBytes = 128;
constexpr size_t kMaxTitleBytes = 600;  // 200 Chinese characters; platforms end at 60
constexpr size_t kMaxShortBytes = 200;
constexpr size_t kMaxUrlBytes = 2048;
constexpr int64_t kMostStock = 1'000'000'000;

constexpr std::array<std::string_view, 6> kAvailabilityNames = {"unknown",   "listed", "delisted",
                                                                "in_review", "banned", "deleted"};

class Checker {
 public:
  explicit Checker(Problems& problems) : problems_(problems) {}

  void text(const char* field, const std::string& value, size_t max_bytes) {
    if (value.size() > max_bytes)
      refuse(field, fmt::format("{} bytes", value.size()), fmt::format("at most {} bytes", max_bytes));
    else if (const auto unsafe = find_unsafe_character(value))
      refuse(field, *unsafe, "text without control, invisible or direction-changing characters");
  }
  void required(const char* field, const std::string& value, size_t max_bytes) {
    if (value.empty())
      refuse(field, "nothing", "a value");
    else
      text(field, value, max_bytes);
  }
  void price(const char* field, const Money& money, const RowRules& rules) {
    const std::string found =
        fmt::format("{} {}", format_amount(money, Cents::kKeep), std::string_view(money.currency.data(), 3));
    if (money.currency != rules.currency)
      refuse(field, found, fmt::format("a price in {}", std::string_view(rules.currency.data(), 3)));
    else if (money.minor <= 0 || money.minor > rules.highest_price_minor)
      refuse(field, found,
             fmt::format("above 0 and at most {}",
                         format_amount({rules.highest_price_minor, rules.currency}, Cents::kKeep)));
  }
  void refuse(const char* field, std::string found, std::string allowed) {
    problems_.push_back({field, std::move(found), std::move(allowed)});
  }

 private:
  Problems& problems_;
};

}  // namespace

std::string Ref::text() const {
  return variant.empty() ? product : product + "/" + variant;
}

Problems check_row(const CatalogueItem& item, const RowRules& rules) {
  Problems problems;
  Checker check(problems);
  check.required("product id", item.ref.product, kMaxIdBytes);
  check.text("variant id", item.ref.variant, kMaxIdBytes);
  check.text("sku", item.sku, kMaxIdBytes);
  check.required("title", item.title, kMaxTitleBytes);
  check.text("option", item.option, kMaxShortBytes);
  check.text("category", item.category, kMaxShortBytes);
  check.text("image address", item.image_url, kMaxUrlBytes);
  check.text("shop address", item.shop_url, kMaxUrlBytes);
  check.price("price", item.price, rules);
  if (item.base_price) check.price("base price", *item.base_price, rules);
  if (item.reference_price) check.price("reference price", *item.reference_price, rules);
  if (item.stock && (*item.stock < 0 || *item.stock > kMostStock))
    check.refuse("stock", std::to_string(*item.stock), fmt::format("0 to {}", kMostStock));
  if (item.availability == Availability::kUnknown)
    check.refuse("availability", "unknown", "listed, delisted, in_review, banned or deleted");
  return problems;
}

std::string_view to_string(Availability availability) {
  return kAvailabilityNames[static_cast<size_t>(availability)];
}

Availability availability_from(std::string_view name) {
  for (size_t i = 0; i < kAvailabilityNames.size(); ++i)
    if (kAvailabilityNames[i] == name) return static_cast<Availability>(i);
  return Availability::kUnknown;
}

}  // namespace vitrine::commerce
