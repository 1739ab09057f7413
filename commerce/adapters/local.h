// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/store.h"

namespace vitrine::commerce {

/// A shop without a mall: what the other adapters ask a server, this one asks our own store, which
/// `LocalShop` fills. A cursor is the number of the last change seen: there are no ties and nothing comes
/// late. What is asked for here is on the disk when it is answered; kUnknown comes only from a disk that
/// fails.
class LocalAdapter : public Adapter {
 public:
  using Clock = std::function<Instant()>;

  explicit LocalAdapter(Store& store, Clock clock = system_now) : store_(store), clock_(std::move(clock)) {}

  [[nodiscard]] Capabilities capabilities() const override;

  /// Deleted items come as items that are kDeleted.
  Result<ChangedItems> changes(const std::string& cursor, Deadline deadline) override;
  Result<ReadItems> read_items(std::span<const Ref> refs, Deadline deadline) override;
  Result<ChangedOrders> orders(const std::string& cursor, Deadline deadline) override;
  Result<ReadOrders> read_orders(std::span<const std::string> ids, Deadline deadline) override;

  WriteOutcome set_listing(const Ref& ref, Listing listing, Deadline deadline) override;
  WriteOutcome set_stock(const Ref& ref, int64_t stock, std::optional<int64_t> expected,
                         Deadline deadline) override;
  WriteOutcome set_price(const Ref& ref, const Money& price, const Money& expected,
                         Deadline deadline) override;
  /// One price for an item at any instant: a window that overlaps another one of the same item is refused.
  WriteOutcome put_timed_price(const TimedPrice& price, Deadline deadline) override;
  WriteOutcome end_timed_price(const std::string& handle, Deadline deadline) override;
  Result<std::optional<std::string>> find_timed_price(const std::string& operation,
                                                      Deadline deadline) override;

  /// There are none: kProtocol.
  Result<Event> decode_event(const std::map<std::string, std::string>& headers, std::string_view body,
                             Instant now) const override;

 private:
  Store& store_;
  const Clock clock_;
};

}  // namespace vitrine::commerce
