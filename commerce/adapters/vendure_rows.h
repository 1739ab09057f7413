// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "commerce/adapter.h"

namespace vitrine::commerce::vendure {

/// The shop's own fields, by the names its configuration gives them; empty: it has none. Amounts are in the
/// channel's own terms: with tax where its prices include tax.
struct CustomFields {
  std::string presale;          // of the product, boolean
  std::string reference_price;  // of the variant, int: struck through
  std::string timed_price;      // of the variant, int; all four or none
  std::string timed_from;       // datetime
  std::string timed_until;      // datetime, exclusive
  std::string timed_operation;  // text: whose it is

  [[nodiscard]] bool has_timed_price() const {
    return !timed_price.empty() && !timed_from.empty() && !timed_until.empty() && !timed_operation.empty();
  }
};

/// What stands outside a row and decides what it means.
struct Shop {
  CustomFields fields = {};
  std::string category_facet = {};  // code of the facet whose value is the category
  std::string page_address = {};    // "https://shop.example/p/{handle}"; empty: none
  bool prices_include_tax = true;
  bool tracks_inventory = true;        // for variants that inherit it
  int64_t out_of_stock_threshold = 0;  // for variants that inherit it
};

/// GraphQL selections that the mappers below read.
std::string variant_selection(const Shop& shop);
extern const char* const kOrderSelection;

/// A ProductVariant. Price: priceWithTax, what a customer pays now.
tl::expected<CatalogueItem, RefusedRow> to_item(const nlohmann::json& variant, const Shop& shop);
/// An Order. Its id is its code: hooks and people use nothing else.
tl::expected<Order, RefusedOrder> to_order(const nlohmann::json& order);

/// The "data" of an answer that has {"productVariants":{"items":[…]}}, or {"orders":{"items":[…]}}.
ReadItems items_of(const nlohmann::json& data, const Shop& shop);
ReadOrders orders_of(const nlohmann::json& data);
/// What an event names, its signature checked. Errors: kProtocol.
Result<Adapter::Event> to_event(const nlohmann::json& body);

/// What a variant's stock is made of.
struct StockCount {
  int64_t on_hand = 0;
  int64_t held = 0;  // allocated to orders, and the threshold below which nothing is sold
  size_t places = 0;

  /// The server oversells: below zero is sold out.
  [[nodiscard]] int64_t left() const { return on_hand > held ? on_hand - held : 0; }
};
/// nullopt where the shop does not count.
std::optional<StockCount> stock_of(const nlohmann::json& variant, const Shop& shop, Problems& problems);

/// A timed price as it stands in a variant's fields.
struct TimedFields {
  int64_t price_minor = 0;
  Window window;
  std::string operation;  // empty: somebody else's

  bool operator==(const TimedFields&) const = default;
};
/// nullopt: there is none, or nothing of use.
std::optional<TimedFields> timed_fields_of(const nlohmann::json& variant, const Shop& shop);

}  // namespace vitrine::commerce::vendure
