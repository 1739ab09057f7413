// SPDX-License-Identifier: Apache-2.0
// An answer of Vendure's admin API: items and orders, each row read by itself.
#include <string_view>

#include "commerce/adapters/json_at.h"
#include "commerce/adapters/vendure_rows.h"
#include "commerce/backend_json.h"
#include "row_checks.h"

namespace {

using namespace vitrine;
using namespace vitrine::commerce;

const vendure::Shop kWithFields = {
    .fields = {.presale = "presale",
               .reference_price = "compareAtPrice",
               .timed_price = "promoPrice",
               .timed_from = "promoStartsAt",
               .timed_until = "promoEndsAt",
               .timed_operation = "promoOperation"},
    .category_facet = "category",
    .page_address = "https://shop.example/p/{handle}",
};
const vendure::Shop kPlain = {.category_facet = "",
                              .prices_include_tax = false,
                              .tracks_inventory = false,
                              .out_of_stock_threshold = 3};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto answer = parse_backend_json({reinterpret_cast<const char*>(data), size});
  if (!answer) return 0;
  const auto& page = json_at(*answer, {"data"});
  for (const auto* shop : {&kWithFields, &kPlain}) {
    check(vendure::items_of(page, *shop));
    for (const auto& row : list_at(page, {"productVariants", "items"})) {
      const auto timed = vendure::timed_fields_of(row, *shop);
      require(!timed || shop->fields.has_timed_price());
    }
  }
  check(vendure::orders_of(page));
  return 0;
}
