// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "commerce/adapter.h"
#include "commerce/outbox.h"

namespace vitrine::commerce {

/// What the outbox can hold, as values. The body of an operation is their JSON.
struct SetListing {
  Ref ref;
  Adapter::Listing listing = Adapter::Listing::kOff;
};
struct SetStock {
  Ref ref;
  int64_t stock = 0;
  std::optional<int64_t> expected;  // what we knew when it was wished
};
/// Where a shop knows no timed price: put down at the beginning, and back at the end.
struct SetPrices {
  struct Change {
    Money price;
    Money expected;  // what it must be now: somebody else's price is left as it is
  };
  std::map<Ref, Change> prices;  // of one product
  std::optional<Instant> until;  // by the shop's clock; later it is not worth doing
};
struct EndTimedPrice {
  std::string product;
  std::string put;  // the operation that put it
};

Operation make_operation(std::string backend, const SetListing& wish, Instant now);
Operation make_operation(std::string backend, const SetStock& wish, Instant now);
/// All prices are of one product. `price.operation` becomes the operation's id.
Operation make_operation(std::string backend, const TimedPrice& price, Instant now);
Operation make_operation(std::string backend, const EndTimedPrice& end, Instant now);
Operation make_operation(std::string backend, const SetPrices& wish, Instant now);

/// Errors: kInvalidInput for a body that is of another kind or damaged.
Result<SetListing> set_listing_of(const Operation& operation);
Result<SetStock> set_stock_of(const Operation& operation);
Result<TimedPrice> timed_price_of(const Operation& operation);
Result<EndTimedPrice> end_timed_price_of(const Operation& operation);
Result<SetPrices> set_prices_of(const Operation& operation);

}  // namespace vitrine::commerce
