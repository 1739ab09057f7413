// SPDX-License-Identifier: Apache-2.0
// From a change in a shop's server to the row committed in our store, with events: a price is changed through
// the server's own API while the store is kept equal as the desk does it, with twenty items on air. A line a
// server; the budget is 500 ms for 99 of 100 changes. VITRINE_SHOPS=1 starts the servers;
// VITRINE_BENCH_CHANGES is how often (300).
#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/commerce/live_shop.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;

constexpr auto kBudget = 500ms;

/// When a row came to be what it should.
class Commit {
 public:
  void look_at(const LiveShop& live) {
    const std::lock_guard lock(mutex_);
    if (!is_wanted_ || live.item(ref_).price.minor != minor_) return;
    is_wanted_ = false;
    at_ = steady_now();
    changed_.notify_all();
  }
  void want(const Ref& ref, int64_t minor) {
    const std::lock_guard lock(mutex_);
    ref_ = ref;
    minor_ = minor;
    is_wanted_ = true;
  }
  std::optional<MediaTime> wait() {
    std::unique_lock lock(mutex_);
    const bool has_come = changed_.wait_for(lock, 30s, [&] { return !is_wanted_; });
    is_wanted_ = false;
    return has_come ? std::optional(at_) : std::nullopt;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Ref ref_;
  int64_t minor_ = 0;
  bool is_wanted_ = false;
  MediaTime at_{};
};

double ms_at(std::vector<MediaTime> times, double share) {
  std::ranges::sort(times);
  const auto at = static_cast<size_t>(share * static_cast<double>(times.size() - 1));
  return std::chrono::duration<double, std::milli>(times[at]).count();
}

class EventLatency : public testing::TestWithParam<const char*> {};

TEST_P(EventLatency, FromTheChangeToTheCommit) {
  const char* wanted = std::getenv("VITRINE_BENCH_CHANGES");
  const int changes = wanted == nullptr ? 300 : std::atoi(wanted);
  Commit commit;
  std::atomic<LiveShop*> looked_at = nullptr;
  const auto live = LiveShop::start(GetParam(), {}, [&] {
    if (const auto* shop = looked_at.load()) commit.look_at(*shop);
  });
  if (!live) GTEST_SKIP() << "VITRINE_SHOPS=1 starts the shops";
  const auto items = live->plain_items(20);
  ASSERT_FALSE(items.empty());
  std::vector<Ref> on_air;
  for (const auto& item : items) on_air.push_back(item.ref);
  live->puller().watch(on_air);
  looked_at = live.get();

  std::minstd_rand random(4711);
  std::vector<MediaTime> since_asked;     // the shop's own work on the change is in it
  std::vector<MediaTime> since_answered;  // it is not; less than nothing when we had it before the answer
  int lost = 0;
  for (int i = 0; i < changes; ++i) {
    // In no step with what is asked for at intervals.
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution(0, 200)(random)));
    const auto& item = items[static_cast<size_t>(i) % items.size()];
    const int64_t minor = item.price.minor + 1 + i;
    commit.want(item.ref, minor);
    const MediaTime asked_at = steady_now();
    live->real().set_price(item.ref, minor);
    const MediaTime answered_at = steady_now();
    if (const auto committed_at = commit.wait()) {
      since_asked.push_back(*committed_at - asked_at);
      since_answered.push_back(*committed_at - answered_at);
    } else {
      ++lost;
    }
  }
  looked_at = nullptr;
  ASSERT_EQ(lost, 0);
  const auto status = live->events();
  fmt::print(
      "{:8} {} changes to commit: from the request p50 {:.0f} ms, p99 {:.0f} ms, most {:.0f} ms; from the "
      "shop's answer p50 {:.0f} ms, p99 {:.0f} ms, most {:.0f} ms; budget p99 {} ms; {} events\n",
      GetParam(), changes, ms_at(since_asked, .5), ms_at(since_asked, .99), ms_at(since_asked, 1),
      ms_at(since_answered, .5), ms_at(since_answered, .99), ms_at(since_answered, 1), kBudget.count(),
      status.taken);
}

INSTANTIATE_TEST_SUITE_P(With, EventLatency, testing::Values("vendure", "medusa"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace vitrine::commerce
