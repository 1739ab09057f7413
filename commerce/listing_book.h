// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/item.h"
#include "commerce/outbox.h"
#include "commerce/store.h"

namespace vitrine::commerce {

/// Where an item stands in a show, as customers find it in the shop.
enum class ListingState { kUnknown = 0, kQueued, kListed, kOnAir, kSoldOut, kDelisted };

struct Listing {
  int64_t id = 0;
  std::string show;  // whoever runs it has its own names for shows
  Ref ref;
  ListingState state = ListingState::kUnknown;
  std::string why;
  std::optional<int64_t> quota;  // pieces the show may sell
  /// The most that was ever there to sell, pieces sold and pieces left: what the backend really had, however
  /// late its orders come.
  std::optional<int64_t> supply;
  std::optional<Instant> listed_at;  // sales count from then
  std::string operation;             // the newest that lists or delists it; empty: none
  int64_t version = 0;

  /// More pieces sold than there are, or than the show may sell.
  [[nodiscard]] bool is_oversold(int64_t sold) const {
    return (quota && sold > *quota) || (supply && sold > *supply);
  }
};

/// What was just read of a listing's item.
struct ListingSight {
  Availability availability = Availability::kUnknown;
  std::optional<int64_t> stock;
  int64_t sold = 0;  // since `listed_at`
  bool is_fresh = false;
  Operation::State operation = Operation::State::kDone;
  std::string result;
};

/// `listing` as it is now; only state, why and supply differ.
Listing judge(Listing listing, const ListingSight& sight);

/// The items of shows. What is listed or delisted goes to the backend through the outbox, in the same
/// transaction, and counts when it was read back. Threads: any.
class ListingBook {
 public:
  ListingBook(Store& store, Outbox& outbox, std::string backend)
      : store_(store), outbox_(outbox), backend_(std::move(backend)) {}

  /// Errors: kInvalidInput for a quota below 1, an item that is not there or is in this show already.
  Result<Listing> queue(const std::string& show, const Ref& ref, std::optional<int64_t> quota);
  /// Customers shall find it in the shop, or not any more. Errors: kNotFound.
  Status list(int64_t id);
  Status delist(int64_t id);
  /// kListed ↔ kOnAir. Errors: kNotFound; kInvalidInput for one that is not listed.
  enum class Air { kOff, kOn };
  Status set_air(int64_t id, Air air);

  /// Those that are not delisted.
  [[nodiscard]] Result<std::vector<Listing>> open() const;
  [[nodiscard]] Result<std::vector<Listing>> of_show(const std::string& show) const;

  struct OperationState {
    Operation::State state = Operation::State::kDone;
    std::string result;
  };
  [[nodiscard]] Result<OperationState> operation(const Listing& listing) const;
  /// False where somebody else was quicker (`listing.version`): look again.
  Result<bool> settle(const Listing& listing);

 private:
  Result<std::vector<Listing>> select(const std::string& condition, const std::string& value) const;
  Status wish(int64_t id, Adapter::Listing on);

  Store& store_;
  Outbox& outbox_;
  const std::string backend_;
};

std::string_view to_string(ListingState state);
ListingState listing_state_from(std::string_view name);

}  // namespace vitrine::commerce
