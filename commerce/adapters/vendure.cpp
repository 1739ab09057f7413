// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/vendure.h"

#include <algorithm>
#include <array>
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

constexpr const char* kVendure = "vendure";
constexpr size_t kVendureItemsARead = 100;
constexpr size_t kVariantsARequest = 200;  // 400 kB of answer; the server takes at most 1000
constexpr ChangeStream::Limits kVendureLimits{
    .page = 100, .largest_page = 1000, .overlap = std::chrono::seconds(10)};
constexpr const char* kUpdateVariants =
    "mutation($v:[UpdateProductVariantInput!]!){updateProductVariants(input:$v){id}}";
constexpr const char* kChangeOptions =
    "(options:{take:$take,skip:$skip,sort:{updatedAt:ASC},filter:{updatedAt:{after:$after}}})";
constexpr const char* kChangeVariables = "query($take:Int!,$skip:Int!,$after:DateTime!)";

/// GraphQL answers 200 to nearly everything; what happened stands in the errors. Known codes are refusals
/// before anything was done; of the others nobody knows.
Called<json> judge_graphql(const HttpResponse& response) {
  auto answer = judge_by_status(response);
  if (!answer) return answer;
  const json& errors = list_at(*answer, {"errors"});
  if (!errors.empty()) {
    const std::string code = text_at(errors.front(), {"extensions", "code"});
    const std::string text = printable(text_at(errors.front(), {"message"}));
    CallFailure failure{
        Error{ErrorCode::kProtocol, fmt::format("the server refuses: {} {}", printable(code), text), 0},
        WriteResult::kUnknown,
        printable(code),
        {}};
    if (code == "FORBIDDEN" || code == "UNAUTHORIZED") {
      failure.error.code = ErrorCode::kAuthRejected;
      failure.error.message += "; the account's role needs ReadProduct, ReadOrder and UpdateProduct";
      failure.as_write = WriteResult::kUnauthorised;
    } else if (code == "ENTITY_NOT_FOUND" || code == "USER_INPUT_ERROR" || code == "ILLEGAL_OPERATION" ||
               code == "GRAPHQL_VALIDATION_FAILED" || code == "BAD_USER_INPUT") {
      failure.as_write = WriteResult::kRejected;
    }
    return tl::unexpected(std::move(failure));
  }
  const json& data = json_at(*answer, {"data"});
  if (!data.is_object()) return tl::unexpected(not_understood("no data"));
  return json(data);
}

/// Rows of a list of changes. One whose time can't be read spoils the list: where it stands is not known.
template <typename ReadIds>
Called<std::vector<Change>> changes_of(const json& rows, const ReadIds& read_ids) {
  std::vector<Change> changes;
  Problems problems;
  for (const auto& value : rows) {
    JsonFields row(value, "row", problems);
    changes.push_back({row.instant("updatedAt"), read_ids(value)});
  }
  if (!problems.empty()) return tl::unexpected(not_understood(problems.front().text()));
  return changes;
}

json list_options(size_t take, const char* field, const char* test, json values) {
  const json filter{{field, json{{test, std::move(values)}}}};
  return json{{"o", json{{"take", take}, {"filter", filter}}}};
}

/// Values are null where the fields are emptied.
json timed_input(const std::string& variant, const vendure::CustomFields& fields, json price, json from,
                 json until, json operation) {
  const json custom{{fields.timed_price, std::move(price)},
                    {fields.timed_from, std::move(from)},
                    {fields.timed_until, std::move(until)},
                    {fields.timed_operation, std::move(operation)}};
  return json{{"id", variant}, {"customFields", custom}};
}

json one(json value) {
  json list = json::array();
  list.push_back(std::move(value));
  return list;
}

json change_variables(Instant from, size_t limit, size_t skip) {
  // "after" excludes its own moment, and our positions include theirs.
  return json{
      {"take", limit}, {"skip", skip}, {"after", format_rfc3339(from - std::chrono::milliseconds(1))}};
}

}  // namespace

