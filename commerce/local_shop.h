// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "commerce/csv_import.h"
#include "commerce/item.h"
#include "commerce/order.h"
#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::commerce {

/// One item of a shop that has no mall.
struct LocalItem {
  CatalogueItem item;           // `price` without any timed one; `base_price` and `version` are not read
  std::string reference_basis;  // what the reference price is: "门店价"
  int64_t edition = 0;          // of everything but the stock; 0: not there yet
};

/// What the staff of a shop without a mall do to its items and orders; `LocalAdapter` is how the rest of the
/// program sees them. Every change is one transaction. Who repeats a call after a lost answer changes nothing
/// twice. Threads: any, all functions; an import of 50,000 rows holds up other writers of the store for a
/// second (1.1 s measured).
class LocalShop {
 public:
  using Clock = std::function<Instant()>;

  LocalShop(Store& store, const RowRules& rules, Clock clock = system_now)
      : store_(store), rules_(rules), clock_(std::move(clock)) {}

  struct Imported {
    int64_t added = 0;
    int64_t changed = 0;
    int64_t unchanged = 0;
    int64_t missing = 0;  // in the shop and not in the table; they stay as they are
    std::vector<RefusedTableRow> refused;
    Problems remarks;
  };
  enum class Trial { kPreview, kApply };
  /// All good rows of `table`, or with kPreview what would become of them. A column that the table lacks
  /// leaves what is there; an empty cell empties it. A stock is taken when it is another one than the last
  /// table's: the same table brought in again must not bring back what was sold since.
  Result<Imported> import_table(const ItemTable& table, Trial trial);

  /// As typed by staff, whole; its new edition. The stock counts only where the item is new; later it is
  /// `LocalAdapter::set_stock`. Errors: kInvalidInput; kStaleRevision where somebody else changed it since
  /// `item.edition`; kNotFound.
  Result<int64_t> put_item(const LocalItem& item);
  /// For a form. What it costs now is `LocalAdapter::read_items`.
  [[nodiscard]] Result<std::optional<LocalItem>> find(const Ref& ref) const;

  struct Reservation {
    std::string operation;  // of the form that was filled in
    struct Line {
      Ref ref;
      int64_t quantity = 0;
      std::optional<Money> unit_price;  // as agreed; nullopt: what it costs now
    };
    std::vector<Line> lines;
    std::string masked_name;  // "张*"; never a name in full
    std::string room;
  };
  /// Holds the stock. Errors: kInvalidInput, also where less is left than asked for.
  Result<Order> reserve(const Reservation& reservation);
  /// `payment.id`: of the form that was filled in. Less than what is owed is a deposit, the rest of it the
  /// balance. Errors: kInvalidInput, kNotFound.
  Result<Order> pay(const std::string& order, const Payment& payment);
  /// To kCancelled (nothing more will be paid; a deposit stays with the shop), kRefunded (what was paid went
  /// back) or kShipped (all was paid). The first two give back the stock that was held, unless it was
  /// shipped. Errors: kInvalidInput, kNotFound.
  Result<Order> close(const std::string& order, OrderState state);

 private:
  Store& store_;
  const RowRules rules_;
  const Clock clock_;
};

}  // namespace vitrine::commerce
