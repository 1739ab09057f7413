// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "commerce/catalogue.h"
#include "commerce/freshness.h"
#include "commerce/listing_book.h"
#include "commerce/offer_book.h"
#include "commerce/order_book.h"
#include "commerce/outbox.h"
#include "commerce/store.h"

namespace vitrine::commerce {

/// What this box knows of one shop, there whether its server can be reached or not. Threads: any.
struct ShopData {
  ShopData(Store& in, std::string name, const RowRules& rules)
      : store(in),
        backend(std::move(name)),
        catalogue(store, backend, rules),
        orders(store, backend),
        outbox(store),
        offers(store, outbox, catalogue, backend),
        listings(store, outbox, backend) {}

  Store& store;
  const std::string backend;
  Catalogue catalogue;
  OrderBook orders;
  Outbox outbox;
  Freshness freshness;
  OfferBook offers;
  ListingBook listings;
};

}  // namespace vitrine::commerce
