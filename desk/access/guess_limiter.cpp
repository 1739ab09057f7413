// SPDX-License-Identifier: Apache-2.0
#include "desk/access/guess_limiter.h"

#include <algorithm>
#include <array>

namespace vitrine::desk {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct Window {
  minutes length;
  size_t most;
};
constexpr std::array<Window, 3> kWindows = {{{minutes(1), 3}, {minutes(10), 5}, {minutes(60), 10}}};
constexpr size_t kMostKeys = 4096;  // more sources than a shop's network has: the memory's bound

}  // namespace

/// When the next guess is free, by each window the moment its oldest guess of those that fill it is over.
MediaTime GuessLimiter::free_at(const std::deque<MediaTime>& guesses) const {
  MediaTime at{};
  for (const auto& window : kWindows)
    if (guesses.size() >= window.most)
      at = std::max(at, guesses[guesses.size() - window.most] + window.length);
  return at;
}

void GuessLimiter::forget_old(MediaTime now) {
  std::erase_if(guesses_, [&](const auto& entry) {
    return entry.second.empty() || entry.second.back() + kWindows.back().length <= now;
  });
}

std::optional<seconds> GuessLimiter::charge(const std::vector<std::string>& keys) {
  const std::lock_guard lock(mutex_);
  const MediaTime now = clock_();
  if (guesses_.size() + keys.size() > kMostKeys) forget_old(now);
  MediaTime wait{};
  for (const auto& key : keys) {
    const auto found = guesses_.find(key);
    if (found != guesses_.end()) wait = std::max(wait, free_at(found->second) - now);
    if (found == guesses_.end() && guesses_.size() + keys.size() > kMostKeys)
      wait = std::max<MediaTime>(wait, minutes(1));  // full of keys that count: no room for another source
  }
  if (wait > MediaTime{}) return std::chrono::ceil<seconds>(wait);
  for (const auto& key : keys) {
    auto& guesses = guesses_[key];
    guesses.push_back(now);
    if (guesses.size() > kWindows.back().most) guesses.pop_front();
  }
  return std::nullopt;
}

void GuessLimiter::take_back(const std::vector<std::string>& keys) {
  const std::lock_guard lock(mutex_);
  for (const auto& key : keys) {
    const auto found = guesses_.find(key);
    if (found != guesses_.end() && !found->second.empty()) found->second.pop_back();
  }
}

}  // namespace vitrine::desk
