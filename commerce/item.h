// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/media_time.h"
#include "core/money.h"

namespace vitrine::commerce {

/// How a backend names one thing that can be bought. Its own ids, as text: a 19-digit id does not fit a
/// double. At most 128 bytes each.
struct Ref {
  std::string product;
  std::string variant;  // empty where a product has none

  auto operator<=>(const Ref&) const = default;
  [[nodiscard]] std::string text() const;
};

/// Whether a customer can find and buy it in the shop.
enum class Availability { kUnknown = 0, kListed, kDelisted, kInReview, kBanned, kDeleted };

/// Half-open: [begin, end).
struct Window {
  Instant begin{};
  Instant end{};

  auto operator<=>(const Window&) const = default;
  [[nodiscard]] bool holds(Instant instant) const { return begin <= instant && instant < end; }
};

/// One sellable variant as a backend describes it. Fields the backend owns; what the shop's staff adds
/// (talking points, certificates, role in the show) is `ItemNotes`.
struct CatalogueItem {
  Ref ref;
  std::string sku;       // the seller's own number, on the shelf label; may be empty
  std::string title;     // of the product
  std::string option;    // of the variant: "30ml", "红色 L"
  std::string category;  // as the backend names it
  std::string image_url;
  std::string shop_url;
  Availability availability = Availability::kUnknown;
  Money price;                           // what a customer pays now, tax included
  std::optional<Money> base_price;       // what it is when no timed price runs
  std::optional<Money> reference_price;  // struck through in the shop; on air only with a recorded basis
  std::optional<int64_t> stock;          // that can still be sold; nullopt: not counted
  bool is_presale = false;
  std::string version;  // opaque; equal versions are equal rows

  bool operator==(const CatalogueItem&) const = default;
};

/// What a shop's rows are held against before one of them is taken.
struct RowRules {
  std::array<char, 3> currency{};
  int64_t highest_price_minor =
      100'000'000;  // a slipped decimal point is dearer than any of the shop's goods
};

/// Why a row can't be taken: text with control or bidirectional override characters or far too long, an id
/// that is empty or too long, a price that is negative, zero, absurd or of another currency, impossible
/// stock. Empty: it can. (A backend that oversold counts below zero; adapters give 0 for that: it is sold
/// out.)
Problems check_row(const CatalogueItem& item, const RowRules& rules);

std::string_view to_string(Availability availability);
Availability availability_from(std::string_view name);

}  // namespace vitrine::commerce