VendureAdapter::VendureAdapter(Config config, Secret credential)
    : config_(std::move(config)),
      credential_(std::move(credential)),
      session_(config_.http,
               [this](ShopSession& session, MediaTime deadline) { return log_in(session, deadline); }) {
  shop_.fields = config_.fields;
  shop_.category_facet = config_.category_facet;
  shop_.page_address = config_.page_address;
}

Result<std::unique_ptr<VendureAdapter>> VendureAdapter::open(Config config, Secret credential,
                                                             Deadline deadline) {
  if (credential.reveal().find(':') == std::string::npos)
    return fail(ErrorCode::kInvalidInput, "the shop's credential is not of the form \"user:password\"");
  std::unique_ptr<VendureAdapter> adapter(new VendureAdapter(std::move(config), std::move(credential)));
  if (auto read = adapter->read_shop(deadline); !read)
    return tl::unexpected(read.error().with_context("opening the shop " + adapter->config_.url));
  return adapter;
}

Called<Secret> VendureAdapter::log_in(ShopSession& session, MediaTime deadline) {
  const std::string& both = credential_.reveal();
  const size_t colon = both.find(':');
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url + "/admin-api";
  request.headers = {"content-type: application/json"};
  request.is_safe = true;
  request.body = to_text(
      json{{"query",
            "mutation($u:String!,$p:String!){login(username:$u,password:$p,rememberMe:true){__typename "
            "... on ErrorResult{errorCode message}}}"},
           {"variables", json{{"u", both.substr(0, colon)}, {"p", both.substr(colon + 1)}}}});
  auto response = session.send(request, deadline);
  if (!response) return tl::unexpected(response.error());
  auto data = judge_graphql(*response);
  if (!data && response->status == 404) data.error().error.message += "; is this Vendure's own address?";
  if (!data) return tl::unexpected(data.error());
  if (text_at(*data, {"login", "__typename"}) != "CurrentUser")
    return tl::unexpected(CallFailure{Error{ErrorCode::kAuthRejected, "the shop refuses user or password", 0},
                                      WriteResult::kUnauthorised,
                                      printable(text_at(*data, {"login", "errorCode"})),
                                      {}});
  const auto token = response->headers.find("vendure-auth-token");
  if (token == response->headers.end() || token->second.empty())
    return tl::unexpected(
        not_understood("no token; the shop's authOptions.tokenMethod must have \"bearer\""));
  return Secret(token->second);
}

Called<json> VendureAdapter::ask(const std::string& query, json variables, Effect effect, Deadline deadline) {
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url + "/admin-api";
  request.headers = {"content-type: application/json"};
  request.is_safe = effect == Effect::kReads;
  request.body = to_text(json{{"query", query}, {"variables", std::move(variables)}});
  return session_.call(std::move(request), judge_graphql, deadline.at);
}

Status VendureAdapter::read_shop(Deadline deadline) {
  const auto data =
      ask("{activeChannel{defaultCurrencyCode pricesIncludeTax} globalSettings{trackInventory "
          "outOfStockThreshold}}",
          json::object(), Effect::kReads, deadline);
  if (!data) return tl::unexpected(data.error().error);
  Problems problems;
  JsonFields all(*data, "", problems);
  JsonFields channel = all.object("activeChannel");
  JsonFields settings = all.object("globalSettings");
  currency_ = channel.currency("defaultCurrencyCode");
  shop_.prices_include_tax = channel.boolean("pricesIncludeTax");
  shop_.tracks_inventory = settings.boolean("trackInventory");
  shop_.out_of_stock_threshold = settings.integer("outOfStockThreshold", -1'000'000'000, 1'000'000'000);
  if (!problems.empty()) return fail(ErrorCode::kProtocol, problems.front().text());
  // A field that the shop has not got spoils every read: said now, with its name, and not during a show.
  const auto probe =
      ask("{productVariants(options:{take:1}){items{" + vendure::variant_selection(shop_) + "}}}",
          json::object(), Effect::kReads, deadline);
  if (!probe)
    return tl::unexpected(probe.error().error.with_context("one item, with the custom fields as configured"));
  return {};
}

