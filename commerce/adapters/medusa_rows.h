// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "commerce/adapter.h"

namespace vitrine::commerce::medusa {

/// What stands outside a row and decides what it means.
struct Shop {
  std::array<char, 3> currency{'C', 'N', 'Y'};
  std::string location = {};          // of the stock that counts; empty: all
  std::string presale_metadata = {};  // key of the product's metadata, boolean; empty: none
  std::string page_address = {};      // "https://shop.example/p/{handle}"; empty: none
};

/// The `fields` that the mappers below read.
extern const char* const kProductFields;
extern const char* const kOrderFields;

/// A variant of an admin product. `calculated`: its calculated_price as the store sells it, which alone knows
/// price lists, regions and taxes; nullptr where the store does not show it, and then the base price stands
/// there, for nobody can buy it.
tl::expected<CatalogueItem, RefusedRow> to_item(const nlohmann::json& product, const nlohmann::json& variant,
                                                const nlohmann::json* calculated, const Shop& shop);
tl::expected<Order, RefusedOrder> to_order(const nlohmann::json& order);

/// By variant: the calculated_price of each in the store's {"products":[…]}. They point into `answer`.
std::map<std::string, const nlohmann::json*> prices_of(const nlohmann::json& answer);
/// The variants of the admin's {"products":[…]}, and {"orders":[…]}.
ReadItems items_of(const nlohmann::json& answer, const std::map<std::string, const nlohmann::json*>& prices,
                   const Shop& shop);
ReadOrders orders_of(const nlohmann::json& answer);
/// What an event names, its signature checked. Errors: kProtocol.
Result<Adapter::Event> to_event(const nlohmann::json& body);

/// Where a variant's stock lies, when it is one thing at one place.
struct StockPlace {
  std::string inventory_item;
  std::string location;
  int64_t reserved = 0;
  int64_t left = 0;
};
/// nullopt: it is not counted, or it is made of several things or lies at several places.
std::optional<StockPlace> stock_place_of(const nlohmann::json& variant, const Shop& shop);

}  // namespace vitrine::commerce::medusa
