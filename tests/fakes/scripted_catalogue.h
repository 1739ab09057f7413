// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/media_time.h"

namespace vitrine::fakes {

/// The shop behind `ScriptedShop`: as much of Medusa's REST as `MedusaAdapter` asks for, over a catalogue in
/// memory. Products are "p0", "p1"…, their variants "p0v0", "p0v1"…; prices begin at 100 CNY, stock at 50.
/// Threads: any.
class ScriptedCatalogue {
 public:
  struct Reply {
    int status = 200;
    nlohmann::json body;
  };
  /// A request that changed something.
  struct Write {
    std::string method;
    std::string path;
    nlohmann::json body;
    nlohmann::json answer;
  };

  ScriptedCatalogue(int products, int variants_of_each);

  Reply act(const std::string& method, std::string_view target, const std::string& body);

  /// What others do.
  void rename(const std::string& product, const std::string& title);
  void remove(const std::string& product);
  void sell(const std::string& variant, int64_t quantity);
  void set_price(const std::string& variant, int64_t minor);

  [[nodiscard]] std::vector<Write> writes() const;
  [[nodiscard]] std::string status_of(const std::string& product) const;
  [[nodiscard]] int64_t stock_of(const std::string& variant) const;
  /// Price lists with that description, whatever their status.
  [[nodiscard]] int price_lists(const std::string& description) const;

 private:
  struct Variant {
    std::string id;
    int64_t price_minor = 10000;
    int64_t stocked = 50;
    Instant updated_at{};
  };
  struct Product {
    std::string title;
    std::string status = "published";
    Instant updated_at{};
    std::vector<Variant> variants;
  };
  struct PriceList {
    nlohmann::json fields;
    std::map<std::string, int64_t> prices_minor;  // by variant
    Instant begins_at{};
    Instant ends_at{};
  };
  struct Request;

  Reply list_products(const Request& request) const;
  Reply list_variants(const Request& request) const;
  Reply store_products(const Request& request) const;
  Reply product(const Request& request);
  Reply location_level(const Request& request);
  Reply price_lists(const Request& request);
  Reply price_list(const Request& request);
  Reply taken(const Request& request, nlohmann::json answer);
  [[nodiscard]] nlohmann::json row_of(const std::string& id, const Product& product) const;
  [[nodiscard]] int64_t price_now(const Variant& variant) const;
  Variant* find(const std::string& variant);

  mutable std::mutex mutex_;
  std::map<std::string, Product> products_;  // guarded by mutex_, as all below; by id
  std::map<std::string, PriceList> lists_;   // by id
  std::vector<Write> writes_;
};

}  // namespace vitrine::fakes