Capabilities VendureAdapter::capabilities() const {
  Capabilities can;
  can.changes = Capabilities::Changes::kByTime;
  // Prices without tax would have to be divided, and rounded: what we set would not be what is charged.
  can.timed_price = !shop_.prices_include_tax          ? Capabilities::TimedPrice::kCartOnly
                    : config_.fields.has_timed_price() ? Capabilities::TimedPrice::kNative
                                                       : Capabilities::TimedPrice::kEmulated;
  can.stock = Capabilities::Stock::kSet;
  can.idempotency = Capabilities::Idempotency::kNatural;
  can.has_events = !config_.events.secret.is_empty();
  can.can_hold_reference_price = !config_.fields.reference_price.empty();
  can.most_items_a_read = kVendureItemsARead;
  can.overlap = kVendureLimits.overlap;
  can.clock_offset = session_.clock().offset();
  can.clock_slack = session_.clock().slack();
  return can;
}

Called<std::vector<Change>> VendureAdapter::changed_products(Instant from, size_t limit, size_t skip,
                                                             Deadline deadline) {
  auto data = ask(
      fmt::format("{}{{products{}{{items{{updatedAt variants{{id}}}}}}}}", kChangeVariables, kChangeOptions),
      change_variables(from, limit, skip), Effect::kReads, deadline);
  if (!data) return tl::unexpected(data.error());
  return changes_of(list_at(*data, {"products", "items"}), [](const json& row) {
    std::vector<std::string> ids;
    for (const auto& variant : list_at(row, {"variants"})) ids.push_back(id_at(variant, {"id"}));
    return ids;
  });
}

Called<std::vector<Change>> VendureAdapter::changed_variants(Instant from, size_t limit, size_t skip,
                                                             Deadline deadline) {
  auto data =
      ask(fmt::format("{}{{productVariants{}{{items{{updatedAt id}}}}}}", kChangeVariables, kChangeOptions),
          change_variables(from, limit, skip), Effect::kReads, deadline);
  if (!data) return tl::unexpected(data.error());
  return changes_of(list_at(*data, {"productVariants", "items"}),
                    [](const json& row) { return std::vector<std::string>{id_at(row, {"id"})}; });
}

Called<Instant> VendureAdapter::newest_product(Deadline deadline) {
  auto data = ask("{products(options:{take:1,sort:{updatedAt:DESC}}){items{updatedAt}}}", json::object(),
                  Effect::kReads, deadline);
  if (!data) return tl::unexpected(data.error());
  auto newest = changes_of(list_at(*data, {"products", "items"}),
                           [](const json& /*row*/) { return std::vector<std::string>(); });
  if (!newest) return tl::unexpected(newest.error());
  return newest->empty() ? Instant{} : newest->front().at;
}

Called<VendureAdapter::Rows> VendureAdapter::read_variants(const std::set<std::string>& ids,
                                                           Deadline deadline) {
  const std::string query = "query($o:ProductVariantListOptions!){productVariants(options:$o){items{" +
                            vendure::variant_selection(shop_) + "}}}";
  Rows rows;
  for (auto next = ids.begin(); next != ids.end();) {
    json wanted = json::array();
    for (; next != ids.end() && wanted.size() < kVariantsARequest; ++next)
      if (!next->empty()) wanted.push_back(*next);
    if (wanted.empty()) break;
    const size_t take = wanted.size();
    auto data = ask(query, list_options(take, "id", "in", std::move(wanted)), Effect::kReads, deadline);
    if (!data) return tl::unexpected(data.error());
    auto page = vendure::items_of(*data, shop_);
    std::ranges::move(page.items, std::back_inserter(rows.items));
    std::ranges::move(page.refused, std::back_inserter(rows.refused));
    for (const auto& row : list_at(*data, {"productVariants", "items"})) rows.by_id[id_at(row, {"id"})] = row;
  }
  return rows;
}

