// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/catalogue.h"
#include "commerce/freshness.h"
#include "commerce/order_book.h"

namespace vitrine::commerce {

/// Keeps the store equal to the backend, in one thread. Rows that changed are asked for at intervals; price
/// and stock of what is in the show are read by id, because a sale or the start of a timed price changes no
/// row's time on any backend that was measured; orders that can still change are read by id too. An event is
/// a hint to read now.
class Puller {
 public:
  /// How often; a small shop's server spends about 2 % of a core on it.
  struct Plan {
    std::chrono::milliseconds watched{5000};
    std::chrono::milliseconds orders{3000};
    std::chrono::milliseconds catalogue{60'000};
    std::chrono::milliseconds everything{30 * 60'000};
  };
  struct Status {
    std::optional<Error> fault;  // of the newest attempt; nothing when it went well
    std::chrono::milliseconds next_attempt_in{0};
    std::optional<Instant> catalogue_at;  // when it was last equal to the backend's
    std::optional<Instant> orders_at;
    int64_t pulls = 0;
    int64_t items_changed = 0;
  };
  struct Parts {
    Adapter& adapter;
    Catalogue& catalogue;
    OrderBook& orders;
    Freshness& freshness;
  };
  /// Called on the puller's thread after something in the store has changed.
  using OnChange = std::function<void()>;

  Puller(const Parts& parts, const Plan& plan, OnChange on_change);
  ~Puller();  // ends the thread, after the call that is under way
  Puller(const Puller&) = delete;
  Puller& operator=(const Puller&) = delete;

  /// What is in the show now. Thread: any.
  void watch(std::vector<Ref> refs);
  /// Thread: any; never blocks.
  void hint(const Adapter::Event& event);
  /// Everything, as soon as possible. Thread: any.
  void reconcile_now();

  [[nodiscard]] Status status() const;

 private:
  enum class Job { kHints = 0, kWatched, kOrders, kCatalogue, kEverything, kCount };
  struct Hints {
    std::set<Ref> items;
    std::set<std::string> orders;
    bool is_catalogue = false;
  };

  void run(const std::stop_token& stop);
  /// The job that is due, and nothing when all can wait until `next_look`.
  std::optional<Job> due(MediaTime now, MediaTime& next_look);
  vitrine::Status run_job(Job job);
  vitrine::Status read_hinted();
  vitrine::Status read_hinted(const Hints& hints);
  vitrine::Status read_items(const std::vector<Ref>& refs);
  vitrine::Status pull_orders();
  vitrine::Status pull_catalogue();
  vitrine::Status pull_everything();
  void note(Job job, const vitrine::Status& done, MediaTime now);

  const Parts parts_;
  const Plan plan_;
  const OnChange on_change_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Ref> watched_;                                         // guarded by mutex_
  Hints hints_;                                                      // guarded by mutex_
  Status status_;                                                    // guarded by mutex_
  std::vector<MediaTime> due_at_{static_cast<size_t>(Job::kCount)};  // guarded by mutex_
  MediaTime not_before_{};                                           // guarded by mutex_; after a failure
  int failures_ = 0;                                                 // the thread's
  std::jthread thread_;                                              // last: it ends before the rest goes
};

}  // namespace vitrine::commerce
