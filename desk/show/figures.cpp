// SPDX-License-Identifier: Apache-2.0
#include "desk/show/figures.h"

#include <algorithm>
#include <set>

namespace vitrine::desk {
namespace {

using commerce::OrderState;

constexpr size_t kMostNewest = 20;

/// Who was on air at `instant`; the first one before the show's first step, whose clock may be another.
const std::string& host_at(const std::vector<ShowStep>& steps, Instant instant) {
  const auto after =
      std::ranges::upper_bound(steps, instant, {}, [](const ShowStep& step) { return step.by.at; });
  return after == steps.begin() ? steps.front().host : std::prev(after)->host;
}

class Counter {
 public:
  explicit Counter(Tally& tally) : tally_(tally) {}
  void add(const commerce::OrderBook::ShowLine& line, bool is_new_order) {
    if (is_new_order) ++tally_.orders;
    if (is_new_order && line.state == OrderState::kDepositPaid) ++tally_.deposits;
    tally_.pieces += line.line.quantity;
    tally_.sales_minor += line.line.quantity * line.line.unit_price.minor;
  }

 private:
  Tally& tally_;
};

std::map<commerce::Ref, std::chrono::seconds> time_on_air(const std::vector<ShowStep>& steps, Instant end) {
  std::map<commerce::Ref, std::chrono::seconds> times;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].kind != Segment::Kind::kItem) continue;
    const Instant until = i + 1 < steps.size() ? steps[i + 1].by.at : end;
    times[steps[i].item] +=
        std::chrono::round<std::chrono::seconds>(std::max(until, steps[i].by.at) - steps[i].by.at);
  }
  return times;
}

}  // namespace

Figures count(const Show& show, const std::vector<ShowStep>& steps,
              const std::vector<commerce::OrderBook::ShowLine>& lines,
              const std::map<std::string, int64_t>& viewers, Instant now) {
  Figures figures;
  if (steps.empty()) return figures;
  std::set<std::string> orders;
  std::set<std::string> cancelled;
  std::map<std::pair<std::string, commerce::Ref>, bool> orders_of_items;
  for (const auto& line : lines) {
    if (line.state == OrderState::kCancelled || line.state == OrderState::kRefunded) {
      cancelled.insert(line.order);
      continue;
    }
    const bool is_new = orders.insert(line.order).second;
    Counter(figures.all).add(line, is_new);
    Counter(figures.hosts[host_at(steps, line.placed_at)]).add(line, is_new);
    const auto item = line.item.value_or(commerce::Ref{});
    const bool is_new_of_item = orders_of_items.emplace(std::pair(line.order, item), true).second;
    Counter(line.item ? figures.items[item] : figures.others).add(line, is_new_of_item);
    figures.newest.push_back({line.masked_name, item, line.line.sku, line.line.quantity, line.placed_at});
  }
  figures.cancelled = static_cast<int64_t>(cancelled.size());
  std::ranges::reverse(figures.newest);
  figures.newest.resize(std::min(figures.newest.size(), kMostNewest));
  figures.on_air = time_on_air(steps, show.ended_at.value_or(now));
  for (const auto& [platform, count] : viewers) figures.viewers = figures.viewers.value_or(0) + count;
  if (figures.viewers.value_or(0) > 0)
    figures.conversion_permille = figures.all.orders * 1000 / *figures.viewers;
  if (show.plan.target) figures.target_permille = figures.all.sales_minor * 1000 / show.plan.target->minor;
  return figures;
}

}  // namespace vitrine::desk