Called<std::map<std::string, std::set<std::string>>> VendureAdapter::variants_of(
    const std::set<std::string>& products, Deadline deadline) {
  std::map<std::string, std::set<std::string>> found;
  if (products.empty()) return found;
  auto data = ask("query($o:ProductListOptions!){products(options:$o){items{id variants{id}}}}",
                  list_options(products.size(), "id", "in", json(products)), Effect::kReads, deadline);
  if (!data) return tl::unexpected(data.error());
  for (const auto& product : list_at(*data, {"products", "items"})) {
    auto& variants = found[id_at(product, {"id"})];
    for (const auto& variant : list_at(product, {"variants"})) variants.insert(id_at(variant, {"id"}));
  }
  return found;
}

Result<ChangedItems> VendureAdapter::changes(const std::string& cursor, Deadline deadline) {
  auto positions = parse_cursor(cursor, kVendure);
  if (!positions) return tl::unexpected(positions.error());
  if (positions->empty()) {
    // All variants are all items; of the products only what changes from here on is wanted besides. The other
    // way round costs the server twice as much: it looks up the variants of each product by itself.
    const auto newest = newest_product(deadline);
    if (!newest) return tl::unexpected(newest.error().error);
    const Instant known = std::min(*newest, session_.server_now());
    (*positions)["variants"] = {};
    (*positions)["products"] = {std::max(Instant{}, known - kVendureLimits.overlap), known};
  }
  const ChangeStream products(
      [&](Instant from, size_t limit, size_t skip) { return changed_products(from, limit, skip, deadline); },
      kVendureLimits);
  const ChangeStream variants(
      [&](Instant from, size_t limit, size_t skip) { return changed_variants(from, limit, skip, deadline); },
      kVendureLimits);
  ChangedItems changed;
  std::set<std::string> ids;
  for (const auto& [name, stream] : {std::pair{"variants", &variants}, std::pair{"products", &products}}) {
    auto& position = (*positions)[name];
    auto step = stream->read(position, session_.server_now());
    if (!step) return tl::unexpected(step.error().error.with_context(fmt::format("changed {}", name)));
    ids.insert(step->ids.begin(), step->ids.end());
    position = step->next;
    changed.is_complete = step->is_complete;
    // The other list waits: asked for beside each page of this one, it would say the same each time.
    if (!step->is_complete) break;
  }
  auto rows = read_variants(ids, deadline);
  if (!rows) return tl::unexpected(rows.error().error.with_context("changed items"));
  changed.items = std::move(rows->items);
  changed.refused = std::move(rows->refused);
  changed.next_cursor = format_cursor(*positions, kVendure);
  return changed;
}

Result<ReadItems> VendureAdapter::read_items(std::span<const Ref> refs, Deadline deadline) {
  if (refs.size() > kVendureItemsARead)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} items; {} can be read at once", refs.size(), kVendureItemsARead));
  std::set<std::string> ids;
  std::set<std::string> whole_products;
  for (const auto& ref : refs)
    (ref.variant.empty() ? whole_products : ids).insert(ref.variant.empty() ? ref.product : ref.variant);
  const auto variants = variants_of(whole_products, deadline);
  if (!variants) return tl::unexpected(variants.error().error.with_context("reading items"));
  for (const auto& [product, of_it] : *variants) ids.insert(of_it.begin(), of_it.end());
  auto rows = read_variants(ids, deadline);
  if (!rows) return tl::unexpected(rows.error().error.with_context("reading items"));
  ReadItems read{std::move(rows->items), std::move(rows->refused), {}};
  for (const auto& ref : refs)
    if (ref.variant.empty() ? !variants->contains(ref.product) : !rows->by_id.contains(ref.variant))
      read.gone.push_back(ref);
  return read;
}

