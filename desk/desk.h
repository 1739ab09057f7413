// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "commerce/adapter.h"
#include "commerce/event_receiver.h"
#include "commerce/shop_data.h"
#include "commerce/shop_sync.h"
#include "commerce/store.h"
#include "core/config.h"
#include "core/control_socket.h"
#include "core/error.h"
#include "core/event_loop.h"
#include "desk/papers.h"

namespace vitrine::desk {

/// The control plane of one box: the shop's data, kept in step with its backend, and who asks about it.
/// Thread: the loop's.
class Desk {
 public:
  struct Parts {
    EventLoop& loop;
    Config config;
    std::unique_ptr<commerce::Store> store;
    /// Called on a thread of the desk's, again and again until the shop's server lets us in.
    std::function<Result<std::unique_ptr<commerce::Adapter>>(commerce::Store&)> open_adapter;
  };
  /// Errors: those of `ControlServer::listen` and `Papers::open`.
  static Result<std::unique_ptr<Desk>> start(Parts parts);
  ~Desk();
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

 private:
  explicit Desk(Parts parts);
  void open_backend(const std::stop_token& stop, const decltype(Parts::open_adapter)& open);
  void take(std::unique_ptr<commerce::Adapter> adapter);
  void listen_for_events();
  void keep_house();
  void read_catalogue();
  ControlServer::Answer answer(const ControlServer::Request& request);
  nlohmann::json items(const nlohmann::json& request);
  nlohmann::json sync(const nlohmann::json& request);
  nlohmann::json events(nlohmann::json& problems) const;
  nlohmann::json orders(const nlohmann::json& request);
  nlohmann::json show_orders(const nlohmann::json& request);
  nlohmann::json offers();
  nlohmann::json start_offer(const nlohmann::json& request);
  nlohmann::json end_offer(const nlohmann::json& request);

  EventLoop& loop_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what was posted does nothing after the end
  const Config config_;
  const std::unique_ptr<commerce::Store> store_;
  commerce::ShopData data_;
  std::unique_ptr<Papers> papers_;
  std::unique_ptr<ControlServer> control_;
  std::string open_fault_;                      // why the shop's server can't be spoken to; empty once it can
  std::unique_ptr<commerce::Adapter> adapter_;  // nothing until then
  std::string events_fault_;                    // why nobody listens for the shop's events
  EventLoop::Watch events_retry_;
  // Last: their threads end before the rest goes.
  std::unique_ptr<commerce::ShopSync> sync_;
  std::unique_ptr<commerce::EventReceiver> events_;
  std::jthread backup_;
  std::jthread opener_;
};

}  // namespace vitrine::desk
