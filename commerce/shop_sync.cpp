// SPDX-License-Identifier: Apache-2.0
#include "commerce/shop_sync.h"

namespace vitrine::commerce {

ShopSync::ShopSync(ShopData& data, Adapter& adapter, const Puller::Plan& plan, Calls calls)
    : calls_(std::move(calls)),
      reconciler_(data, adapter),
      puller_({adapter, data.catalogue, data.orders, data.freshness}, plan,
              [this] {
                reconciler_.poke();
                calls_.changed();
              }),
      pusher_({adapter, data.outbox, data.freshness, data.backend}, Pusher::Config{},
              [this](const Operation& operation, Operation::State state, const std::string& why) {
                reconciler_.poke();
                calls_.ended(operation, state, why);
              }),
      looks_(reconciler_.start({[this](const std::vector<Ref>& refs) {
                                  Adapter::Event hint;
                                  hint.items = refs;
                                  puller_.hint(hint);
                                },
                                [this](std::vector<Ref> refs) {
                                  {
                                    const std::lock_guard lock(mutex_);
                                    in_offers_ = std::move(refs);
                                  }
                                  watch_all();
                                },
                                [this] { pusher_.poke(); }, [this] { calls_.changed(); }})) {
}

ShopSync::~ShopSync() = default;

void ShopSync::watch(std::vector<Ref> refs) {
  {
    const std::lock_guard lock(mutex_);
    in_show_ = std::move(refs);
  }
  watch_all();
}

void ShopSync::watch_all() {
  const std::lock_guard lock(mutex_);
  std::set<Ref> all(in_show_.begin(), in_show_.end());
  all.insert(in_offers_.begin(), in_offers_.end());
  puller_.watch({all.begin(), all.end()});
}

void ShopSync::poke() {
  reconciler_.poke();
  pusher_.poke();
}

}  // namespace vitrine::commerce
