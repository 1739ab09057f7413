// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <fmt/format.h>

#include "commerce/operations.h"

namespace vitrine::chaos {

using commerce::Operation;
using commerce::Ref;
using nlohmann::json;

std::vector<Product> products_of(const std::vector<commerce::CatalogueItem>& items) {
  constexpr int64_t kLeastPrice = 200;  // so that there is something below it
  std::map<std::string, Product> products;
  for (const auto& item : items) {
    auto [at, is_new] = products.try_emplace(item.ref.product);
    Product& product = at->second;
    if (is_new) product = {item.ref.product, false, true, {}};
    product.is_listed |= item.availability == commerce::Availability::kListed;
    product.takes_timed_price &= !item.base_price && item.price.minor >= kLeastPrice;
    product.variants.push_back({item.ref.variant, item.price.minor, item.stock.value_or(-1)});
  }
  std::vector<Product> list;
  for (auto& [id, product] : products) list.push_back(std::move(product));
  return list;
}

json to_json(const std::vector<Product>& products) {
  json list = json::array();
  for (const auto& product : products) {
    json variants = json::array();
    for (const auto& variant : product.variants)
      variants.push_back({{"id", variant.id}, {"price", variant.price_minor}, {"stock", variant.stock}});
    list.push_back({{"id", product.id},
                    {"listed", product.is_listed},
                    {"timed", product.takes_timed_price},
                    {"variants", std::move(variants)}});
  }
  return list;
}

std::vector<Product> products_from(const json& value) {
  std::vector<Product> products;
  for (const auto& entry : value) {
    Product product{entry["id"], entry["listed"], entry["timed"], {}};
    for (const auto& variant : entry["variants"])
      product.variants.push_back({variant["id"], variant["price"], variant["stock"]});
    products.push_back(std::move(product));
  }
  return products;
}

Plan::Plan(std::vector<Product> products, uint64_t seed, std::string backend)
    : products_(std::move(products)), seed_(seed), backend_(std::move(backend)), random_(seed) {
}

int64_t Plan::any(int64_t least, int64_t most) {
  // Not std::uniform_int_distribution, whose numbers differ between libraries.
  return least + static_cast<int64_t>(random_() % static_cast<uint64_t>(most - least + 1));
}

Operation Plan::next(Instant now) {
  const auto& product = products_[static_cast<size_t>(any(0, static_cast<int64_t>(products_.size()) - 1))];
  const int64_t dice = any(0, 99);
  Operation made = dice < 6 && product.takes_timed_price ? timed_price(product, now)
                   : dice < 40                           ? listing(product, now)
                                                         : stock(product, now);
  if (made.id.empty()) made.id = fmt::format("c{}-{}", seed_, count_);
  ++count_;
  return made;
}

Operation Plan::listing(const Product& product, Instant now) {
  const auto listing = any(0, 1) == 1 ? commerce::Adapter::Listing::kOn : commerce::Adapter::Listing::kOff;
  return make_operation(backend_, commerce::SetListing{{product.id, product.variants.front().id}, listing},
                        now);
}

Operation Plan::stock(const Product& product, Instant now) {
  const auto& variant =
      product.variants[static_cast<size_t>(any(0, static_cast<int64_t>(product.variants.size()) - 1))];
  commerce::SetStock wish{{product.id, variant.id}, any(1, 1'000'000), std::nullopt};
  // Now and then what was wished before is expected: a conflict where that was never sent.
  const auto before = wished_stock_.find(variant.id);
  if (before != wished_stock_.end() && any(0, 9) == 0) wish.expected = before->second;
  wished_stock_[variant.id] = wish.stock;
  return make_operation(backend_, wish, now);
}

Operation Plan::timed_price(const Product& product, Instant now) {
  auto& running = running_put_[product.id];
  if (!running.empty())
    return make_operation(backend_, commerce::EndTimedPrice{product.id, std::exchange(running, "")}, now);
  running = fmt::format("c{}-{}", seed_, count_);
  commerce::TimedPrice price{
      running, "chaos", {}, {now - std::chrono::minutes(1), now + std::chrono::hours(24)}};
  for (const auto& variant : product.variants)
    price.prices[Ref{product.id, variant.id}] = {any(1, variant.price_minor - 1), {'C', 'N', 'Y'}};
  return make_operation(backend_, price, now);
}

}  // namespace vitrine::chaos
