// SPDX-License-Identifier: Apache-2.0
// A shop's answer: parsed, and each row of it read by the mappers of both backends. What they accept holds
// what the catalogue and the order book build on.
#include <cstdlib>
#include <string_view>

#include "commerce/adapters/medusa_rows.h"
#include "commerce/adapters/vendure_rows.h"
#include "commerce/backend_json.h"

namespace {

using namespace vitrine;
using namespace vitrine::commerce;
using nlohmann::json;

const vendure::Shop kVendure = {
    .fields = {.presale = "presale",
               .reference_price = "compareAtPrice",
               .timed_price = "promoPrice",
               .timed_from = "promoStartsAt",
               .timed_until = "promoEndsAt",
               .timed_operation = "promoOperation"},
    .category_facet = "category",
    .page_address = "https://shop.example/p/{handle}",
};
const medusa::Shop kMedusa = {
    .currency = {'C', 'N', 'Y'}, .location = "", .presale_metadata = "presale", .page_address = ""};

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const tl::expected<CatalogueItem, RefusedRow>& item) {
  if (!item) return require(!item.error().problems.empty());
  require(!item->ref.product.empty() && item->ref.product.size() <= 128);
  require(!item->ref.variant.empty() && item->ref.variant.size() <= 128);
  require(!item->stock || *item->stock >= 0);
  require(item->availability != Availability::kUnknown || !check_row(*item, {item->price.currency}).empty());
  require(!item->reference_price || item->reference_price->minor > item->price.minor);
  (void)check_row(*item, {item->price.currency});
}

void check(const tl::expected<Order, RefusedOrder>& order) {
  if (!order) return require(!order.error().problems.empty());
  require(!order->id.empty() && order->state != OrderState::kUnknown);
  require(order->balance().minor >= 0);
  for (const auto& line : order->lines) require(line.quantity >= 0);
}

void read(const json& row) {
  check(vendure::to_item(row, kVendure));
  check(vendure::to_order(row));
  (void)vendure::timed_fields_of(row, kVendure);
  check(medusa::to_order(row));
  if (!row.is_object()) return;
  const auto variants = row.find("variants");
  if (variants == row.end() || !variants->is_array()) return;
  for (const auto& variant : *variants) {
    check(medusa::to_item(row, variant, nullptr, kMedusa));
    (void)medusa::stock_place_of(variant, kMedusa);
    if (!variant.is_object()) continue;
    const auto calculated = variant.find("calculated_price");
    if (calculated != variant.end()) check(medusa::to_item(row, variant, &*calculated, kMedusa));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto answer = parse_backend_json({reinterpret_cast<const char*>(data), size});
  if (!answer) return 0;
  read(*answer);
  return 0;
}
