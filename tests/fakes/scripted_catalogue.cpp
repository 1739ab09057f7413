// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/scripted_catalogue.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/rfc3339.h"

namespace vitrine::fakes {
namespace {

using nlohmann::json;

std::string decoded(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      plain += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

double in_yuan(int64_t minor) {
  return static_cast<double>(minor) / 100;
}

ScriptedCatalogue::Reply refused(int status, const char* type, const std::string& message) {
  return {status, json{{"type", type}, {"message", message}}};
}

struct Changed {
  Instant at;
  json row;
};
/// A page of those changed since, the oldest first.
json page_of(std::vector<Changed> rows, Instant since, size_t offset, size_t limit) {
  std::erase_if(rows, [&](const Changed& row) { return row.at < since; });
  std::ranges::stable_sort(rows, {}, &Changed::at);
  json page = json::array();
  for (size_t i = offset; i < rows.size() && i - offset < limit; ++i) page.push_back(rows[i].row);
  return page;
}

}  // namespace

struct ScriptedCatalogue::Request {
  std::string method;
  std::string path;
  std::multimap<std::string, std::string> query;
  json body;

  [[nodiscard]] std::string value(const std::string& name, const std::string& fallback) const {
    const auto found = query.find(name);
    return found == query.end() ? fallback : found->second;
  }
  [[nodiscard]] std::set<std::string> ids() const {
    std::set<std::string> found;
    for (auto [at, end] = query.equal_range("id[]"); at != end; ++at) found.insert(at->second);
    return found;
  }
  [[nodiscard]] bool is_about_ids() const { return query.contains("id[]"); }
  [[nodiscard]] Instant since() const {
    return parse_rfc3339(value("updated_at[$gte]", "")).value_or(Instant{});
  }
  [[nodiscard]] size_t offset() const { return std::stoul(value("offset", "0")); }
  [[nodiscard]] size_t limit() const { return std::stoul(value("limit", "50")); }
  [[nodiscard]] std::string last_part() const { return path.substr(path.rfind('/') + 1); }
};

ScriptedCatalogue::ScriptedCatalogue(int products, int variants_of_each) {
  for (int p = 0; p < products; ++p) {
    Product product{.title = "商品 " + std::to_string(p), .updated_at = system_now(), .variants = {}};
    const std::string id = "p" + std::to_string(p);
    for (int v = 0; v < variants_of_each; ++v)
      product.variants.push_back({.id = id + "v" + std::to_string(v), .updated_at = product.updated_at});
    products_[id] = std::move(product);
  }
}

ScriptedCatalogue::Reply ScriptedCatalogue::act(const std::string& method, std::string_view target,
                                                const std::string& body) {
  Request request{.method = method,
                  .path = std::string(target.substr(0, target.find('?'))),
                  .query = {},
                  .body = json::parse(body, nullptr, false)};
  std::string_view rest = target.substr(std::min(target.size(), request.path.size() + 1));
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    const size_t equals = std::min(pair.find('='), pair.size());
    request.query.emplace(decoded(pair.substr(0, equals)),
                          decoded(pair.substr(std::min(pair.size(), equals + 1))));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  const std::lock_guard lock(mutex_);
  const std::string& path = request.path;
  if (path == "/auth/user/emailpass") return {200, json{{"token", "token"}}};
  if (path == "/admin/regions")
    return {200, json{{"regions", json::array({json{{"id", "r1"}, {"currency_code", "cny"}}})}}};
  if (path == "/admin/api-keys")
    return {200,
            json{{"api_keys", json::array({json{{"id", "k1"}, {"token", "pk"}, {"revoked_at", nullptr}}})}}};
  if (path == "/admin/products") return list_products(request);
  if (path == "/admin/product-variants") return list_variants(request);
  if (path == "/store/products") return store_products(request);
  if (path == "/admin/price-lists") return price_lists(request);
  if (path == "/admin/orders") return {200, json{{"orders", json::array()}}};
  if (path.starts_with("/admin/products/")) return product(request);
  if (path.starts_with("/admin/inventory-items/")) return location_level(request);
  if (path.starts_with("/admin/price-lists/")) return price_list(request);
  return refused(404, "not_found", "no such route");
}

json ScriptedCatalogue::row_of(const std::string& id, const Product& product) const {
  json variants = json::array();
  for (const auto& variant : product.variants) {
    const json level{{"inventory_item_id", variant.id},
                     {"location_id", "l1"},
                     {"stocked_quantity", variant.stocked},
                     {"reserved_quantity", 0}};
    const json part{{"required_quantity", 1}, {"inventory", json{{"location_levels", json::array({level})}}}};
    variants.push_back(
        {{"id", variant.id},
         {"sku", "SKU-" + variant.id},
         {"title", variant.id},
         {"updated_at", format_rfc3339(variant.updated_at)},
         {"manage_inventory", true},
         {"prices", json::array({json{{"currency_code", "cny"}, {"amount", in_yuan(variant.price_minor)}}})},
         {"inventory_items", json::array({part})}});
  }
  return {{"id", id},
          {"title", product.title},
          {"handle", id},
          {"status", product.status},
          {"thumbnail", ""},
          {"updated_at", format_rfc3339(product.updated_at)},
          {"metadata", {}},
          {"categories", json::array()},
          {"variants", std::move(variants)}};
}

ScriptedCatalogue::Reply ScriptedCatalogue::list_products(const Request& request) const {
  const auto ids = request.ids();
  std::vector<Changed> rows;
  for (const auto& [id, product] : products_)
    if (!request.is_about_ids() || ids.contains(id))
      rows.push_back({product.updated_at, row_of(id, product)});
  return {200,
          json{{"products", page_of(std::move(rows), request.since(), request.offset(), request.limit())}}};
}

ScriptedCatalogue::Reply ScriptedCatalogue::list_variants(const Request& request) const {
  const auto ids = request.ids();
  std::vector<Changed> rows;
  for (const auto& [id, product] : products_)
    for (const auto& variant : product.variants)
      if (!request.is_about_ids() || ids.contains(variant.id))
        rows.push_back({variant.updated_at, json{{"id", variant.id},
                                                 {"product_id", id},
                                                 {"updated_at", format_rfc3339(variant.updated_at)}}});
  return {200,
          json{{"variants", page_of(std::move(rows), request.since(), request.offset(), request.limit())}}};
}

ScriptedCatalogue::Reply ScriptedCatalogue::store_products(const Request& request) const {
  json rows = json::array();
  for (const auto& id : request.ids()) {
    const auto found = products_.find(id);
    if (found == products_.end() || found->second.status != "published") continue;
    json variants = json::array();
    for (const auto& variant : found->second.variants)
      variants.push_back({{"id", variant.id},
                          {"calculated_price",
                           {{"currency_code", "cny"},
                            {"calculated_amount", in_yuan(price_now(variant))},
                            {"original_amount", in_yuan(variant.price_minor)}}}});
    rows.push_back({{"id", id}, {"variants", std::move(variants)}});
  }
  return {200, json{{"products", std::move(rows)}}};
}

int64_t ScriptedCatalogue::price_now(const Variant& variant) const {
  int64_t price = variant.price_minor;
  const Instant now = system_now();
  for (const auto& [id, list] : lists_)
    if (list.fields["status"] == "active" && list.begins_at <= now && now < list.ends_at)
      if (const auto found = list.prices_minor.find(variant.id); found != list.prices_minor.end())
        price = std::min(price, found->second);
  return price;
}

ScriptedCatalogue::Reply ScriptedCatalogue::product(const Request& request) {
  const std::string id = request.last_part();
  const auto found = products_.find(id);
  if (found == products_.end()) return refused(404, "not_found", "Product with id: " + id + " was not found");
  if (request.method == "POST") {
    if (!request.body.is_object() || !request.body.contains("status"))
      return refused(400, "invalid_data", "Invalid request");
    found->second.status = request.body["status"];
    found->second.updated_at = system_now();
  }
  json row{{"product", {{"id", id}, {"status", found->second.status}}}};
  return request.method == "POST" ? taken(request, std::move(row)) : Reply{200, std::move(row)};
}

ScriptedCatalogue::Variant* ScriptedCatalogue::find(const std::string& variant) {
  for (auto& [id, product] : products_)
    for (auto& one : product.variants)
      if (one.id == variant) return &one;
  return nullptr;
}

/// /admin/inventory-items/p0v0/location-levels/l1. A change of stock moves no "updated_at".
ScriptedCatalogue::Reply ScriptedCatalogue::location_level(const Request& request) {
  const std::string rest = request.path.substr(std::string("/admin/inventory-items/").size());
  Variant* variant = find(rest.substr(0, rest.find('/')));
  if (variant == nullptr || !request.body.is_object() || !request.body.contains("stocked_quantity"))
    return refused(400, "invalid_data", "Invalid request");
  variant->stocked = request.body["stocked_quantity"];
  return taken(request, json{{"inventory_item", {{"id", variant->id}}}});
}

ScriptedCatalogue::Reply ScriptedCatalogue::price_lists(const Request& request) {
  if (request.method == "GET") {
    json rows = json::array();
    const std::string wanted = request.value("q", "");
    for (const auto& [id, list] : lists_)
      if (list.fields["description"].get<std::string>().find(wanted) != std::string::npos)
        rows.push_back(list.fields);
    return {200, json{{"price_lists", std::move(rows)}}};
  }
  const std::string id = "plist" + std::to_string(lists_.size());
  PriceList list;
  list.fields = request.body;
  list.fields["id"] = id;
  for (const auto& price : request.body["prices"])
    list.prices_minor[price["variant_id"]] = std::llround(price["amount"].get<double>() * 100);
  list.begins_at = parse_rfc3339(request.body["starts_at"].get<std::string>()).value_or(Instant{});
  list.ends_at = parse_rfc3339(request.body["ends_at"].get<std::string>()).value_or(Instant{});
  lists_[id] = std::move(list);
  return taken(request, json{{"price_list", {{"id", id}}}});
}

ScriptedCatalogue::Reply ScriptedCatalogue::price_list(const Request& request) {
  const auto found = lists_.find(request.last_part());
  if (found == lists_.end()) return refused(404, "not_found", "Price list was not found");
  if (request.method == "POST") found->second.fields.update(request.body);
  json row{{"price_list", found->second.fields}};
  return request.method == "POST" ? taken(request, std::move(row)) : Reply{200, std::move(row)};
}

ScriptedCatalogue::Reply ScriptedCatalogue::taken(const Request& request, json answer) {
  writes_.push_back({request.method, request.path, request.body, answer});
  return {200, std::move(answer)};
}

void ScriptedCatalogue::rename(const std::string& product, const std::string& title) {
  const std::lock_guard lock(mutex_);
  products_.at(product).title = title;
  products_.at(product).updated_at = system_now();
}

void ScriptedCatalogue::remove(const std::string& product) {
  const std::lock_guard lock(mutex_);
  products_.erase(product);
}

void ScriptedCatalogue::sell(const std::string& variant, int64_t quantity) {
  const std::lock_guard lock(mutex_);
  find(variant)->stocked -= quantity;
}

void ScriptedCatalogue::set_price(const std::string& variant, int64_t minor) {
  const std::lock_guard lock(mutex_);
  auto* found = find(variant);
  found->price_minor = minor;
  found->updated_at = system_now();
}

std::vector<ScriptedCatalogue::Write> ScriptedCatalogue::writes() const {
  const std::lock_guard lock(mutex_);
  return writes_;
}

std::string ScriptedCatalogue::status_of(const std::string& product) const {
  const std::lock_guard lock(mutex_);
  return products_.at(product).status;
}

int64_t ScriptedCatalogue::stock_of(const std::string& variant) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, product] : products_)
    for (const auto& one : product.variants)
      if (one.id == variant) return one.stocked;
  return -1;
}

int ScriptedCatalogue::price_lists(const std::string& description) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::ranges::count_if(
      lists_, [&](const auto& entry) { return entry.second.fields["description"] == description; }));
}

}  // namespace vitrine::fakes
