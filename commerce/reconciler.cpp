// SPDX-License-Identifier: Apache-2.0
#include "commerce/reconciler.h"

#include <algorithm>
#include <pthread.h>

#include <fmt/format.h>

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;

/// While something is on its way to the shop, or must be read there; later, what is watched is read anyway.
constexpr auto kLookAgain = 300ms;
constexpr auto kHurry = 10s;
/// So long somebody must hear of an offer that sold more than there was.
constexpr auto kLookBack = std::chrono::hours(24);

void sooner(std::chrono::milliseconds& next, Instant::duration in) {
  if (in <= in.zero()) return;
  next = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(in), std::chrono::milliseconds(1), next);
}

}  // namespace

std::jthread Reconciler::start(Calls calls) {
  return std::jthread([this, calls = std::move(calls)](const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "reconcile");
    run(stop, calls);
  });
}

void Reconciler::poke() {
  const std::lock_guard lock(mutex_);
  is_poked_ = true;
  wake_.notify_all();
}

std::vector<std::string> Reconciler::alarms() const {
  const std::lock_guard lock(mutex_);
  return alarms_;
}

void Reconciler::run(const std::stop_token& stop, const Calls& calls) {
  std::vector<Ref> watched;
  while (!stop.stop_requested()) {
    Look look;
    for (const auto& seen : {look_at_offers(look), look_back_at_offers(look), look_at_listings(look)}) {
      if (seen) continue;
      look.alarms.push_back("the store can't be used: " + seen.error().message);
      look.next = kLookAgain;
    }
    if (look.watched != watched) calls.watch(watched = look.watched);
    if (!look.unread.empty()) calls.read_now(look.unread);
    if (look.has_changed) {
      calls.push();
      calls.changed();
    }
    std::unique_lock lock(mutex_);
    alarms_ = std::move(look.alarms);
    wake_.wait_for(lock, stop, look.next, [&] { return is_poked_; });
    is_poked_ = false;
  }
}

Status Reconciler::look_at_offers(Look& look) {
  const auto offers = data_.offers.open();
  if (!offers) return tl::unexpected(offers.error());
  for (const auto& offer : *offers)
    if (auto looked = look_at(offer, look); !looked) return looked;
  return {};
}

Status Reconciler::look_at(const Offer& offer, Look& look) {
  const auto operations = data_.offers.operations(offer);
  if (!operations) return tl::unexpected(operations.error());
  OfferSight sight{operations->put,
                   operations->put_result,
                   operations->end,
                   {},
                   0,
                   system_now() + adapter_.capabilities().clock_offset};
  for (const auto& [ref, price] : offer.prices) {
    const auto now = charged(ref);
    if (!now) return tl::unexpected(now.error());
    if (*now) sight.charged[ref] = **now;
    look.watched.push_back(ref);
  }
  const auto sold = count_sold(offer, Instant::max(), look);
  if (!sold) return tl::unexpected(sold.error());
  sight.sold = *sold;
  const auto verdict = judge(offer, sight);
  const bool is_news = verdict.state != offer.state || verdict.why != offer.why;
  if (is_news) {
    const auto settled = data_.offers.settle(offer, verdict);
    if (!settled) return tl::unexpected(settled.error());
    look.has_changed = true;
    sooner(look.next, 1ms);  // what follows from it
  }
  if (verdict.is_stuck)
    look.alarms.push_back(fmt::format("offer {} ({}): {}", offer.id, offer.name, verdict.why));
  const bool has_begun = sight.now >= offer.window.begin;
  const bool is_on_its_way =
      verdict.state == OfferState::kEnding || (has_begun && verdict.state != OfferState::kConfirmed);
  const Instant since = std::max(offer.changed_at + adapter_.capabilities().clock_offset, offer.window.begin);
  if (is_on_its_way && sight.now - since < kHurry) {
    sooner(look.next, kLookAgain);
    for (const auto& [ref, price] : offer.prices) look.unread.push_back(ref);
  }
  sooner(look.next, (has_begun ? offer.window.end : offer.window.begin) - sight.now);
  return {};
}

Status Reconciler::look_back_at_offers(Look& look) {
  const auto clock_offset = adapter_.capabilities().clock_offset;
  const auto offers = data_.offers.limited_and_over(system_now() - kLookBack);
  if (!offers) return tl::unexpected(offers.error());
  for (const auto& offer : *offers)
    if (const auto sold = count_sold(offer, offer.changed_at + clock_offset, look); !sold)
      return tl::unexpected(sold.error());
  return {};
}

Result<int64_t> Reconciler::count_sold(const Offer& offer, Instant until, Look& look) {
  int64_t all = 0;
  for (const auto& [ref, price] : offer.prices) {
    const auto sold = data_.orders.sold(ref, {offer.window.begin, until});
    if (!sold) return tl::unexpected(sold.error());
    all += *sold;
  }
  if (offer.quantity && all > *offer.quantity)
    look.alarms.push_back(fmt::format("超卖 oversold: offer {} ({}) was for {} pieces, {} are sold", offer.id,
                                      offer.name, *offer.quantity, all));
  return all;
}

Status Reconciler::look_at_listings(Look& look) {
  const auto listings = data_.listings.open();
  if (!listings) return tl::unexpected(listings.error());
  for (const auto& listing : *listings)
    if (auto looked = look_at(listing, look); !looked) return looked;
  return {};
}

Status Reconciler::look_at(const Listing& listing, Look& look) {
  const auto row = data_.catalogue.find(listing.ref);
  if (!row) return tl::unexpected(row.error());
  const auto operation = data_.listings.operation(listing);
  if (!operation) return tl::unexpected(operation.error());
  ListingSight sight;
  sight.operation = operation->state;
  sight.result = operation->result;
  sight.is_fresh = *row && data_.freshness.confirmed_at(listing.ref).has_value();
  if (*row) {
    sight.availability = (*row)->item.availability;
    sight.stock = (*row)->item.stock;
  }
  if (listing.listed_at) {
    const auto sold = data_.orders.sold(listing.ref, {*listing.listed_at, Instant::max()});
    if (!sold) return tl::unexpected(sold.error());
    sight.sold = *sold;
    look.watched.push_back(listing.ref);
  }
  const Listing now = judge(listing, sight);
  if (now.state != listing.state || now.why != listing.why || now.supply != listing.supply) {
    const auto settled = data_.listings.settle(now);
    if (!settled) return tl::unexpected(settled.error());
    look.has_changed = true;
  }
  if (now.is_oversold(sight.sold))
    look.alarms.push_back(
        fmt::format("超卖 oversold: {} in show {}: {} sold, {} were there", listing.ref.text(), listing.show,
                    sight.sold, std::min(now.quota.value_or(sight.sold), now.supply.value_or(sight.sold))));
  const bool is_on_its_way = !listing.operation.empty() && now.state == ListingState::kQueued;
  if (is_on_its_way) {
    sooner(look.next, kLookAgain);
    look.unread.push_back(listing.ref);
  }
  return {};
}

Result<std::optional<std::optional<Money>>> Reconciler::charged(const Ref& ref) const {
  using Charged = std::optional<std::optional<Money>>;
  const auto row = data_.catalogue.find(ref);
  if (!row) return tl::unexpected(row.error());
  if (!*row || (*row)->item.availability == Availability::kDeleted) return Charged(std::optional<Money>());
  if (!data_.freshness.confirmed_at(ref)) return Charged();
  return Charged(std::optional((*row)->item.price));
}

}  // namespace vitrine::commerce
