// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "commerce/adapter.h"
#include "commerce/freshness.h"
#include "commerce/operations.h"
#include "commerce/outbox.h"

namespace vitrine::commerce {

/// Does what the outbox holds, in one thread: each operation once, however often it is tried. What was sent
/// and never answered, and what a crash found under way, is resolved by reading; only what the backend has
/// not got is sent again.
class Pusher {
 public:
  struct Parts {
    Adapter& adapter;
    Outbox& outbox;
    Freshness& freshness;
    std::string backend;
  };
  /// Called on the pusher's thread when an operation has ended; it stands in the store already.
  using OnEnd =
      std::function<void(const Operation& operation, Operation::State state, const std::string& why)>;

  Pusher(const Parts& parts, OnEnd on_end);
  ~Pusher();  // ends the thread, after the call that is under way
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
  /// False when the store can't record it; then nothing was sent.
  bool attempt(Operation operation);
  /// How it ended, or why that can't be told; nullopt when the backend has not got it.
  std::optional<WriteOutcome> resolve(const Operation& operation);
  WriteOutcome send(const Operation& operation);
  WriteOutcome set_prices(const SetPrices& wish);
  /// What is known of the price that it changes holds no longer.
  void doubt(const Operation& operation);
  [[nodiscard]] Instant shop_now() const;
  void settle(const Operation& operation, const WriteOutcome& outcome);

  const Parts parts_;
  const OnEnd on_end_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool is_poked_ = false;  // guarded by mutex_
  Status status_;          // guarded by mutex_
  std::jthread thread_;    // last: it ends before the rest goes
};

}  // namespace vitrine::commerce
