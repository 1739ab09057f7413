// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/adapters/change_stream.h"
#include "commerce/adapters/medusa_rows.h"
#include "commerce/adapters/shop_session.h"
#include "commerce/adapters/signed_event.h"
#include "commerce/http_client.h"

namespace vitrine::commerce {

/// A shop on Medusa 2, over its admin and store APIs (REST). What a customer pays is asked of the store,
/// which alone knows price lists, regions and taxes. A timed price is a price list of ours: "vitrine:" and
/// the operation's id stand in its description. Threads: any, as `Adapter`.
class MedusaAdapter : public Adapter {
 public:
  struct Config {
    std::string url;  // "https://shop.example"
    std::array<char, 3> currency{'C', 'N', 'Y'};
    std::string region;            // id; empty: the first one with that currency
    std::string publishable_key;   // of the store; empty: the shop's first
    std::string location;          // id of the stock location that counts; empty: all
    std::string presale_metadata;  // key in the product's metadata; empty: none
    std::string page_address;      // "https://shop.example/p/{handle}"; empty: none
    std::chrono::hours order_history{24 * 30};
    EventSignature events;
    HttpClient::Config http;
  };

  /// Logs in and reads what was left empty in `config`. `credential`: "user:password". Errors: those of
  /// reads; kInvalidInput for a credential of another form; kNotFound when no region has the currency.
  static Result<std::unique_ptr<MedusaAdapter>> open(Config config, Secret credential, Deadline deadline);

  [[nodiscard]] Capabilities capabilities() const override;
  Result<ChangedItems> changes(const std::string& cursor, Deadline deadline) override;
  Result<ReadItems> read_items(std::span<const Ref> refs, Deadline deadline) override;
  Result<ChangedOrders> orders(const std::string& cursor, Deadline deadline) override;
  Result<ReadOrders> read_orders(std::span<const std::string> ids, Deadline deadline) override;
  WriteOutcome set_listing(const Ref& ref, Listing listing, Deadline deadline) override;
  WriteOutcome set_stock(const Ref& ref, int64_t stock, std::optional<int64_t> expected,
                         Deadline deadline) override;
  WriteOutcome set_price(const Ref& ref, const Money& price, const Money& expected,
                         Deadline deadline) override;
  WriteOutcome put_timed_price(const TimedPrice& price, Deadline deadline) override;
  WriteOutcome end_timed_price(const std::string& handle, Deadline deadline) override;
  Result<std::optional<std::string>> find_timed_price(const std::string& operation,
                                                      Deadline deadline) override;
  Result<Event> decode_event(const std::map<std::string, std::string>& headers, std::string_view body,
                             Instant now) const override;

 private:
  struct Rows {
    std::vector<CatalogueItem> items;
    std::vector<RefusedRow> refused;
    std::map<Ref, nlohmann::json> by_ref;  // variants
    std::set<std::string> products;
  };

  MedusaAdapter(Config config, Secret credential);
  Called<nlohmann::json> get(const std::string& path, Deadline deadline);
  Called<nlohmann::json> post(const std::string& path, std::string body, Deadline deadline);
  Called<Secret> log_in(ShopSession& session, MediaTime deadline);
  Status read_shop(Deadline deadline);
  Called<std::vector<Change>> changed(const std::string& path, const char* list, const char* id_key,
                                      Instant from, size_t limit, size_t skip, Deadline deadline);
  Called<Instant> newest_variant(Deadline deadline);
  Called<Rows> read_products(const std::set<std::string>& ids, Deadline deadline);
  Called<void> read_some_products(std::span<const std::string> ids, Rows& rows, Deadline deadline);
  /// The store's answer, for medusa::prices_of.
  Called<nlohmann::json> calculated_prices(const std::string& ids, Deadline deadline);
  Called<std::map<std::string, std::string>> products_of(const std::set<std::string>& variants,
                                                         Deadline deadline);
  Called<std::optional<std::string>> find_price_list(const std::string& operation, Deadline deadline);

  const Config config_;
  const Secret credential_;
  medusa::Shop shop_;
  std::string region_;           // set by `open`, then read only; it is there
  std::string publishable_key_;  // likewise
  ShopSession session_;
};

}  // namespace vitrine::commerce
