// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/adapter.h"
#include "commerce/event_receiver.h"
#include "commerce/shop_data.h"
#include "commerce/shop_sync.h"
#include "core/config.h"
#include "core/error.h"

namespace vitrine::desk {

/// The way to the shop's server: opened again and again until it lets us in, then kept. Threads: any.
class ShopLink {
 public:
  /// Called on a thread of its own.
  using Open = std::function<Result<std::unique_ptr<commerce::Adapter>>(commerce::Store&)>;
  struct Calls {
    std::function<void()> changed;  // something in the store is another one; on any thread
  };

  ShopLink(const Config& config, commerce::ShopData& data) : config_(config), data_(data) {}
  ~ShopLink();
  /// Once.
  void start(Open open, Calls calls);
  /// Ends its threads, after the calls that are under way. Nobody is told anything after that.
  void stop();
  ShopLink(const ShopLink&) = delete;
  ShopLink& operator=(const ShopLink&) = delete;

  /// What the shop can do; nothing until it was reached for the first time. Errors: kConnectRefused with why.
  [[nodiscard]] Result<commerce::Capabilities> capabilities() const;
  [[nodiscard]] std::chrono::milliseconds clock_offset() const;
  /// Of these the price must be known all the time.
  void watch(std::vector<commerce::Ref> refs);
  /// An offer, a listing or an operation was added.
  void poke();
  /// Everything is read again, as soon as possible.
  void read_all();
  /// Items have changed without the shop's server: they are read again.
  void read_catalogue();

  /// As GET /api/v1/sync shows it, and as people should know it.
  [[nodiscard]] nlohmann::json status(std::vector<std::string>& problems) const;

 private:
  void open_shop(const std::stop_token& stop, const Open& open);
  void listen_for_events(const std::stop_token& stop);
  [[nodiscard]] commerce::ShopSync* sync() const { return is_open_.load() ? sync_.get() : nullptr; }
  [[nodiscard]] nlohmann::json events(std::vector<std::string>& problems) const;

  const Config& config_;
  commerce::ShopData& data_;
  Calls calls_;
  mutable std::mutex mutex_;
  std::string open_fault_;              // guarded by mutex_; why the shop can't be spoken to
  std::string events_fault_;            // guarded by mutex_; why nobody listens for its events
  std::vector<commerce::Ref> watched_;  // guarded by mutex_; before there was anybody to tell
  // Set once by the thread, before is_open_ (is_listening_) says so.
  std::unique_ptr<commerce::Adapter> adapter_;
  std::unique_ptr<commerce::ShopSync> sync_;
  std::unique_ptr<commerce::EventReceiver> events_;
  std::atomic<bool> is_open_ = false;
  std::atomic<bool> is_listening_ = false;
  std::jthread thread_;  // last
};

}  // namespace vitrine::desk
