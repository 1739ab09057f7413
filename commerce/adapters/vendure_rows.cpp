// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/vendure_rows.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "commerce/adapters/json_at.h"
#include "commerce/adapters/json_fields.h"
#include "commerce/adapters/rows.h"
#include "core/json_text.h"

namespace vitrine::commerce::vendure {
namespace {

using nlohmann::json;

constexpr int64_t kMostMinor = 1'000'000'000'000;  // GraphQL's Int ends at 2^31, Vendure's Money at 2^53
constexpr int64_t kMostUnits = 1'000'000'000'000;
constexpr int64_t kMillion = 1'000'000;

/// Joined in the order of their ids: the server gives them in none.
std::string option_names(JsonFields& row, Problems& problems) {
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto& value : row.array("options")) {
    JsonFields option(value, "option", problems);
    const std::string id = option.id("id");
    options.emplace_back(std::string(id.size() < 20 ? 20 - id.size() : 0, '0') + id, option.text("name"));
  }
  std::ranges::sort(options);
  std::string names;
  for (const auto& [id, name] : options) names += (names.empty() ? "" : " ") + name;
  return names;
}

std::string category_of(JsonFields& product, const std::string& facet, Problems& problems) {
  for (const auto& value : product.array("facetValues")) {
    JsonFields facet_value(value, "facetValue", problems);
    if (facet_value.object("facet").text("code") == facet) return facet_value.text("name");
  }
  return {};
}

std::string selection_of(std::initializer_list<const std::string*> names) {
  std::string list;
  for (const auto* name : names)
    if (!name->empty()) list += " " + *name;
  return list.empty() ? "" : " customFields{" + list.substr(1) + "}";
}

}  // namespace

std::string variant_selection(const Shop& shop) {
  const auto& fields = shop.fields;
  return "id sku updatedAt enabled currencyCode priceWithTax prices{price currencyCode} trackInventory "
         "outOfStockThreshold useGlobalOutOfStockThreshold stockLevels{stockOnHand stockAllocated} "
         "featuredAsset{preview} options{id name}" +
         selection_of({&fields.reference_price, &fields.timed_price, &fields.timed_from, &fields.timed_until,
                       &fields.timed_operation}) +
         " product{id name slug enabled updatedAt featuredAsset{preview} facetValues{name facet{code}}" +
         selection_of({&fields.presale}) + "}";
}

// "productVariant{product{…}}" would fail the whole page for one deleted product.
const char* const kOrderSelection =
    "code state orderPlacedAt createdAt updatedAt currencyCode totalWithTax customer{lastName} "
    "lines{id quantity proratedUnitPriceWithTax productVariant{id sku productId}} "
    "payments{id amount state createdAt refunds{total state}}";

tl::expected<CatalogueItem, RefusedRow> to_item(const json& variant, const Shop& shop) {
  Problems problems;
  JsonFields row(variant, "", problems);
  if (!variant.is_object())
    return tl::unexpected(RefusedRow{{}, Problems{Problem{"row", describe(variant), "an object"}}});
  JsonFields product = row.object("product");
  JsonFields fields = row.object("customFields");
  CatalogueItem item;
  item.ref = {product.id("id"), row.id("id")};
  item.sku = row.text("sku");
  item.title = product.text("name");
  item.option = option_names(row, problems);
  item.category = category_of(product, shop.category_facet, problems);
  item.image_url = row.object("featuredAsset").text("preview");
  if (item.image_url.empty()) item.image_url = product.object("featuredAsset").text("preview");
  item.shop_url = page_address(shop.page_address, product.text("slug"));
  const bool is_variant_on = row.boolean("enabled");
  const bool is_product_on = product.boolean("enabled");
  item.availability = is_variant_on && is_product_on ? Availability::kListed : Availability::kDelisted;

  const auto currency = row.currency("currencyCode");
  item.price = {row.integer("priceWithTax", -kMostMinor, kMostMinor), currency};
  if (shop.prices_include_tax) {
    for (const auto& value : row.array("prices")) {
      JsonFields price(value, "price", problems);
      const Money stored{price.integer("price", -kMostMinor, kMostMinor), price.currency("currencyCode")};
      if (stored.currency == currency && stored != item.price) item.base_price = stored;
    }
  }
  if (!shop.fields.reference_price.empty()) {
    const auto minor = fields.integer_if_there(shop.fields.reference_price, -kMostMinor, kMostMinor);
    if (minor && *minor > item.price.minor) item.reference_price = Money{*minor, currency};
  }
  if (const auto count = stock_of(variant, shop, problems)) item.stock = count->left();
  if (!shop.fields.presale.empty())
    item.is_presale = product.object("customFields").boolean_or(shop.fields.presale, false);
  item.version =
      fmt::format("{}.{}.{}.{}", unix_millis(product.instant("updatedAt")),
                  unix_millis(row.instant("updatedAt")), item.price.minor, item.stock.value_or(-1));
  if (!problems.empty()) return tl::unexpected(RefusedRow{item.ref, std::move(problems)});
  return item;
}