Result<ChangedOrders> VendureAdapter::orders(const std::string& cursor, Deadline deadline) {
  auto positions = parse_cursor(cursor, kVendure);
  if (!positions) return tl::unexpected(positions.error());
  auto& position = (*positions)["orders"];
  if (cursor.empty()) position.from = session_.server_now() - config_.order_history;
  const std::string query = fmt::format(
      "{}{{orders(options:{{take:$take,skip:$skip,sort:{{updatedAt:ASC}},filter:{{updatedAt:{{after:$after}},"
      "state:{{notEq:\"AddingItems\"}}}}}}){{items{{{}}}}}}}",
      kChangeVariables, vendure::kOrderSelection);
  std::map<std::string, json> rows;  // by code: a page that is read again with more rows has the same ones
  const ChangeStream stream(
      [&](Instant from, size_t limit, size_t skip) -> Called<std::vector<Change>> {
        auto data = ask(query, change_variables(from, limit, skip), Effect::kReads, deadline);
        if (!data) return tl::unexpected(data.error());
        const json& items = list_at(*data, {"orders", "items"});
        for (const auto& row : items) rows[id_at(row, {"code"})] = row;
        return changes_of(items, [](const json& /*row*/) { return std::vector<std::string>(); });
      },
      kVendureLimits);
  const auto step = stream.read(position, session_.server_now());
  if (!step) return tl::unexpected(step.error().error.with_context("changed orders"));
  position = step->next;
  ChangedOrders changed;
  changed.is_complete = step->is_complete;
  ReadOrders read;
  for (const auto& [code, row] : rows) add(read, vendure::to_order(row));
  changed.orders = std::move(read.orders);
  changed.refused = std::move(read.refused);
  changed.next_cursor = format_cursor(*positions, kVendure);
  return changed;
}

Result<ReadOrders> VendureAdapter::read_orders(std::span<const std::string> ids, Deadline deadline) {
  ReadOrders read;
  const std::string query = fmt::format("query($o:OrderListOptions!){{orders(options:$o){{items{{{}}}}}}}",
                                        vendure::kOrderSelection);
  for (size_t first = 0; first < ids.size(); first += kVendureItemsARead) {
    const auto some = ids.subspan(first, std::min(kVendureItemsARead, ids.size() - first));
    auto data =
        ask(query,
            list_options(some.size(), "code", "in", json(std::vector<std::string>(some.begin(), some.end()))),
            Effect::kReads, deadline);
    if (!data) return tl::unexpected(data.error().error.with_context("reading orders"));
    auto page = vendure::orders_of(*data);
    std::ranges::move(page.orders, std::back_inserter(read.orders));
    std::ranges::move(page.refused, std::back_inserter(read.refused));
  }
  return read;
}

WriteOutcome VendureAdapter::set_listing(const Ref& ref, Listing listing, Deadline deadline) {
  auto data = ask("query($p:ID!){product(id:$p){enabled variants{id enabled}}}", json{{"p", ref.product}},
                  Effect::kReads, deadline);
  if (!data) return data.error().outcome_before_write();
  const json& product = json_at(*data, {"product"});
  if (!product.is_object()) return write_outcome(WriteResult::kRejected, "the product is not in the shop");
  const bool is_wanted_on = listing == Listing::kOn;
  bool is_variant_off = false;  // a variant may be off by itself: listed means that this one can be bought
  for (const auto& variant : list_at(product, {"variants"}))
    if (id_at(variant, {"id"}) == ref.variant) is_variant_off = !is_true_at(variant, {"enabled"});
  const bool needs_variant = is_wanted_on && is_variant_off;
  if (is_true_at(product, {"enabled"}) == is_wanted_on && !needs_variant)
    return write_outcome(WriteResult::kAlready);

  json variables{{"p", one(json{{"id", ref.product}, {"enabled", is_wanted_on}})}};
  std::string query = "mutation($p:[UpdateProductInput!]!){updateProducts(input:$p){id enabled}}";
  if (needs_variant) {
    variables["v"] = one(json{{"id", ref.variant}, {"enabled", true}});
    query =
        "mutation($p:[UpdateProductInput!]!,$v:[UpdateProductVariantInput!]!){updateProducts(input:$p){id "
        "enabled} "
        "updateProductVariants(input:$v){id}}";
  }
  data = ask(query, std::move(variables), Effect::kChanges, deadline);
  if (!data) return data.error().outcome();
  const json& changed = list_at(*data, {"updateProducts"});
  const bool is_done = changed.size() == 1 && is_true_at(changed.front(), {"enabled"}) == is_wanted_on;
  return write_outcome(is_done ? WriteResult::kDone : WriteResult::kUnknown);
}

