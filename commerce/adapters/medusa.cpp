// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/medusa.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "commerce/adapters/json_at.h"
#include "commerce/adapters/json_fields.h"
#include "commerce/adapters/rows.h"
#include "commerce/adapters/timed_price_check.h"
#include "core/rfc3339.h"

namespace vitrine::commerce {
namespace {

using nlohmann::json;

constexpr const char* kMedusa = "medusa";
constexpr const char* kTag = "vitrine:";
constexpr size_t kMedusaItemsARead = 50;
constexpr size_t kIdsARequest = 20;  // qs, Medusa's query parser, makes an object of a longer list
/// Medusa sorts by one column: rows of one moment are in no order and can't be paged, but a page may be any
/// size.
constexpr ChangeStream::Limits kMedusaLimits{
    .page = 40, .largest_page = 20000, .overlap = std::chrono::seconds(10)};

template <typename Ids>
std::string id_query(const Ids& ids) {
  std::string query;
  for (const auto& id : ids) query += "id%5B%5D=" + percent_encode(id) + "&";
  return query;
}
std::string change_query(Instant from, size_t limit, size_t skip) {
  return fmt::format("updated_at%5B%24gte%5D={}&order=updated_at&limit={}&offset={}&",
                     percent_encode(format_rfc3339(from)), limit, skip);
}
/// Calls `each` with up to kIdsARequest at a time until it fails.
template <typename Each>
Called<void> in_portions(std::span<const std::string> ids, const Each& each) {
  for (size_t first = 0; first < ids.size(); first += kIdsARequest) {
    auto done = each(ids.subspan(first, std::min(kIdsARequest, ids.size() - first)));
    if (!done) return done;
  }
  return {};
}

}  // namespace

MedusaAdapter::MedusaAdapter(Config config, Secret credential)
    : config_(std::move(config)),
      credential_(std::move(credential)),
      shop_{config_.currency, config_.location, config_.presale_metadata, config_.page_address},
      publishable_key_(config_.publishable_key),
      session_(config_.http,
               [this](ShopSession& session, MediaTime deadline) { return log_in(session, deadline); }) {
}

Result<std::unique_ptr<MedusaAdapter>> MedusaAdapter::open(Config config, Secret credential,
                                                           Deadline deadline) {
  if (credential.reveal().find(':') == std::string::npos)
    return fail(ErrorCode::kInvalidInput, "the shop's credential is not of the form \"user:password\"");
  std::unique_ptr<MedusaAdapter> adapter(new MedusaAdapter(std::move(config), std::move(credential)));
  if (auto read = adapter->read_shop(deadline); !read)
    return tl::unexpected(read.error().with_context("opening the shop " + adapter->config_.url));
  return adapter;
}

Called<Secret> MedusaAdapter::log_in(ShopSession& session, MediaTime deadline) {
  const std::string& both = credential_.reveal();
  const size_t colon = both.find(':');
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url + "/auth/user/emailpass";
  request.headers = {"content-type: application/json"};
  request.is_safe = true;
  request.body = to_text(json{{"email", both.substr(0, colon)}, {"password", both.substr(colon + 1)}});
  auto response = session.send(request, deadline);
  if (!response) return tl::unexpected(response.error());
  auto answer = judge_by_status(*response);
  if (!answer && response->status == 404) answer.error().error.message += "; is this Medusa's own address?";
  if (!answer) return tl::unexpected(answer.error());
  std::string token = text_at(*answer, {"token"});
  if (token.empty()) return tl::unexpected(not_understood("no token"));
  return Secret(std::move(token));
}

Called<json> MedusaAdapter::get(const std::string& path, Deadline deadline) {
  HttpRequest request;
  request.url = config_.url + path;
  return session_.call(std::move(request), judge_by_status, deadline.at);
}

Called<json> MedusaAdapter::post(const std::string& path, std::string body, Deadline deadline) {
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url + path;
  request.headers = {"content-type: application/json"};
  request.body = std::move(body);
  return session_.call(std::move(request), judge_by_status, deadline.at);
}

Status MedusaAdapter::read_shop(Deadline deadline) {
  // One that is not there is no error to the store: it would give no prices, and all would look delisted.
  const auto regions = get("/admin/regions?limit=100&fields=id,currency_code", deadline);
  if (!regions) return tl::unexpected(regions.error().error);
  for (const auto& value : list_at(*regions, {"regions"})) {
    Problems problems;
    JsonFields region(value, "region", problems);
    const std::string id = region.id("id");
    if (region_.empty() && region.currency("currency_code") == config_.currency &&
        (config_.region.empty() || id == config_.region))
      region_ = id;
  }
  if (region_.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("{} of the shop sells in {}",
                            config_.region.empty() ? "no region" : "no region " + config_.region,
                            std::string_view(config_.currency.data(), 3)));
  if (!shop_.location.empty()) {
    const auto place =
        get("/admin/stock-locations/" + percent_encode(shop_.location) + "?fields=id", deadline);
    if (!place)
      return tl::unexpected(place.error().error.with_context("looking for stock location " + shop_.location));
  }
  if (publishable_key_.empty()) {
    const auto answer =
        get("/admin/api-keys?type=publishable&limit=100&fields=id,token,revoked_at", deadline);
    if (!answer) return tl::unexpected(answer.error().error);
    for (const auto& key : list_at(*answer, {"api_keys"}))
      if (publishable_key_.empty() && text_at(key, {"revoked_at"}).empty())
        publishable_key_ = text_at(key, {"token"});
    if (publishable_key_.empty()) return fail(ErrorCode::kNotFound, "the shop has no publishable key");
  }
  return {};
}

Capabilities MedusaAdapter::capabilities() const {
  Capabilities can;
  can.changes = Capabilities::Changes::kByTime;
  can.timed_price = Capabilities::TimedPrice::kNative;
  can.stock = Capabilities::Stock::kSet;
  can.idempotency = Capabilities::Idempotency::kNatural;
  can.has_events = !config_.events.secret.is_empty();
  can.can_hold_reference_price = true;
  can.most_items_a_read = kMedusaItemsARead;
  can.overlap = kMedusaLimits.overlap;
  can.clock_offset = session_.clock().offset();
  can.clock_slack = session_.clock().slack();
  return can;
}

Called<std::vector<Change>> MedusaAdapter::changed(const std::string& path, const char* list,
                                                   const char* id_key, Instant from, size_t limit,
                                                   size_t skip, Deadline deadline) {
  const auto answer = get(
      fmt::format("{}?{}fields=id,updated_at,{}", path, change_query(from, limit, skip), id_key), deadline);
  if (!answer) return tl::unexpected(answer.error());
  std::vector<Change> changes;
  Problems problems;
  for (const auto& value : list_at(*answer, {list})) {
    JsonFields row(value, "row", problems);
    changes.push_back({row.instant("updated_at"), {row.id(id_key)}});
  }
  if (!problems.empty()) return tl::unexpected(not_understood(problems.front().text()));
  return changes;
}

Called<Instant> MedusaAdapter::newest_variant(Deadline deadline) {
  const auto answer = get("/admin/product-variants?order=-updated_at&limit=1&fields=id,updated_at", deadline);
  if (!answer) return tl::unexpected(answer.error());
  const json& rows = list_at(*answer, {"variants"});
  if (rows.empty()) return Instant{};
  Problems problems;
  const Instant newest = JsonFields(rows.front(), "variant", problems).instant("updated_at");
  if (!problems.empty()) return tl::unexpected(not_understood(problems.front().text()));
  return newest;
}

Called<json> MedusaAdapter::calculated_prices(const std::string& ids, Deadline deadline) {
  HttpRequest request;
  request.url = fmt::format(
      "{}/store/products?{}limit={}&region_id={}&fields=id,variants.id,*variants.calculated_price",
      config_.url, ids, kIdsARequest, percent_encode(region_));
  request.headers = {"x-publishable-api-key: " + publishable_key_};
  const auto response = session_.send(request, deadline.at);
  if (!response) return tl::unexpected(response.error());
  return judge_by_status(*response);
}

Called<void> MedusaAdapter::read_some_products(std::span<const std::string> ids, Rows& rows,
                                               Deadline deadline) {
  const std::string query = id_query(ids);
  const auto answer =
      get(fmt::format("/admin/products?{}limit={}&fields={}", query, kIdsARequest, medusa::kProductFields),
          deadline);
  if (!answer) return tl::unexpected(answer.error());
  const auto prices = calculated_prices(query, deadline);
  if (!prices) return tl::unexpected(prices.error());
  auto page = medusa::items_of(*answer, medusa::prices_of(*prices), shop_);
  std::ranges::move(page.items, std::back_inserter(rows.items));
  std::ranges::move(page.refused, std::back_inserter(rows.refused));
  for (const auto& product : list_at(*answer, {"products"})) {
    const std::string product_id = text_at(product, {"id"});
    rows.products.insert(product_id);
    for (const auto& variant : list_at(product, {"variants"}))
      rows.by_ref[Ref{product_id, text_at(variant, {"id"})}] = variant;
  }
  return {};
}

Called<MedusaAdapter::Rows> MedusaAdapter::read_products(const std::set<std::string>& ids,
                                                         Deadline deadline) {
  Rows rows;
  const std::vector<std::string> list(ids.begin(), ids.end());
  const auto read = in_portions(
      list, [&](std::span<const std::string> some) { return read_some_products(some, rows, deadline); });
  if (!read) return tl::unexpected(read.error());
  return rows;
}

Called<std::map<std::string, std::string>> MedusaAdapter::products_of(const std::set<std::string>& variants,
                                                                      Deadline deadline) {
  std::map<std::string, std::string> products;
  const std::vector<std::string> list(variants.begin(), variants.end());
  const auto read = in_portions(list, [&](std::span<const std::string> some) -> Called<void> {
    const auto answer = get(
        fmt::format("/admin/product-variants?{}limit={}&fields=id,product_id", id_query(some), kIdsARequest),
        deadline);
    if (!answer) return tl::unexpected(answer.error());
    for (const auto& variant : list_at(*answer, {"variants"}))
      products[text_at(variant, {"id"})] = text_at(variant, {"product_id"});
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return products;
}

Result<ChangedItems> MedusaAdapter::changes(const std::string& cursor, Deadline deadline) {
  auto positions = parse_cursor(cursor, kMedusa);
  if (!positions) return tl::unexpected(positions.error());
  if (positions->empty()) {
    // All products bring all variants; of the variants only what changes from here on is wanted besides.
    const auto newest = newest_variant(deadline);
    if (!newest) return tl::unexpected(newest.error().error);
    const Instant known = std::min(*newest, session_.server_now());
    (*positions)["products"] = {};
    (*positions)["variants"] = {std::max(Instant{}, known - kMedusaLimits.overlap), known};
  }
  const ChangeStream products(
      [&](Instant from, size_t limit, size_t skip) {
        return changed("/admin/products", "products", "id", from, limit, skip, deadline);
      },
      kMedusaLimits);
  const ChangeStream variants(
      [&](Instant from, size_t limit, size_t skip) {
        return changed("/admin/product-variants", "variants", "product_id", from, limit, skip, deadline);
      },
      kMedusaLimits);
  ChangedItems changed_items;
  std::set<std::string> ids;
  for (const auto& [name, stream] : {std::pair{"products", &products}, std::pair{"variants", &variants}}) {
    auto& position = (*positions)[name];
    auto step = stream->read(position, session_.server_now());
    if (!step) return tl::unexpected(step.error().error.with_context(fmt::format("changed {}", name)));
    ids.insert(step->ids.begin(), step->ids.end());
    position = step->next;
    changed_items.is_complete = step->is_complete;
    // The other list waits: asked for beside each page of this one, it would say the same each time.
    if (!step->is_complete) break;
  }
  auto rows = read_products(ids, deadline);
  if (!rows) return tl::unexpected(rows.error().error.with_context("changed items"));
  changed_items.items = std::move(rows->items);
  changed_items.refused = std::move(rows->refused);
  changed_items.next_cursor = format_cursor(*positions, kMedusa);
  return changed_items;
}

Result<ReadItems> MedusaAdapter::read_items(std::span<const Ref> refs, Deadline deadline) {
  if (refs.size() > kMedusaItemsARead)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} items; {} can be read at once", refs.size(), kMedusaItemsARead));
  std::set<std::string> bare_variants;
  for (const auto& ref : refs)
    if (ref.product.empty()) bare_variants.insert(ref.variant);
  const auto products = products_of(bare_variants, deadline);
  if (!products) return tl::unexpected(products.error().error.with_context("reading items"));
  std::set<Ref> wanted;
  std::set<std::string> ids;
  ReadItems read;
  for (Ref ref : refs) {
    if (ref.product.empty()) {
      const auto known = products->find(ref.variant);
      if (known == products->end()) {
        read.gone.push_back(ref);
        continue;
      }
      ref.product = known->second;
    }
    ids.insert(ref.product);
    wanted.insert(std::move(ref));
  }
  auto rows = read_products(ids, deadline);
  if (!rows) return tl::unexpected(rows.error().error.with_context("reading items"));
  const auto is_wanted = [&](const Ref& ref) {
    return wanted.contains(ref) || wanted.contains({ref.product, ""});
  };
  for (auto& item : rows->items)
    if (is_wanted(item.ref)) read.items.push_back(std::move(item));
  for (auto& row : rows->refused)
    if (is_wanted(row.ref)) read.refused.push_back(std::move(row));
  for (const auto& ref : wanted)
    if (ref.variant.empty() ? !rows->products.contains(ref.product) : !rows->by_ref.contains(ref))
      read.gone.push_back(ref);
  return read;
}

Result<ChangedOrders> MedusaAdapter::orders(const std::string& cursor, Deadline deadline) {
  auto positions = parse_cursor(cursor, kMedusa);
  if (!positions) return tl::unexpected(positions.error());
  auto& position = (*positions)["orders"];
  if (cursor.empty()) position.from = session_.server_now() - config_.order_history;
  std::map<std::string, json> rows;  // by id: a page that is read again with more rows has the same ones
  const ChangeStream stream(
      [&](Instant from, size_t limit, size_t skip) -> Called<std::vector<Change>> {
        const auto answer = get(
            fmt::format("/admin/orders?{}fields={}", change_query(from, limit, skip), medusa::kOrderFields),
            deadline);
        if (!answer) return tl::unexpected(answer.error());
        std::vector<Change> changes;
        Problems problems;
        for (const auto& row : list_at(*answer, {"orders"})) {
          changes.push_back({JsonFields(row, "order", problems).instant("updated_at"), {}});
          rows[text_at(row, {"id"})] = row;
        }
        if (!problems.empty()) return tl::unexpected(not_understood(problems.front().text()));
        return changes;
      },
      kMedusaLimits);
  const auto step = stream.read(position, session_.server_now());
  if (!step) return tl::unexpected(step.error().error.with_context("changed orders"));
  position = step->next;
  ChangedOrders changed_orders;
  changed_orders.is_complete = step->is_complete;
  ReadOrders read;
  for (const auto& [id, row] : rows) add(read, medusa::to_order(row));
  changed_orders.orders = std::move(read.orders);
  changed_orders.refused = std::move(read.refused);
  changed_orders.next_cursor = format_cursor(*positions, kMedusa);
  return changed_orders;
}

Result<ReadOrders> MedusaAdapter::read_orders(std::span<const std::string> ids, Deadline deadline) {
  ReadOrders read;
  const auto done = in_portions(ids, [&](std::span<const std::string> some) -> Called<void> {
    const auto answer = get(
        fmt::format("/admin/orders?{}limit={}&fields={}", id_query(some), kIdsARequest, medusa::kOrderFields),
        deadline);
    if (!answer) return tl::unexpected(answer.error());
    auto page = medusa::orders_of(*answer);
    std::ranges::move(page.orders, std::back_inserter(read.orders));
    std::ranges::move(page.refused, std::back_inserter(read.refused));
    return {};
  });
  if (!done) return tl::unexpected(done.error().error.with_context("reading orders"));
  return read;
}

WriteOutcome MedusaAdapter::set_listing(const Ref& ref, Listing listing, Deadline deadline) {
  if (ref.product.empty()) return write_outcome(WriteResult::kRejected, "no product is named");
  const std::string path = "/admin/products/" + percent_encode(ref.product) + "?fields=id,status";
  const auto now = get(path, deadline);
  if (!now) return now.error().outcome_before_write();
  const char* wanted = listing == Listing::kOn ? "published" : "draft";
  if (json_at(*now, {"product", "status"}) == json(wanted)) return write_outcome(WriteResult::kAlready);
  const auto changed_to = post(path, to_text(json{{"status", wanted}}), deadline);
  if (!changed_to) return changed_to.error().outcome();
  const bool is_done = json_at(*changed_to, {"product", "status"}) == json(wanted);
  return write_outcome(is_done ? WriteResult::kDone : WriteResult::kUnknown);
}

WriteOutcome MedusaAdapter::set_stock(const Ref& ref, int64_t stock, std::optional<int64_t> expected,
                                      Deadline deadline) {
  if (stock < 0 || stock > 1'000'000'000)
    return write_outcome(WriteResult::kRejected, fmt::format("a stock of {}", stock));
  const auto rows = read_products({ref.product}, deadline);
  if (!rows) return rows.error().outcome_before_write();
  const auto variant = rows->by_ref.find(ref);
  if (variant == rows->by_ref.end())
    return write_outcome(WriteResult::kRejected, "the variant is not in the shop");
  const auto place = medusa::stock_place_of(variant->second, shop_);
  if (!place)
    return write_outcome(WriteResult::kUnsupported, "it is not counted, or not one thing at one place");
  if (place->left == stock) return write_outcome(WriteResult::kAlready);
  if (expected && place->left != *expected)
    return write_outcome(WriteResult::kConflict, fmt::format("{} are left, not {}", place->left, *expected));
  const auto set = post(fmt::format("/admin/inventory-items/{}/location-levels/{}?fields=id",
                                    percent_encode(place->inventory_item), percent_encode(place->location)),
                        to_text(json{{"stocked_quantity", stock + place->reserved}}), deadline);
  return set ? write_outcome(WriteResult::kDone) : set.error().outcome();
}

Called<std::optional<std::string>> MedusaAdapter::find_price_list(const std::string& operation,
                                                                  Deadline deadline) {
  const auto answer =
      get("/admin/price-lists?limit=100&fields=id,description&q=" + percent_encode(operation), deadline);
  if (!answer) return tl::unexpected(answer.error());
  for (const auto& list : list_at(*answer, {"price_lists"}))  // "q" finds parts of titles too
    if (text_at(list, {"description"}) == kTag + operation) return std::optional(text_at(list, {"id"}));
  return std::optional<std::string>();
}

WriteOutcome MedusaAdapter::set_price(const Ref& /*ref*/, const Money& /*price*/, const Money& /*expected*/,
                                      Deadline /*deadline*/) {
  return write_outcome(WriteResult::kUnsupported, "the shop has timed prices of its own");
}

WriteOutcome MedusaAdapter::put_timed_price(const TimedPrice& price, Deadline deadline) {
  if (auto refused = refuse_timed_price(price, config_.currency, session_.server_now())) return *refused;
  const auto known = find_price_list(price.operation, deadline);
  if (!known) return known.error().outcome_before_write();
  if (*known) {
    WriteOutcome already = write_outcome(WriteResult::kAlready);
    already.handle = **known;
    return already;
  }
  const auto rows = read_products({price.prices.begin()->first.product}, deadline);
  if (!rows) return rows.error().outcome_before_write();
  if (auto refused = refuse_timed_price(price, rows->items)) return *refused;

  std::string prices;  // written as text: an amount is never a double
  for (const auto& [ref, money] : price.prices) {
    if (!prices.empty()) prices += ",";
    std::string currency(money.currency.data(), money.currency.size());
    std::ranges::transform(currency, currency.begin(), [](char c) { return static_cast<char>(c + 32); });
    prices += fmt::format("{{\"variant_id\":{},\"currency_code\":\"{}\",\"amount\":{}}}",
                          to_text(json(ref.variant)), currency, format_amount(money, Cents::kTrim));
  }
  std::string body = to_text(json{{"title", price.name.empty() ? "Vitrine" : price.name},
                                  {"description", kTag + price.operation},
                                  {"type", "sale"},
                                  {"status", "active"},
                                  {"starts_at", format_rfc3339(price.window.begin)},
                                  {"ends_at", format_rfc3339(price.window.end)}});
  body.pop_back();
  const auto made = post("/admin/price-lists?fields=id", body + ",\"prices\":[" + prices + "]}", deadline);
  if (!made) return made.error().outcome();
  WriteOutcome result = write_outcome(WriteResult::kDone);
  result.handle = text_at(*made, {"price_list", "id"});
  if (result.handle.empty()) result.result = WriteResult::kUnknown;
  return result;
}

WriteOutcome MedusaAdapter::end_timed_price(const std::string& handle, Deadline deadline) {
  if (handle.empty()) return write_outcome(WriteResult::kRejected, "not a handle of a timed price");
  const std::string path =
      "/admin/price-lists/" + percent_encode(handle) + "?fields=id,description,status,ends_at";
  const auto answer = get(path, deadline);
  if (!answer && answer.error().error.code == ErrorCode::kNotFound)
    return write_outcome(WriteResult::kAlready);
  if (!answer) return answer.error().outcome_before_write();
  const json& list = json_at(*answer, {"price_list"});
  if (!text_at(list, {"description"}).starts_with(kTag))
    return write_outcome(WriteResult::kRejected, "the price list is not one of ours");
  Problems problems;
  const auto ends_at = JsonFields(list, "price_list", problems).instant_if_there("ends_at");
  if (text_at(list, {"status"}) == "draft" || (ends_at && *ends_at <= session_.server_now()))
    return write_outcome(WriteResult::kAlready);
  // Not by its end: which of the two clocks is right would decide when the price goes.
  const auto ended = post(path, to_text(json{{"status", "draft"}}), deadline);
  return ended ? write_outcome(WriteResult::kDone) : ended.error().outcome();
}

Result<std::optional<std::string>> MedusaAdapter::find_timed_price(const std::string& operation,
                                                                   Deadline deadline) {
  auto found = find_price_list(operation, deadline);
  if (!found) return tl::unexpected(found.error().error.with_context("looking for a timed price"));
  return std::move(*found);
}

Result<Adapter::Event> MedusaAdapter::decode_event(const std::map<std::string, std::string>& headers,
                                                   std::string_view body, Instant now) const {
  const auto verified = verify_event(config_.events, headers, body, now);
  if (!verified) return tl::unexpected(verified.error());
  return medusa::to_event(*verified);
}

}  // namespace vitrine::commerce
