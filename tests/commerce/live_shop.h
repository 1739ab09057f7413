// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "commerce/event_receiver.h"
#include "commerce/puller.h"
#include "commerce/shop_data.h"
#include "real_shop.h"
#include "test_items.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {

/// A real shop's server that sends its events, and a store that is kept equal with it, wired as the desk
/// does.
class LiveShop {
 public:
  /// nullptr: there is none here, or a failure was noted. `on_change`: on the puller's thread.
  static std::unique_ptr<LiveShop> start(const std::string& name, const Puller::Plan& plan,
                                         Puller::OnChange on_change) {
    const auto port = static_cast<uint16_t>(fakes::free_port());
    RealShop* real = RealShop::find_with_events(name, "http://127.0.0.1:" + std::to_string(port) + "/events");
    if (real == nullptr) return nullptr;
    std::unique_ptr<LiveShop> live(new LiveShop(*real));
    auto store = Store::open({live->directory_.path(), 3});
    auto adapter = real->open();
    if (!store || !adapter) {
      ADD_FAILURE() << (store ? adapter.error().message : store.error().message);
      return nullptr;
    }
    live->store_ = std::move(*store);
    live->adapter_ = std::move(*adapter);
    live->data_ = std::make_unique<ShopData>(*live->store_, name, RowRules{kYuan, 100'000'000});
    live->puller_ = std::make_unique<Puller>(
        Puller::Parts{*live->adapter_, live->data_->catalogue, live->data_->orders, live->data_->freshness},
        plan, std::move(on_change));
    auto events =
        EventReceiver::listen({{"127.0.0.1", port}, name}, {*live->adapter_, *live->store_},
                              [puller = live->puller_.get()](const auto& event) { puller->hint(event); });
    if (!events) {
      ADD_FAILURE() << events.error().message;
      return nullptr;
    }
    live->events_ = std::move(*events);
    EXPECT_TRUE(fakes::wait_for([&] {
      return live->puller_->status().catalogue_at && live->puller_->status().orders_at;
    })) << "the first reading";
    return live;
  }

  RealShop& real() { return real_; }
  Adapter& adapter() { return *adapter_; }
  ShopData& data() { return *data_; }
  Puller& puller() { return *puller_; }
  [[nodiscard]] EventReceiver::Status events() const { return events_->status(); }
  [[nodiscard]] CatalogueItem item(const Ref& ref) const {
    const auto row = data_->catalogue.find(ref);
    return row && *row ? (*row)->item : CatalogueItem{};
  }
  /// The first `most` that have one price and nothing else.
  [[nodiscard]] std::vector<CatalogueItem> plain_items(size_t most) const {
    std::vector<CatalogueItem> found;
    const auto rows = data_->catalogue.list();
    for (const auto& wanted : shop_catalogue()) {
      if (!wanted.is_listed || wanted.timed || wanted.struck || wanted.is_presale) continue;
      for (const auto& row : *rows)
        if (row.item.sku == wanted.sku && found.size() < most) found.push_back(row.item);
    }
    return found;
  }

 private:
  explicit LiveShop(RealShop& real) : real_(real) {}

  RealShop& real_;
  fakes::TempDir directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Adapter> adapter_;
  std::unique_ptr<ShopData> data_;
  std::unique_ptr<Puller> puller_;
  std::unique_ptr<EventReceiver> events_;
};

}  // namespace vitrine::commerce