WriteOutcome VendureAdapter::set_stock(const Ref& ref, int64_t stock, std::optional<int64_t> expected,
                                       Deadline deadline) {
  if (stock < 0 || stock > 1'000'000'000)
    return write_outcome(WriteResult::kRejected, fmt::format("a stock of {}", stock));
  const auto rows = read_variants({ref.variant}, deadline);
  if (!rows) return rows.error().outcome_before_write();
  const auto row = rows->by_id.find(ref.variant);
  if (row == rows->by_id.end())
    return write_outcome(WriteResult::kRejected, "the variant is not in the shop");
  Problems problems;
  const auto count = vendure::stock_of(row->second, shop_, problems);
  if (!problems.empty()) return write_outcome(WriteResult::kUnavailable, problems.front().text());
  if (!count) return write_outcome(WriteResult::kUnsupported, "the shop does not count this item");
  if (count->places != 1)
    return write_outcome(WriteResult::kUnsupported,
                         fmt::format("its stock lies at {} places", count->places));
  if (count->left() == stock) return write_outcome(WriteResult::kAlready);
  if (expected && count->left() != *expected)
    return write_outcome(WriteResult::kConflict,
                         fmt::format("{} are left, not {}", count->left(), *expected));
  const auto data =
      ask(kUpdateVariants, json{{"v", one(json{{"id", ref.variant}, {"stockOnHand", stock + count->held}})}},
          Effect::kChanges, deadline);
  return data ? write_outcome(WriteResult::kDone) : data.error().outcome();
}

WriteOutcome VendureAdapter::set_price(const Ref& ref, const Money& price, const Money& expected,
                                       Deadline deadline) {
  if (!shop_.prices_include_tax)
    return write_outcome(WriteResult::kUnsupported, "the shop keeps its prices without tax");
  if (price.minor <= 0 || price.currency != currency_)
    return write_outcome(WriteResult::kRejected, format_amount(price, Cents::kKeep) +
                                                     ": a price above 0 in the shop's currency can be set");
  const auto rows = read_variants({ref.variant}, deadline);
  if (!rows) return rows.error().outcome_before_write();
  const auto item = std::ranges::find(rows->items, ref, &CatalogueItem::ref);
  if (item == rows->items.end())
    return write_outcome(WriteResult::kRejected, ref.text() + " is not in the shop, or can't be read");
  if (item->price == price) return write_outcome(WriteResult::kAlready);
  if (item->price != expected)
    return write_outcome(WriteResult::kConflict,
                         "the price is " + format_amount(item->price, Cents::kKeep) + " by now");
  const auto data = ask(kUpdateVariants, json{{"v", one(json{{"id", ref.variant}, {"price", price.minor}})}},
                        Effect::kChanges, deadline);
  return data ? write_outcome(WriteResult::kDone) : data.error().outcome();
}

WriteOutcome VendureAdapter::put_timed_price(const TimedPrice& price, Deadline deadline) {
  if (capabilities().timed_price != Capabilities::TimedPrice::kNative)
    return write_outcome(WriteResult::kUnsupported, "the shop has no fields for a timed price");
  if (auto refused = refuse_timed_price(price, currency_, session_.server_now())) return *refused;
  const Window window = {from_unix_millis(unix_millis(price.window.begin)),
                         from_unix_millis(unix_millis(price.window.end))};
  std::set<std::string> ids;
  for (const auto& [ref, money] : price.prices) ids.insert(ref.variant);
  const auto rows = read_variants(ids, deadline);
  if (!rows) return rows.error().outcome_before_write();

  size_t there = 0;
  json input = json::array();
  for (const auto& [ref, money] : price.prices) {
    const auto row = rows->by_id.find(ref.variant);
    if (row == rows->by_id.end())
      return write_outcome(WriteResult::kRejected, "the variant is not in the shop");
    const auto standing = vendure::timed_fields_of(row->second, shop_);
    const bool is_this_one = standing && standing->operation == price.operation;
    there += is_this_one ? 1 : 0;
    if (standing && !is_this_one && standing->window.end > session_.server_now())
      return write_outcome(WriteResult::kConflict, fmt::format("another timed price stands there until {}",
                                                               format_rfc3339(standing->window.end)));
    input.push_back(timed_input(ref.variant, shop_.fields, money.minor, format_rfc3339(window.begin),
                                format_rfc3339(window.end), price.operation));
  }
  WriteOutcome result = write_outcome(WriteResult::kAlready);
  if (there < price.prices.size()) {
    if (auto refused = refuse_timed_price(price, rows->items)) return *refused;
    const auto data = ask(kUpdateVariants, json{{"v", std::move(input)}}, Effect::kChanges, deadline);
    if (!data) return data.error().outcome();
    result = write_outcome(WriteResult::kDone);
  }
  result.handle = price.operation;
  return result;
}

Called<std::set<std::string>> VendureAdapter::find_variants(const std::string& operation, Deadline deadline) {
  const auto data =
      ask("query($o:ProductVariantListOptions!){productVariants(options:$o){items{id}}}",
          list_options(kVariantsARequest, shop_.fields.timed_operation.c_str(), "eq", json(operation)),
          Effect::kReads, deadline);
  if (!data) return tl::unexpected(data.error());
  std::set<std::string> ids;
  for (const auto& row : list_at(*data, {"productVariants", "items"})) ids.insert(id_at(row, {"id"}));
  return ids;
}

WriteOutcome VendureAdapter::end_timed_price(const std::string& handle, Deadline deadline) {
  if (handle.empty()) return write_outcome(WriteResult::kRejected, "not a handle of a timed price");
  if (!shop_.fields.has_timed_price()) return write_outcome(WriteResult::kUnsupported);
  const auto ids = find_variants(handle, deadline);
  if (!ids) return ids.error().outcome_before_write();
  if (ids->empty()) return write_outcome(WriteResult::kAlready);
  json input = json::array();
  for (const auto& id : *ids)
    input.push_back(timed_input(id, shop_.fields, nullptr, nullptr, nullptr, nullptr));
  const auto data = ask(kUpdateVariants, json{{"v", std::move(input)}}, Effect::kChanges, deadline);
  return data ? write_outcome(WriteResult::kDone) : data.error().outcome();
}

Result<std::optional<std::string>> VendureAdapter::find_timed_price(const std::string& operation,
                                                                    Deadline deadline) {
  if (operation.empty() || !shop_.fields.has_timed_price()) return std::nullopt;
  const auto ids = find_variants(operation, deadline);
  if (!ids) return tl::unexpected(ids.error().error.with_context("looking for a timed price"));
  return ids->empty() ? std::nullopt : std::optional(operation);
}

Result<Adapter::Event> VendureAdapter::decode_event(const std::map<std::string, std::string>& headers,
                                                    std::string_view body, Instant now) const {
  const auto verified = verify_event(config_.events, headers, body, now);
  if (!verified) return tl::unexpected(verified.error());
  return vendure::to_event(*verified);
}

}  // namespace vitrine::commerce