tl::expected<Order, RefusedOrder> to_order(const json& value) {
  Problems problems;
  JsonFields row(value, "", problems);
  if (!value.is_object())
    return tl::unexpected(RefusedOrder{{}, Problems{Problem{"order", describe(value), "an object"}}});
  Order order;
  order.id = row.id("code");
  order.number = order.id;
  const auto currency = row.currency("currencyCode");
  order.total = {row.integer("totalWithTax", 0, kMostMinor), currency};
  for (const auto& entry : row.array("lines")) {
    JsonFields line(entry, "line", problems);
    JsonFields variant = line.object("productVariant");
    order.lines.push_back(
        {.id = line.id("id"),
         .ref = {variant.id("productId"), variant.id("id")},
         .sku = variant.text("sku"),
         .quantity = line.integer("quantity", 0, kMillion),
         .unit_price = {line.integer("proratedUnitPriceWithTax", -kMostMinor, kMostMinor), currency}});
  }
  OrderFacts facts;
  for (const auto& entry : row.array("payments")) {
    JsonFields payment(entry, "payment", problems);
    if (payment.text("state") != "Settled") continue;
    order.payments.push_back({.id = payment.id("id"),
                              .amount = {payment.integer("amount", -kMostMinor, kMostMinor), currency},
                              .at = payment.instant("createdAt")});
    facts.paid_minor += order.payments.back().amount.minor;
    for (const auto& back : payment.array("refunds")) {
      JsonFields refund(back, "refund", problems);
      if (refund.text("state") == "Settled") facts.refunded_minor += refund.integer("total", 0, kMostMinor);
    }
  }
  const std::string state = row.text("state");
  const auto placed_at = row.instant_if_there("orderPlacedAt");
  facts.is_placed = placed_at.has_value();
  facts.is_cancelled = state == "Cancelled";
  facts.is_shipped = state == "Shipped" || state == "Delivered";
  facts.total_minor = order.total.minor;
  order.state = order_state(facts);
  order.masked_name = masked_name(row.object("customer").text("lastName"));
  const Instant created_at = row.instant("createdAt");
  order.placed_at = placed_at.value_or(created_at);
  order.version = fmt::format("{}.{}.{}.{}", unix_millis(row.instant("updatedAt")), to_string(order.state),
                              facts.paid_minor, facts.refunded_minor);
  if (!problems.empty()) return tl::unexpected(RefusedOrder{order.id, std::move(problems)});
  return order;
}

ReadItems items_of(const json& data, const Shop& shop) {
  ReadItems read;
  for (const auto& row : list_at(data, {"productVariants", "items"})) add(read, to_item(row, shop));
  return read;
}

ReadOrders orders_of(const json& data) {
  ReadOrders read;
  for (const auto& row : list_at(data, {"orders", "items"})) add(read, to_order(row));
  return read;
}

Result<Adapter::Event> to_event(const json& body) {
  Problems problems;
  JsonFields fields(body, "event", problems);
  Adapter::Event event;
  event.id = fields.id("id");
  const std::string topic = fields.text("topic");
  const json& data = json_at(body, {"data"});
  const auto variants_in = [&](const char* list) {
    for (const auto& entry : list_at(data, {list})) {
      const json whole{{"variantId", entry}};  // "variantIds" holds the ids themselves
      std::string id = id_at(entry.is_object() ? entry : whole, {"variantId"});
      if (!id.empty()) event.items.push_back({"", std::move(id)});
    }
  };
  if (topic.starts_with("order.") || topic.starts_with("payment.")) {
    if (std::string code = id_at(data, {"code"}); !code.empty())
      event.orders.push_back(std::move(code));
    else
      event.is_orders = true;
  } else {
    if (std::string id = id_at(data, {"productId"}); !id.empty()) event.items.push_back({std::move(id), ""});
    for (const char* list : {"variantIds", "prices", "movements"}) variants_in(list);
    event.is_catalogue = event.items.empty();
  }
  if (!problems.empty()) return fail(ErrorCode::kProtocol, problems.front().text());
  return event;
}

std::optional<StockCount> stock_of(const json& variant, const Shop& shop, Problems& problems) {
  JsonFields row(variant, "", problems);
  const std::string tracking = row.text("trackInventory");
  if (tracking == "FALSE" || (tracking == "INHERIT" && !shop.tracks_inventory)) return std::nullopt;
  StockCount count;
  count.held = row.boolean_or("useGlobalOutOfStockThreshold", true)
                   ? shop.out_of_stock_threshold
                   : row.integer_if_there("outOfStockThreshold", -kMostUnits, kMostUnits).value_or(0);
  for (const auto& value : row.array("stockLevels")) {
    JsonFields level(value, "stockLevel", problems);
    count.on_hand += level.integer("stockOnHand", -kMostUnits, kMostUnits);
    count.held += level.integer("stockAllocated", -kMostUnits, kMostUnits);
    ++count.places;
  }
  return count;
}

std::optional<TimedFields> timed_fields_of(const json& variant, const Shop& shop) {
  if (!variant.is_object() || !shop.fields.has_timed_price()) return std::nullopt;
  Problems problems;
  JsonFields fields = JsonFields(variant, "", problems).object("customFields");
  const auto price = fields.integer_if_there(shop.fields.timed_price, -kMostMinor, kMostMinor);
  const auto from = fields.instant_if_there(shop.fields.timed_from);
  const auto until = fields.instant_if_there(shop.fields.timed_until);
  if (!price || !from || !until) return std::nullopt;
  const auto cut = [](Instant instant) { return from_unix_millis(unix_millis(instant)); };
  return TimedFields{*price, {cut(*from), cut(*until)}, fields.text(shop.fields.timed_operation)};
}

}  // namespace vitrine::commerce::vendure
