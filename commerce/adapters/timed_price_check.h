// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "commerce/adapter.h"

namespace vitrine::commerce {

/// What no server checks: Vendure and Medusa take a window that ends before it begins, and a price below
/// zero. Says why it is refused; nullopt: it can be sent.
std::optional<WriteOutcome> refuse_timed_price(const TimedPrice& price, std::array<char, 3> currency,
                                               Instant now);

/// Refused too where it is no reduction: it would never be seen.
std::optional<WriteOutcome> refuse_timed_price(const TimedPrice& price,
                                               const std::vector<CatalogueItem>& items);

}  // namespace vitrine::commerce
