// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "real_shop.h"

namespace vitrine::commerce {

/// A shop without a mall in a store of its own, filled from shop_catalogue.tsv through the import of tables.
std::unique_ptr<RealShop> make_local_shop();

}  // namespace vitrine::commerce
