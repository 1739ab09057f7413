// SPDX-License-Identifier: Apache-2.0
// Answers of Medusa's APIs: the admin's products beside the prices that the store calculates for them, and
// orders. An input is {"admin": …, "store": …}, each an answer as it came.
#include <string_view>

#include "commerce/adapters/json_at.h"
#include "commerce/adapters/medusa_rows.h"
#include "commerce/backend_json.h"
#include "row_checks.h"

namespace {

using namespace vitrine;
using namespace vitrine::commerce;

const medusa::Shop kEverywhere = {.presale_metadata = "presale",
                                  .page_address = "https://shop.example/p/{handle}"};
const medusa::Shop kOnePlace = {.currency = {'U', 'S', 'D'}, .location = "sloc_1"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto answers = parse_backend_json({reinterpret_cast<const char*>(data), size});
  if (!answers) return 0;
  const auto& admin = json_at(*answers, {"admin"});
  const auto prices = medusa::prices_of(json_at(*answers, {"store"}));
  for (const auto* shop : {&kEverywhere, &kOnePlace}) {
    check(medusa::items_of(admin, prices, *shop));
    for (const auto& product : list_at(admin, {"products"})) {
      for (const auto& variant : list_at(product, {"variants"})) {
        const auto place = medusa::stock_place_of(variant, *shop);
        require(!place || (place->left >= 0 && !place->inventory_item.empty()));
      }
    }
  }
  check(medusa::orders_of(admin));
  return 0;
}
