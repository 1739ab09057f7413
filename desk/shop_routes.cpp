// SPDX-License-Identifier: Apache-2.0
#include "desk/shop_routes.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "core/rfc3339.h"
#include "desk/api/answers.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

json item_json(const commerce::Catalogue::Row& row, std::optional<MediaTime> confirmed_at) {
  const auto& item = row.item;
  json body = {{"id", row.id},
               {"product", item.ref.product},
               {"variant", item.ref.variant},
               {"sku", item.sku},
               {"title", item.title},
               {"option", item.option},
               {"category", item.category},
               {"availability", to_string(item.availability)},
               {"price", money_json(item.price)},
               {"version", row.version},
               {"changed_at", format_rfc3339(row.changed_at)}};
  if (item.reference_price) body["reference_price"] = money_json(*item.reference_price);
  if (item.stock) body["stock"] = *item.stock;
  if (confirmed_at)
    body["confirmed_s_ago"] = std::chrono::duration<double>(steady_now() - *confirmed_at).count();
  return body;
}

json order_json(const commerce::Order& order) {
  json lines = json::array();
  for (const auto& line : order.lines)
    lines.push_back(
        {{"sku", line.sku}, {"quantity", line.quantity}, {"unit_price", money_json(line.unit_price)}});
  return {{"id", order.id},
          {"number", order.number},
          {"state", to_string(order.state)},
          {"total", money_json(order.total)},
          {"balance", money_json(order.balance())},
          {"name", order.masked_name},
          {"placed_at", format_rfc3339(order.placed_at)},
          {"lines", std::move(lines)}};
}

/// {"name", "seconds", "quantity"?, "audience"?, "prices": [{"product", "variant", "amount": "29.90"}, …]};
/// from now on, by the shop's clock.
Result<commerce::OfferBook::Wish> wish_of(const ApiRequest& request, std::array<char, 3> currency,
                                          Instant now) {
  constexpr int64_t kLongest = 366 * 86'400;
  commerce::OfferBook::Wish wish;
  auto read = read_body(request, [&](ObjectReader& reader) {
    wish.name = reader.text_or("name", "", {.max_bytes = 200, .may_be_empty = true});
    wish.audience = reader.text_or("audience", "", {.max_bytes = 200, .may_be_empty = true});
    wish.window = {now, now + std::chrono::seconds(reader.integer("seconds", 1, kLongest))};
    if (reader.has("quantity")) wish.quantity = reader.integer("quantity", 1, 1'000'000'000);
    reader.array("prices", 1, 100, [&](ObjectReader& row) {
      const std::string text = row.text("amount", {.max_bytes = 20, .may_be_empty = false});
      const auto price = parse_amount(text, currency);
      if (!price && !text.empty()) row.refuse("amount", "\"" + text + "\"", "an amount like 29.90");
      const commerce::Ref ref{row.text("product", {.max_bytes = 128, .may_be_empty = false}),
                              row.text_or("variant", "", {.max_bytes = 128, .may_be_empty = true})};
      if (price) wish.prices[ref] = *price;
    });
  });
  if (!read) return tl::unexpected(read.error());
  return wish;
}

}  // namespace

json to_json(const commerce::Offer& offer) {
  json prices = json::array();
  for (const auto& [ref, price] : offer.prices)
    prices.push_back({{"product", ref.product},
                      {"variant", ref.variant},
                      {"price", money_json(price.now)},
                      {"before", money_json(price.before)}});
  json body = {{"id", offer.id},
               {"name", offer.name},
               {"state", to_string(offer.state)},
               {"why", offer.why},
               {"begin", format_rfc3339(offer.window.begin)},
               {"end", format_rfc3339(offer.window.end)},
               {"audience", offer.audience},
               {"prices", std::move(prices)}};
  if (offer.quantity) body["quantity"] = *offer.quantity;
  return body;
}

json to_json(const commerce::Listing& listing) {
  json body = {{"id", listing.id},
               {"show", listing.show},
               {"product", listing.ref.product},
               {"variant", listing.ref.variant},
               {"state", to_string(listing.state)},
               {"why", listing.why},
               {"version", listing.version}};
  if (listing.quota) body["quota"] = *listing.quota;
  if (listing.supply) body["supply"] = *listing.supply;
  if (listing.listed_at) body["listed_at"] = format_rfc3339(*listing.listed_at);
  return body;
}

