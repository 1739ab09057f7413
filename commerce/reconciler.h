// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/shop_data.h"

namespace vitrine::commerce {

/// Brings offers and listings from what was wished to what the shop says, in one thread. It looks again when
/// it is poked, when a window begins or ends, and every few moments while something is on its way; what it
/// decides follows from what is durable and from what was just read, so that a look that was missed matters
/// to nobody.
class Reconciler {
 public:
  /// Called on its thread.
  struct Calls {
    std::function<void(const std::vector<Ref>&)> read_now;  // of these the shop's price must be known
    std::function<void(std::vector<Ref>)> watch;            // of these all the time
    std::function<void()> push;                             // the outbox has something that is due
    std::function<void()> changed;                          // an offer or a listing is another one
  };

  Reconciler(ShopData& data, const Adapter& adapter) : data_(data), adapter_(adapter) {}

  /// The thread. Once; it ends before those whom `calls` calls do.
  [[nodiscard]] std::jthread start(Calls calls);
  /// The store has changed. Thread: any; never blocks.
  void poke();

  /// What somebody must know now: more sold than there is, a price that the shop does not take back.
  [[nodiscard]] std::vector<std::string> alarms() const;

 private:
  struct Look {
    std::vector<Ref> watched;
    std::vector<Ref> unread;
    std::vector<std::string> alarms;
    std::chrono::milliseconds next{std::chrono::minutes(1)};
    bool has_changed = false;
  };

  void run(const std::stop_token& stop, const Calls& calls);
  Status look_at_offers(Look& look);
  Status look_at_listings(Look& look);
  Status look_at(const Offer& offer, Look& look);
  Status look_back_at_offers(Look& look);
  /// Pieces of all its variants, from its beginning to `until`; more than it was for is an alarm.
  Result<int64_t> count_sold(const Offer& offer, Instant until, Look& look);
  Status look_at(const Listing& listing, Look& look);
  /// The price that was read since our last change; nothing inside for what is gone.
  [[nodiscard]] Result<std::optional<std::optional<Money>>> charged(const Ref& ref) const;

  ShopData& data_;
  const Adapter& adapter_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool is_poked_ = false;            // guarded by mutex_
  std::vector<std::string> alarms_;  // guarded by mutex_
};

}  // namespace vitrine::commerce
