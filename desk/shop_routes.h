// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "commerce/shop_data.h"
#include "core/config.h"
#include "desk/api/route.h"
#include "desk/papers.h"
#include "desk/shop_link.h"
#include "desk/show/show_book.h"

namespace vitrine::desk {

/// The shop's items, orders and offers, and how equal this box and the shop's server are.
class ShopRoutes {
 public:
  struct Parts {
    const Config& config;
    commerce::ShopData& data;
    Papers& papers;
    ShopLink& link;
    const ShowBook& shows;
  };
  explicit ShopRoutes(const Parts& parts) : parts_(parts) {}

  /// They live no longer than this.
  [[nodiscard]] std::vector<Route> routes();
  Result<ApiAnswer> sync(const ApiRequest& request);

 private:
  Result<ApiAnswer> items(const ApiRequest& request);
  Result<ApiAnswer> items_of_show(const ApiRequest& request);
  Result<ApiAnswer> refused_items(const ApiRequest& request);
  Result<ApiAnswer> item(const ApiRequest& request);
  Result<ApiAnswer> read_all(const ApiRequest& request);
  Result<ApiAnswer> orders(const ApiRequest& request);
  Result<ApiAnswer> sales(const ApiRequest& request);
  Result<ApiAnswer> offers(const ApiRequest& request);
  Result<ApiAnswer> start_offer(const ApiRequest& request);
  Result<ApiAnswer> end_offer(const ApiRequest& request);
  Result<ApiAnswer> listings(const ApiRequest& request);
  Result<ApiAnswer> queue_listing(const ApiRequest& request);
  Result<ApiAnswer> change_listing(const ApiRequest& request);

  const Parts parts_;
};

nlohmann::json to_json(const commerce::Offer& offer);
nlohmann::json to_json(const commerce::Listing& listing);

}  // namespace vitrine::desk