std::vector<Route> ShopRoutes::routes() {
  const auto on = [this](auto method) {
    return [this, method](const ApiRequest& request) { return (this->*method)(request); };
  };
  std::vector<std::string> search = kPageQuery;
  search.emplace_back("search");
  return {
      {"GET",
       "/api/v1/items",
       kStaff,
       "The shop's items as they are known here",
       on(&ShopRoutes::items),
       {.query = search}},
      {"GET", "/api/v1/shows/{show}/items", kStaff, "The items of a show's rundown, as they are known here",
       on(&ShopRoutes::items_of_show)},
      {"GET", "/api/v1/items/refused", kStaff, "Rows of the shop that were not taken, and why",
       on(&ShopRoutes::refused_items)},
      {"GET", "/api/v1/items/{item}", kStaff, "One item: by its number, or as product/variant",
       on(&ShopRoutes::item)},
      {"GET", "/api/v1/sync", kStaff, "How equal this box and the shop's server are", on(&ShopRoutes::sync)},
      {"POST", "/api/v1/sync", kOnTheSet, "Reads everything from the shop's server again, at once",
       on(&ShopRoutes::read_all)},
      {"GET",
       "/api/v1/orders",
       {Role::kOperator, Role::kService},
       "The shop's orders, the newest first",
       on(&ShopRoutes::orders),
       {.query = {"which", "format"}}},
      {"GET",
       "/api/v1/sales",
       {Role::kOperator, Role::kService},
       "Lines of orders that were placed in a time",
       on(&ShopRoutes::sales),
       {.query = {"from", "until", "room"}}},
      {"GET", "/api/v1/offers", kStaff, "Prices for a time, the newest first", on(&ShopRoutes::offers)},
      {"POST",
       "/api/v1/offers",
       kOperators,
       "Starts a price for a time: the shop first, the screen when it charges it",
       on(&ShopRoutes::start_offer),
       {.schema = {{"type", "object"}}}},
      {"DELETE", "/api/v1/offers/{offer}", kOperators, "Ends a price for a time now, here and in the shop",
       on(&ShopRoutes::end_offer)},
      {"GET",
       "/api/v1/listings",
       kStaff,
       "Items of shows, as customers find them in the shop",
       on(&ShopRoutes::listings),
       {.query = {"show"}}},
      {"POST",
       "/api/v1/listings",
       kOperators,
       "Puts an item into a show's list",
       on(&ShopRoutes::queue_listing),
       {.schema = {{"type", "object"}}}},
      {"POST",
       "/api/v1/listings/{listing}",
       kOperators,
       "Lists an item in the shop, or takes it off",
       on(&ShopRoutes::change_listing),
       {.schema = {{"type", "object"}}}},
  };
}

Result<ApiAnswer> ShopRoutes::items(const ApiRequest& request) {
  const auto wish = page_of(request);
  if (!wish) return tl::unexpected(wish.error());
  const auto page = parts_.data.catalogue.page(text_or(request, "search", ""), wish->offset, wish->limit);
  if (!page) return tl::unexpected(page.error());
  const auto ours = parts_.papers.per_item();
  if (!ours) return tl::unexpected(ours.error());
  json items = json::array();
  for (const auto& row : page->rows) {
    items.push_back(item_json(row, parts_.data.freshness.confirmed_at(row.item.ref)));
    ours->add_to(row.item.ref, items.back());
  }
  return ApiAnswer{
      .body = {{"backend", parts_.data.backend}, {"total", page->total}, {"items", std::move(items)}}};
}

/// Each of them once, in the rundown's order; what the shop has no more is missing.
Result<ApiAnswer> ShopRoutes::items_of_show(const ApiRequest& request) {
  const auto id = number_of(request, "show");
  if (!id) return tl::unexpected(id.error());
  const auto show = parts_.shows.get(*id);
  if (!show) return tl::unexpected(show.error());
  const auto ours = parts_.papers.per_item();
  if (!ours) return tl::unexpected(ours.error());
  std::set<commerce::Ref> seen;
  json items = json::array();
  for (const auto& segment : show->plan.rundown) {
    if (segment.kind != Segment::Kind::kItem || !seen.insert(segment.item).second) continue;
    const auto row = parts_.data.catalogue.find(segment.item);
    if (!row) return tl::unexpected(row.error());
    if (!*row) continue;
    items.push_back(item_json(**row, parts_.data.freshness.confirmed_at(segment.item)));
    ours->add_to(segment.item, items.back());
  }
  return ApiAnswer{.body = {{"items", std::move(items)}}};
}

