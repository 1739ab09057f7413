// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/medusa_rows.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "commerce/adapters/json_at.h"
#include "commerce/adapters/json_fields.h"
#include "commerce/adapters/rows.h"
#include "core/json_text.h"

namespace vitrine::commerce::medusa {
namespace {

using nlohmann::json;

constexpr int64_t kMostUnits = 1'000'000'000'000;
constexpr int64_t kMillion = 1'000'000;

/// Quantities are decimals in Medusa's database. Half a piece can't be sold.
int64_t units(JsonFields& row, const char* key) {
  return row.whole_units(key, -kMostUnits, kMostUnits);
}

Availability availability_of(const std::string& status, bool is_sold) {
  if (status == "published") return is_sold ? Availability::kListed : Availability::kDelisted;
  if (status == "draft") return Availability::kDelisted;
  if (status == "proposed") return Availability::kInReview;
  if (status == "rejected") return Availability::kBanned;
  return Availability::kUnknown;
}

/// As many as the scarcest of its parts allows; nullopt where it is not counted or may be sold beyond what is
/// there.
std::optional<int64_t> stock_of(JsonFields& row, const Shop& shop, Problems& problems) {
  if (!row.boolean_or("manage_inventory", true) || row.boolean_or("allow_backorder", false))
    return std::nullopt;
  std::optional<int64_t> stock;
  for (const auto& value : row.array("inventory_items")) {
    JsonFields part(value, "inventory_item", problems);
    const int64_t needed =
        std::max<int64_t>(1, part.integer_if_there("required_quantity", 0, kMillion).value_or(1));
    int64_t left = 0;
    JsonFields inventory = part.object("inventory");
    for (const auto& entry : inventory.array("location_levels")) {
      JsonFields level(entry, "location_level", problems);
      if (!shop.location.empty() && level.text("location_id") != shop.location) continue;
      left += units(level, "stocked_quantity") - units(level, "reserved_quantity");
    }
    stock =
        std::min(stock.value_or(std::numeric_limits<int64_t>::max()), std::max<int64_t>(0, left) / needed);
  }
  return stock.value_or(0);
}

std::optional<Money> base_price_of(JsonFields& row, const Shop& shop, Problems& problems) {
  for (const auto& value : row.array("prices")) {
    JsonFields price(value, "price", problems);
    const bool is_for_some =
        price.has("min_quantity") || price.has("max_quantity") || price.has("price_list_id");
    if (is_for_some || price.currency("currency_code") != shop.currency) continue;
    JsonFields rules = price.object("rules");  // "only in this region" and the like
    if (rules.is_empty()) return price.amount("amount", shop.currency);
  }
  return std::nullopt;
}

}  // namespace

const char* const kProductFields =
    "id,title,handle,status,updated_at,thumbnail,metadata,categories.name,*variants,*variants.prices,"
    "*variants.inventory_items,*variants.inventory_items.inventory.location_levels";
const char* const kOrderFields =
    "id,display_id,status,payment_status,fulfillment_status,currency_code,total,created_at,updated_at,"
    "shipping_address.last_name,*items,*payment_collections.payments,*payment_collections.payments.captures,"
    "*payment_collections.payments.refunds";

tl::expected<CatalogueItem, RefusedRow> to_item(const json& product_value, const json& variant,
                                                const json* calculated, const Shop& shop) {
  if (!product_value.is_object() || !variant.is_object())
    return tl::unexpected(RefusedRow{{}, Problems{Problem{"row", describe(variant), "an object"}}});
  Problems problems;
  JsonFields product(product_value, "product", problems);
  JsonFields row(variant, "", problems);
  CatalogueItem item;
  item.ref = {product.id("id"), row.id("id")};
  item.sku = row.text("sku");
  item.title = product.text("title");
  item.option = row.text("title");
  if (const json& categories = product.array("categories"); !categories.empty())
    item.category = JsonFields(categories.front(), "category", problems).text("name");
  item.image_url = product.text("thumbnail");
  item.shop_url = page_address(shop.page_address, product.text("handle"));
  item.availability = availability_of(product.text("status"), calculated != nullptr);
  if (calculated != nullptr) {
    JsonFields price(*calculated, "calculated_price", problems);
    const auto currency = price.currency("currency_code");
    item.price = price.amount("calculated_amount", currency);
    const auto original = price.amount_if_there("original_amount", currency);
    if (original && original->minor > item.price.minor) item.reference_price = original;
  } else if (const auto base = base_price_of(row, shop, problems)) {
    item.price = *base;
  } else {
    row.refuse("prices", "none", fmt::format("a price in {}", std::string_view(shop.currency.data(), 3)));
  }
  item.stock = stock_of(row, shop, problems);
  if (!shop.presale_metadata.empty())
    item.is_presale = product.object("metadata").boolean_or(shop.presale_metadata, false);
  item.version =
      fmt::format("{}.{}.{}.{}", unix_millis(product.instant("updated_at")),
                  unix_millis(row.instant("updated_at")), item.price.minor, item.stock.value_or(-1));
  if (!problems.empty()) return tl::unexpected(RefusedRow{item.ref, std::move(problems)});
  return item;
}

tl::expected<Order, RefusedOrder> to_order(const json& value) {
  if (!value.is_object())
    return tl::unexpected(RefusedOrder{{}, Problems{Problem{"order", describe(value), "an object"}}});
  Problems problems;
  JsonFields row(value, "", problems);
  Order order;
  order.id = row.id("id");
  order.number = row.has("display_id") ? row.id("display_id") : order.id;
  const auto currency = row.currency("currency_code");
  order.total = row.amount("total", currency);
  for (const auto& entry : row.array("items")) {
    JsonFields line(entry, "item", problems);
    const auto id_or_none = [&](const char* key) { return line.has(key) ? line.id(key) : std::string(); };
    order.lines.push_back({.id = line.id("id"),
                           .ref = {id_or_none("product_id"), id_or_none("variant_id")},
                           .sku = line.text("variant_sku"),
                           .quantity = line.whole_units("quantity", 0, kMillion),
                           .unit_price = line.amount("unit_price", currency)});
  }
  OrderFacts facts;
  for (const auto& collection : row.array("payment_collections")) {
    JsonFields payments(collection, "payment_collection", problems);
    for (const auto& entry : payments.array("payments")) {
      JsonFields payment(entry, "payment", problems);
      // What was authorised is promised; what was captured is paid. A deposit is a first capture of several.
      for (const auto& taken : payment.array("captures")) {
        JsonFields capture(taken, "capture", problems);
        order.payments.push_back({.id = capture.id("id"),
                                  .amount = capture.amount("amount", currency),
                                  .at = capture.instant("created_at")});
        facts.paid_minor += order.payments.back().amount.minor;
      }
      for (const auto& back : payment.array("refunds"))
        facts.refunded_minor += JsonFields(back, "refund", problems).amount("amount", currency).minor;
    }
  }
  const std::string status = row.text("status");
  const std::string fulfilment = row.text("fulfillment_status");
  facts.is_cancelled = status == "canceled";
  facts.is_shipped = fulfilment == "shipped" || fulfilment == "delivered";
  facts.total_minor = order.total.minor;
  order.state = order_state(facts);
  order.masked_name = masked_name(row.object("shipping_address").text("last_name"));
  order.placed_at = row.instant("created_at");
  order.version = fmt::format("{}.{}.{}.{}", unix_millis(row.instant("updated_at")), to_string(order.state),
                              facts.paid_minor, facts.refunded_minor);
  if (!problems.empty()) return tl::unexpected(RefusedOrder{order.id, std::move(problems)});
  return order;
}

std::map<std::string, const json*> prices_of(const json& answer) {
  std::map<std::string, const json*> prices;
  for (const auto& product : list_at(answer, {"products"}))
    for (const auto& variant : list_at(product, {"variants"}))
      if (const json& price = json_at(variant, {"calculated_price"}); price.is_object())
        prices[text_at(variant, {"id"})] = &price;
  return prices;
}

ReadItems items_of(const json& answer, const std::map<std::string, const json*>& prices, const Shop& shop) {
  ReadItems read;
  for (const auto& product : list_at(answer, {"products"})) {
    for (const auto& variant : list_at(product, {"variants"})) {
      const auto price = prices.find(text_at(variant, {"id"}));
      add(read, to_item(product, variant, price == prices.end() ? nullptr : price->second, shop));
    }
  }
  return read;
}

ReadOrders orders_of(const json& answer) {
  ReadOrders read;
  for (const auto& row : list_at(answer, {"orders"})) add(read, to_order(row));
  return read;
}

Result<Adapter::Event> to_event(const json& body) {
  Problems problems;
  JsonFields fields(body, "event", problems);
  Adapter::Event event;
  event.id = fields.id("id");
  const std::string topic = fields.text("topic");
  std::vector<std::string> ids;
  const auto take = [&](const json& value) {
    if (value.is_string() && value != "") ids.push_back(value.get<std::string>());
  };
  take(json_at(body, {"data", "id"}));
  for (const auto& one : list_at(body, {"data", "id"})) take(one);
  if (topic.starts_with("order.")) {
    event.orders = ids;
    event.is_orders = ids.empty();
  } else if (topic.starts_with("payment.") || topic.starts_with("order-edit.")) {
    event.is_orders = true;  // its id is the payment's
  } else if (topic.starts_with("product-variant.")) {
    for (auto& variant : ids) event.items.push_back({"", std::move(variant)});
    event.is_catalogue = event.items.empty();
  } else if (topic.starts_with("product.")) {
    for (auto& product : ids) event.items.push_back({std::move(product), ""});
    event.is_catalogue = event.items.empty();
  } else {
    event.is_catalogue = true;  // stock and prices: their ids are not the item's
  }
  if (!problems.empty()) return fail(ErrorCode::kProtocol, problems.front().text());
  return event;
}

std::optional<StockPlace> stock_place_of(const json& variant, const Shop& shop) {
  if (!variant.is_object()) return std::nullopt;
  Problems problems;
  JsonFields row(variant, "", problems);
  if (!row.boolean_or("manage_inventory", true)) return std::nullopt;
  const json& parts = row.array("inventory_items");
  if (parts.size() != 1) return std::nullopt;
  JsonFields part(parts.front(), "inventory_item", problems);
  if (part.integer_if_there("required_quantity", 0, kMillion).value_or(1) > 1) return std::nullopt;
  std::optional<StockPlace> place;
  JsonFields inventory = part.object("inventory");
  for (const auto& value : inventory.array("location_levels")) {
    JsonFields level(value, "location_level", problems);
    const std::string location = level.id("location_id");
    if (!shop.location.empty() && location != shop.location) continue;
    if (place) return std::nullopt;
    const int64_t reserved = units(level, "reserved_quantity");
    const int64_t left = std::max<int64_t>(0, units(level, "stocked_quantity") - reserved);
    place = StockPlace{level.id("inventory_item_id"), location, reserved, left};
  }
  return problems.empty() ? place : std::nullopt;
}

}  // namespace vitrine::commerce::medusa
