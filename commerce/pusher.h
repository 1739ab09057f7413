// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/freshness.h"
#include "commerce/operations.h"
#include "commerce/outbox.h"

namespace vitrine::commerce {

/// Does what the outbox holds: each operation once, however often it is tried, those of a lane in order. What
/// was sent and never answered, and what a crash found under way, is resolved by reading; only what the
/// backend has not got, and can't get any more, is sent again. Several threads, so that a call that hangs
/// holds up its own lane and not the end of somebody else's price.
class Pusher {
 public:
  struct Config {
    int threads = 4;
    /// The waits before the same is tried again, and before the shop is asked anything after it could not
    /// serve us. What the shop itself asks for goes before it.
    std::chrono::milliseconds first_wait{1000};
    std::chrono::milliseconds longest_wait{60'000};
    /// For so long after it was sent, a request that nobody answered may still come in: twice what any
    /// request may take. What is not there before that is not missing yet.
    std::chrono::milliseconds settle{20'000};
  };
  struct Parts {
    Adapter& adapter;
    Outbox& outbox;
    Freshness& freshness;
    std::string backend;
  };
  /// Called on one of the pusher's threads when an operation has ended; it stands in the store already.
  using OnEnd =
      std::function<void(const Operation& operation, Operation::State state, const std::string& why)>;

  Pusher(const Parts& parts, const Config& config, OnEnd on_end);
  ~Pusher();  // ends the threads, after the calls that are under way
  Pusher(const Pusher&) = delete;
  Pusher& operator=(const Pusher&) = delete;

  /// Something was added. Thread: any.
  void poke();

  struct Status {
    std::optional<std::string> fault;  // why the newest attempt did not end
  };
  [[nodiscard]] Status status() const;

 private:
  void run(const std::stop_token& stop);
  /// The next one to do, its lane taken; or how long there is nothing to do.
  std::optional<Operation> claim(std::chrono::microseconds& wait);
  void release(const std::string& lane);
  /// False when the store can't record it.
  bool attempt(Operation operation);
  /// How it ended, or why that can't be told; nullopt when the backend has not got it.
  std::optional<WriteOutcome> resolve(const Operation& operation);
  WriteOutcome send(const Operation& operation);
  WriteOutcome set_prices(const SetPrices& wish);
  /// What is known of the price that it changes holds no longer.
  void doubt(const Operation& operation);
  [[nodiscard]] Instant shop_now() const;
  bool settle(Operation operation, const WriteOutcome& outcome);
  bool wait_and_see(const Operation& operation, std::string why);
  /// Writes how it went into the status, and when the shop may be asked again.
  std::chrono::milliseconds note(const Operation& operation, const WriteOutcome& outcome,
                                 const std::string& why);
  void set_fault(std::optional<std::string> fault);

  const Parts parts_;
  const Config config_;
  const OnEnd on_end_;
  std::mutex claim_mutex_;
  Outbox::Lanes busy_;  // guarded by claim_mutex_
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  uint64_t pokes_ = 0;                 // guarded by mutex_
  int failures_ = 0;                   // guarded by mutex_; since the shop last served us
  MediaTime not_before_{};             // guarded by mutex_; nothing is asked until then
  Status status_;                      // guarded by mutex_
  std::vector<std::jthread> threads_;  // last: they end before the rest goes
};

}  // namespace vitrine::commerce
