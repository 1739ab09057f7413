// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "commerce/adapter.h"
#include "commerce/puller.h"
#include "commerce/pusher.h"
#include "commerce/reconciler.h"
#include "commerce/shop_data.h"

namespace vitrine::commerce {

/// Keeps `data` and the shop's server equal: three threads, `pull`, `push` and `reconcile`. Each tells the
/// others that there is something to do; none waits for another.
class ShopSync {
 public:
  struct Calls {
    std::function<void()> changed;  // something in the store is another one; on any of the threads
    Pusher::OnEnd ended;            // an operation of ours has ended
  };

  ShopSync(ShopData& data, Adapter& adapter, const Puller::Plan& plan, Calls calls);
  /// Ends the threads, after the calls that are under way.
  ~ShopSync();
  ShopSync(const ShopSync&) = delete;
  ShopSync& operator=(const ShopSync&) = delete;

  /// What is in the show now, beside what is in an offer or listed. Thread: any.
  void watch(std::vector<Ref> refs);
  /// An offer, a listing or an operation was added. Thread: any.
  void poke();
  [[nodiscard]] Puller& puller() { return puller_; }
  [[nodiscard]] const Pusher& pusher() const { return pusher_; }
  [[nodiscard]] std::vector<std::string> alarms() const { return reconciler_.alarms(); }

 private:
  void watch_all();

  const Calls calls_;
  std::mutex mutex_;
  std::vector<Ref> in_show_;    // guarded by mutex_
  std::vector<Ref> in_offers_;  // guarded by mutex_
  Reconciler reconciler_;
  Puller puller_;
  Pusher pusher_;
  std::jthread looks_;  // last: it calls those two, and they the reconciler
};

}  // namespace vitrine::commerce
