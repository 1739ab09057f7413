// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commerce/item.h"

namespace vitrine::commerce {

inline constexpr std::array<char, 3> kYuan{'C', 'N', 'Y'};

inline CatalogueItem pears(const std::string& variant = "v1") {
  return {.ref = {"p1", variant},
          .sku = "LS-0001-1",
          .title = "延边苹果梨",
          .option = "5kg",
          .category = "生鲜水果",
          .image_url = "http://127.0.0.1/pear.png",
          .shop_url = "",
          .availability = Availability::kListed,
          .price = {3990, kYuan},
          .base_price = std::nullopt,
          .reference_price = Money{5990, kYuan},
          .stock = 12,
          .is_presale = false,
          .version = "1"};
}

}  // namespace vitrine::commerce
