// SPDX-License-Identifier: Apache-2.0
#include "encoder/timing_window.h"

#include <algorithm>
#include <cmath>

namespace vitrine::encoder {

void TimingWindow::note(MediaTime now, MediaTime duration) {
  samples_.push_back({now, duration});
  while (samples_.front().at < now - length_) samples_.pop_front();
}

MediaTime TimingWindow::quantile(MediaTime now, double share) const {
  std::vector<MediaTime> durations;
  for (const auto& sample : samples_) {
    if (sample.at >= now - length_) durations.push_back(sample.duration);
  }
  if (durations.empty()) return MediaTime{0};
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(durations.size())));
  const auto nth = durations.begin() + static_cast<ptrdiff_t>(rank == 0 ? 0 : rank - 1);
  std::ranges::nth_element(durations, nth);
  return *nth;
}

void RateWindow::note(MediaTime now, size_t bytes) {
  if (!has_first_) first_ = now;
  has_first_ = true;
  samples_.push_back({now, bytes});
  while (samples_.front().at < now - length_) samples_.pop_front();
}

int64_t RateWindow::bits_per_second(MediaTime now) const {
  int64_t bytes = 0;
  for (const auto& sample : samples_) {
    if (sample.at > now - length_) bytes += static_cast<int64_t>(sample.bytes);
  }
  const MediaTime span = std::min(length_, now - first_);
  if (!has_first_ || span < std::chrono::milliseconds(1)) return 0;
  return bytes * 8 * 1000 / (span / std::chrono::milliseconds(1));
}

}  // namespace vitrine::encoder
