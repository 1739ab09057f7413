// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/item.h"
#include "commerce/outbox.h"

namespace vitrine::chaos {

/// The shop as it was before the run: what is wished for, and what the judge begins with. Kept as JSON.
struct Product {
  struct Variant {
    std::string id;
    int64_t price_minor = 0;
    int64_t stock = 0;
  };
  std::string id;
  bool is_listed = false;
  bool takes_timed_price = false;  // not where another one stands
  std::vector<Variant> variants;
};
std::vector<Product> products_of(const std::vector<commerce::CatalogueItem>& items);
nlohmann::json to_json(const std::vector<Product>& products);
std::vector<Product> products_from(const nlohmann::json& value);

/// Operations without end, the same ones for the same seed and products; only their instants differ. Ids say
/// which they are: "c7-0", "c7-1"…
class Plan {
 public:
  Plan(std::vector<Product> products, uint64_t seed, std::string backend);

  commerce::Operation next(Instant now);

 private:
  commerce::Operation listing(const Product& product, Instant now);
  commerce::Operation stock(const Product& product, Instant now);
  commerce::Operation timed_price(const Product& product, Instant now);
  int64_t any(int64_t least, int64_t most);

  const std::vector<Product> products_;
  const uint64_t seed_;
  const std::string backend_;
  std::mt19937_64 random_;
  int64_t count_ = 0;
  std::map<std::string, int64_t> wished_stock_;     // by variant
  std::map<std::string, std::string> running_put_;  // by product: the operation that put it
};

}  // namespace vitrine::chaos
