// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/adapter.h"
#include "commerce/http_client.h"

namespace vitrine::commerce {

inline Adapter::Deadline in_a_minute() {
  return {steady_now() + std::chrono::seconds(60)};
}

/// A line of shop_catalogue.tsv.
struct ShopRow {
  std::string sku, title, option, category;
  int64_t price = 0;
  std::optional<int64_t> struck;
  int64_t stock = 0;
  bool is_listed = false;
  bool is_presale = false;
  std::optional<int64_t> timed;
  bool is_timed_in_fields = false;
};
std::vector<ShopRow> shop_catalogue();

/// A shop's server that runs, its owner at work and its customers. VITRINE_SHOP_VENDURE and
/// VITRINE_SHOP_MEDUSA name one
/// ("http://127.0.0.1:3901,/path/credentials.json"); with VITRINE_SHOPS=1 those of tests/peers/shops are
/// started. "local" is this box itself and is always there.
class RealShop {
 public:
  /// nullptr: there is none here.
  static RealShop* find(const std::string& name);
  /// One that was started with VITRINE_SHOPS=1 and sends its events to `events_url`; nullptr without.
  static RealShop* find_with_events(const std::string& name, const std::string& events_url);
  virtual ~RealShop() = default;

  /// Its server ends, and is there again with what it had. Only of one that was started with VITRINE_SHOPS=1.
  void go_away() const;
  void come_back() const;

  Result<std::unique_ptr<Adapter>> open() const { return open_through(url_); }
  Result<std::unique_ptr<Adapter>> open_through(const std::string& url) const {
    return open_at(url, credential());
  }
  virtual Result<std::unique_ptr<Adapter>> open_at(const std::string& url,
                                                   const std::string& credential) const = 0;
  /// What its rows must say.
  [[nodiscard]] virtual CatalogueItem expected(const ShopRow& row) const = 0;

  virtual void rename(const Ref& ref, const std::string& title) = 0;
  virtual void set_price(const Ref& ref, int64_t fen) = 0;
  /// How many records of ours the server holds for it: what a put made twice would double.
  virtual size_t timed_prices(const std::string& operation) = 0;
  /// Rules of tests/peers/shops/faults: which requests change something, and what a token that is no longer
  /// good gets.
  [[nodiscard]] virtual nlohmann::json on_writes(nlohmann::json fault) const = 0;
  [[nodiscard]] virtual nlohmann::json refuse_token_once() const = 0;
  /// What tests/peers/shops/order prints.
  virtual nlohmann::json sell(const std::string& sku, int quantity, const std::string& how);
  /// There is a network in between, that can break.
  [[nodiscard]] virtual bool has_server() const { return true; }
  /// What the address of each of its photos begins with.
  [[nodiscard]] virtual std::string photo_prefix() const { return "http://127.0.0.1:"; }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& user() const { return user_; }
  /// What the desk's credentials hold.
  [[nodiscard]] std::string credential() const { return user_ + ":" + password_; }
  [[nodiscard]] const std::string& events_secret() const { return events_secret_; }

 private:
  static RealShop* take(const std::string& name, const std::string& place);

 protected:
  RealShop(std::string name, std::string url, std::string credentials_file);
  nlohmann::json call(const std::string& method, const std::string& path, const nlohmann::json& body);
  virtual void log_in() = 0;

  const std::string name_;
  const std::string url_;
  const std::string credentials_file_;
  std::string user_;
  std::string password_;
  std::string events_secret_;
  Secret token_;
  HttpClient http_{HttpClient::Config{}};
};

/// A path to a shop that breaks on command: tests/peers/shops/faults.
class BrokenPath {
 public:
  explicit BrokenPath(const RealShop& shop);
  ~BrokenPath();
  BrokenPath(const BrokenPath&) = delete;
  BrokenPath& operator=(const BrokenPath&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  void set(const nlohmann::json& rules);

 private:
  class Proxy;
  std::unique_ptr<Proxy> proxy_;
  std::string url_;
};

}  // namespace vitrine::commerce
