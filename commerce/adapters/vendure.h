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
#include "commerce/adapters/shop_session.h"
#include "commerce/adapters/signed_event.h"
#include "commerce/adapters/vendure_rows.h"
#include "commerce/http_client.h"

namespace vitrine::commerce {

/// A shop on Vendure 3, over its admin API (GraphQL). Timed prices need four custom fields on the variant
/// and a price strategy of the shop's that looks at them; without, the price itself is set and set back
/// (Vendure's own promotions take a sum off in the cart only). A listing is the product's "enabled". Threads:
/// any, as `Adapter`.
class VendureAdapter : public Adapter {
 public:
  struct Config {
    std::string url;  // "https://shop.example": "/admin-api" follows
    vendure::CustomFields fields;
    std::string category_facet = "category";
    std::string page_address;  // "https://shop.example/p/{handle}"; empty: none
    std::chrono::hours order_history{24 * 30};
    EventSignature events;
    HttpClient::Config http;
  };

  /// Logs in and reads what the shop is set to. `credential`: "user:password". Errors: those of reads;
  /// kInvalidInput for a credential of another form.
  static Result<std::unique_ptr<VendureAdapter>> open(Config config, Secret credential, Deadline deadline);

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
  enum class Effect { kReads, kChanges };
  struct Rows {
    std::vector<CatalogueItem> items;
    std::vector<RefusedRow> refused;
    std::map<std::string, nlohmann::json> by_id;
  };

  VendureAdapter(Config config, Secret credential);
  Called<nlohmann::json> ask(const std::string& query, nlohmann::json variables, Effect effect,
                             Deadline deadline);
  Called<Secret> log_in(ShopSession& session, MediaTime deadline);
  Status read_shop(Deadline deadline);
  Called<std::vector<Change>> changed_products(Instant from, size_t limit, size_t skip, Deadline deadline);
  Called<std::vector<Change>> changed_variants(Instant from, size_t limit, size_t skip, Deadline deadline);
  Called<Instant> newest_product(Deadline deadline);
  Called<Rows> read_variants(const std::set<std::string>& ids, Deadline deadline);
  Called<std::map<std::string, std::set<std::string>>> variants_of(const std::set<std::string>& products,
                                                                   Deadline deadline);
  /// The variants that carry the timed price of `operation`.
  Called<std::set<std::string>> find_variants(const std::string& operation, Deadline deadline);

  const Config config_;
  const Secret credential_;
  vendure::Shop shop_;              // set by `open`, then read only
  std::array<char, 3> currency_{};  // likewise
  ShopSession session_;
};

}  // namespace vitrine::commerce