Result<ApiAnswer> ShopRoutes::refused_items(const ApiRequest& /*request*/) {
  const auto refused = parts_.data.catalogue.refused();
  if (!refused) return tl::unexpected(refused.error());
  json rows = json::array();
  for (const auto& row : *refused)
    rows.push_back({{"item", row.ref.text()},
                    {"since", format_rfc3339(row.first_at)},
                    {"problems", problems_json(row.problems)}});
  return ApiAnswer{.body = {{"refused", std::move(rows)}}};
}

Result<ApiAnswer> ShopRoutes::item(const ApiRequest& request) {
  const auto ref = parts_.papers.find_item(request.path.at("item"));
  if (!ref) return tl::unexpected(ref.error());
  const auto row = parts_.data.catalogue.find(*ref);
  if (!row) return tl::unexpected(row.error());
  const auto ours = parts_.papers.per_item();
  if (!ours) return tl::unexpected(ours.error());
  json body = item_json(**row, parts_.data.freshness.confirmed_at(*ref));
  ours->add_to(*ref, body);
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> ShopRoutes::sync(const ApiRequest& /*request*/) {
  const auto counts = parts_.data.outbox.counts(parts_.data.backend);
  if (!counts) return tl::unexpected(counts.error());
  std::vector<std::string> problems;
  json body = parts_.link.status(problems);
  body["backend"] = parts_.data.backend;
  body["url"] = parts_.config.commerce.url;
  body["outbox"] = {{"open", counts->open},
                    {"unknown", counts->unknown},
                    {"done", counts->done},
                    {"rejected", counts->rejected}};
  body["repairs"] = parts_.data.store.repairs();
  if (const auto fault = parts_.papers.photo_fault())
    problems.push_back(
        fmt::format("photos can't be kept: {}; tried again in a minute at most", fault->message));
  const auto refused_rows = parts_.data.catalogue.refused();
  if (!refused_rows) return tl::unexpected(refused_rows.error());
  if (!refused_rows->empty())
    problems.push_back(fmt::format("{} rows of the shop were not taken: \"vitrinectl items\" says why",
                                   refused_rows->size()));
  const auto refused_orders = parts_.data.orders.refused();
  if (!refused_orders) return tl::unexpected(refused_orders.error());
  if (!refused_orders->empty())
    problems.push_back(
        fmt::format("{} orders of the shop can't be read, and may be sales: \"vitrinectl orders\" says which",
                    refused_orders->size()));
  body["problems"] = json(problems);
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> ShopRoutes::read_all(const ApiRequest& request) {
  parts_.link.read_all();
  return sync(request);
}

Result<ApiAnswer> ShopRoutes::orders(const ApiRequest& request) {
  using Which = commerce::OrderBook::Which;
  constexpr std::array<std::pair<std::string_view, Which>, 4> kLists = {
      {{"all", Which::kAll},
       {"unpaid", Which::kUnpaid},
       {"open_balance", Which::kOpenBalance},
       {"unshipped", Which::kUnshipped}}};
  constexpr int kMostOrders = 1000;
  const std::string which = text_or(request, "which", "all");
  const std::string format = text_or(request, "format", "json");
  const auto* const wanted = std::ranges::find(kLists, which, &std::pair<std::string_view, Which>::first);
  Problems problems;
  if (wanted == kLists.end()) problems.push_back({"which", which, "all, unpaid, open_balance, unshipped"});
  if (format != "json" && format != "csv") problems.push_back({"format", format, "json, csv"});
  if (!problems.empty()) return tl::unexpected(to_error(problems));
  const auto found = parts_.data.orders.list(wanted->second, kMostOrders);
  if (!found) return tl::unexpected(found.error());
  if (format == "csv")
    return ApiAnswer{.bytes = commerce::to_csv(*found), .content_type = "text/csv; charset=utf-8"};
  const auto refused = parts_.data.orders.refused();
  if (!refused) return tl::unexpected(refused.error());
  json body = {{"backend", parts_.data.backend}, {"orders", json::array()}, {"refused", json::array()}};
  for (const auto& order : *refused)
    body["refused"].push_back({{"order", order.id},
                               {"since", format_rfc3339(order.first_at)},
                               {"problems", problems_json(order.problems)}});
  for (const auto& order : *found) body["orders"].push_back(order_json(order));
  return ApiAnswer{.body = std::move(body)};
}

Result<ApiAnswer> ShopRoutes::sales(const ApiRequest& request) {
  const auto from = instant_of(request, "from");
  if (!from) return tl::unexpected(from.error());
  const auto until = instant_of(request, "until");
  if (!until) return tl::unexpected(until.error());
  const auto lines = parts_.data.orders.in_window({*from, *until}, text_or(request, "room", ""));
  if (!lines) return tl::unexpected(lines.error());
  json list = json::array();
  for (const auto& line : *lines) {
    list.push_back({{"order", line.order},
                    {"number", line.number},
                    {"state", to_string(line.state)},
                    {"placed_at", format_rfc3339(line.placed_at)},
                    {"sku", line.line.sku},
                    {"quantity", line.line.quantity},
                    {"unit_price", money_json(line.line.unit_price)},
                    {"item", line.item ? json(line.item->text()) : json()}});
  }
  return ApiAnswer{.body = {{"backend", parts_.data.backend}, {"lines", std::move(list)}}};
}

Result<ApiAnswer> ShopRoutes::offers(const ApiRequest& /*request*/) {
  constexpr int kMostOffers = 100;
  const auto known = parts_.data.offers.list(kMostOffers);
  if (!known) return tl::unexpected(known.error());
  json list = json::array();
  for (const auto& offer : *known) list.push_back(to_json(offer));
  return ApiAnswer{.body = {{"backend", parts_.data.backend}, {"offers", std::move(list)}}};
}

Result<ApiAnswer> ShopRoutes::start_offer(const ApiRequest& request) {
  const auto shop = parts_.link.capabilities();
  if (!shop) return tl::unexpected(shop.error());
  const auto wish = wish_of(request, parts_.config.commerce.currency, system_now() + shop->clock_offset);
  if (!wish) return tl::unexpected(wish.error());
  const auto offer = parts_.data.offers.ask(*wish, *shop);
  if (!offer) return tl::unexpected(offer.error());
  parts_.link.poke();
  return ApiAnswer{.status = 201, .body = to_json(*offer)};
}

Result<ApiAnswer> ShopRoutes::end_offer(const ApiRequest& request) {
  const auto id = number_of(request, "offer");
  if (!id) return tl::unexpected(id.error());
  if (auto ended = parts_.data.offers.end(*id, "ended by hand"); !ended) return tl::unexpected(ended.error());
  parts_.link.poke();
  return ApiAnswer{.body = {{"id", *id}}};
}

Result<ApiAnswer> ShopRoutes::listings(const ApiRequest& request) {
  const std::string show = text_or(request, "show", "");
  const auto found = show.empty() ? parts_.data.listings.open() : parts_.data.listings.of_show(show);
  if (!found) return tl::unexpected(found.error());
  json list = json::array();
  for (const auto& listing : *found) list.push_back(to_json(listing));
  return ApiAnswer{.body = {{"listings", std::move(list)}}};
}

Result<ApiAnswer> ShopRoutes::queue_listing(const ApiRequest& request) {
  std::string show;
  commerce::Ref ref;
  std::optional<int64_t> quota;
  auto read = read_body(request, [&](ObjectReader& reader) {
    show = reader.text("show", {.max_bytes = 64, .may_be_empty = false});
    ref.product = reader.text("product", {.max_bytes = 128, .may_be_empty = false});
    ref.variant = reader.text_or("variant", "", {.max_bytes = 128, .may_be_empty = true});
    if (reader.has("quota")) quota = reader.integer("quota", 1, 1'000'000'000);
  });
  if (!read) return tl::unexpected(read.error());
  const auto listing = parts_.data.listings.queue(show, ref, quota);
  if (!listing) return tl::unexpected(listing.error());
  return ApiAnswer{.status = 201, .body = to_json(*listing)};
}

Result<ApiAnswer> ShopRoutes::change_listing(const ApiRequest& request) {
  const auto id = number_of(request, "listing");
  if (!id) return tl::unexpected(id.error());
  size_t wish = 0;
  auto read = read_body(request, [&](ObjectReader& reader) {
    wish = reader.one_of("state", {"listed", "delisted"});
  });
  if (!read) return tl::unexpected(read.error());
  const auto done = wish == 0 ? parts_.data.listings.list(*id) : parts_.data.listings.delist(*id);
  if (!done) return tl::unexpected(done.error());
  parts_.link.poke();
  return ApiAnswer{.body = {{"id", *id}}};
}

}  // namespace vitrine::desk
