// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/catalogue.h"
#include "commerce/detail/hint_queue.h"
#include "commerce/freshness.h"
#include "commerce/order_book.h"

namespace vitrine::commerce {

/// Keeps the store equal to the backend, in one thread. Rows that changed are asked for at intervals; price
/// and stock of what is in the show are read by id, because a sale or the start of a timed price changes no
/// row's time on any backend that was measured; orders that can still change are read by id too. An event is
/// a hint to read now. All is done in steps of a page: what is on air is looked at between any two of them,
/// and nothing that waits is overtaken for ever.
class Puller {
 public:
  /// How often; a small shop's server spends about 2 % of a core on it.
  struct Plan {
    std::chrono::milliseconds watched{5000};
    std::chrono::milliseconds orders{3000};
    std::chrono::milliseconds catalogue{60'000};
    std::chrono::milliseconds everything{30 * 60'000};
    /// What an event can bring forward but not name is asked for no more often than this: ten thousand
    /// events in a minute are no ten thousand lists.
    std::chrono::milliseconds hinted{500};
  };
  struct Status {
    std::optional<Error> fault;  // of what can't be read now, the most important; nothing when all is well
    std::chrono::milliseconds next_attempt_in{0};
    std::optional<Instant> catalogue_at;  // when it was last equal to the backend's
    std::optional<Instant> orders_at;
    size_t hinted = 0;  // that events named and that are not read yet
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
  /// Everything, as soon as possible; one that is under way goes on. Thread: any.
  void reconcile_now();

  [[nodiscard]] Status status() const;

 private:
  /// The first two are about what is on air.
  enum class Job { kWatchedHints = 0, kWatched, kItemHints, kOrderHints, kOrders, kCatalogue, kEverything };
  static constexpr size_t kJobs = 7;
  static constexpr size_t kJobsOnAir = 2;
  struct Work {
    MediaTime due_at{};  // of hints: if there are any
    MediaTime started_at = MediaTime::min() / 2;
    int failures = 0;
    std::optional<Error> fault;
  };
  /// After a step: is there more to do at once?
  enum class Progress { kDone, kMore };
  /// Reading everything again: what it has come to.
  enum class Reconcile { kIdle, kList, kUnheard };
  struct Reading;

  void run(const std::stop_token& stop);
  std::optional<Job> due(MediaTime now, MediaTime& next_look);
  [[nodiscard]] MediaTime sharpen(Job job, MediaTime now, MediaTime due_at) const;
  bool is_due(Job job, MediaTime now, MediaTime& next_look) const;
  void bring_forward(Job job, MediaTime now);
  [[nodiscard]] bool is_watched(const Ref& hinted) const;
  Result<Progress> step(Job job);
  Result<Progress> read_hinted(detail::HintQueue<Ref>& hints);
  Result<Progress> read_hinted_orders();
  Result<Progress> read_watched();
  Result<Progress> pull_orders();
  Result<Progress> pull_catalogue();
  Result<Progress> pull_everything();
  vitrine::Status read_items(std::span<const Ref> refs);
  vitrine::Status read_part(std::span<const Ref> refs, Reading& reading);
  vitrine::Status take_items(const ReadItems& read, MediaTime asked_at);
  vitrine::Status read_orders(const std::vector<std::string>& ids);
  void note(Job job, const Result<Progress>& done, MediaTime now);

  Work& work(Job job) { return work_.at(static_cast<size_t>(job)); }
  [[nodiscard]] const Work& work(Job job) const { return work_.at(static_cast<size_t>(job)); }

  const Parts parts_;
  const Plan plan_;
  const OnChange on_change_;

  // The thread's own.
  std::array<size_t, 2> last_of_{};  // jobs run last: of those on air, of the others
  bool was_on_air_ = false;
  int path_failures_ = 0;
  Reconcile reconcile_ = Reconcile::kIdle;
  std::set<Ref> unheard_;  // known, and not named in the list that is being read

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  // Guarded by mutex_.
  bool is_poked_ = false;
  std::vector<Ref> watched_;
  detail::HintQueue<Ref> watched_hints_;
  detail::HintQueue<Ref> item_hints_;
  detail::HintQueue<std::string> order_hints_;
  Status status_;
  std::array<Work, kJobs> work_{};
  MediaTime not_before_{};  // nothing is asked: the server can't be reached, or wants a pause
  std::jthread thread_;     // last: it ends before the rest goes
};

}  // namespace vitrine::commerce
