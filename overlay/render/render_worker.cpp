// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/render_worker.h"

#include <algorithm>
#include <poll.h>
#include <pthread.h>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/shared_memory.h"

namespace vitrine::overlay {
namespace {

/// Marks what is being drawn for as long as it is.
class BusyMark {
 public:
  BusyMark(std::mutex& mutex, std::optional<RenderWorker::Busy>& slot, RenderWorker::Busy busy)
      : mutex_(mutex), slot_(slot) {
    const std::lock_guard lock(mutex_);
    slot_ = std::move(busy);
  }
  ~BusyMark() {
    const std::lock_guard lock(mutex_);
    slot_.reset();
  }
  BusyMark(const BusyMark&) = delete;
  BusyMark& operator=(const BusyMark&) = delete;

 private:
  std::mutex& mutex_;
  std::optional<RenderWorker::Busy>& slot_;
};

}  // namespace

RenderWorker::RenderWorker(Channel& channel, TileMaker::Directories directories,
                           std::function<void(Error)> on_ended)
    : channel_(channel), on_ended_(std::move(on_ended)), directories_(std::move(directories)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

RenderWorker::~RenderWorker() = default;

void RenderWorker::want(Want want) {
  {
    const std::lock_guard lock(mutex_);
    newest_ = std::move(want);
  }
  changed_.notify_one();
}

std::optional<RenderWorker::Busy> RenderWorker::busy() const {
  const std::lock_guard lock(mutex_);
  return busy_;
}

bool RenderWorker::is_superseded() const {
  const std::lock_guard lock(mutex_);
  return newest_.has_value();
}

void RenderWorker::run(const std::stop_token& stop) {
  ::pthread_setname_np(::pthread_self(), "draw");  // another thread's name is a file, which Landlock closes
  maker_.emplace(directories_);  // here, because Pango's fonts belong to the thread that uses them
  while (!stop.stop_requested() && !failure_) {
    std::optional<Want> want;
    {
      std::unique_lock lock(mutex_);
      const auto has_news = [this] { return newest_.has_value(); };
      if (const auto due = next_due()) {
        const auto wake = std::chrono::steady_clock::time_point(clock_.when(*due));
        changed_.wait_until(lock, stop, wake, has_news);
      } else {
        changed_.wait(lock, stop, has_news);
      }
      want.swap(newest_);
    }
    if (want) take(*want);
    tick();
  }
  if (failure_) on_ended_(*failure_);
}

void RenderWorker::take(const Want& want) {
  const ShowClock old_clock = std::exchange(clock_, want.clock);
  LiveTiles next;
  Problems problems;
  std::set<std::string> noted;  // a template's problem is the same in all its forms
  for (const auto& [key, spec] : want.tiles) {
    if (is_superseded() || failure_) break;
    tick();  // what is on air must not wait for what is coming
    auto known = live_.find(key);
    Live live = known != live_.end() ? known->second : Live{spec, false, Instant::min()};
    if (auto drawn = draw_ahead(key, live, want.generation); !drawn) {
      for (auto& problem : drawn.error()) {
        if (noted.insert(problem.text()).second) problems.push_back(std::move(problem));
      }
      continue;
    }
    if (known != live_.end()) known->second = live;
    next.emplace(key, std::move(live));
  }
  if (failure_) return;
  if (!problems.empty()) {
    clock_ = old_clock.utc == Instant{} ? clock_ : old_clock;
    if (auto sent = send(encode_refused(want.generation, problems)); !sent) failure_ = sent.error();
    return;
  }
  // What was drawn of an unfinished want is forgotten: the studio may forget it too, and must be sent it
  // again.
  if (is_superseded()) return;
  live_ = std::move(next);
  generation_ = want.generation;
  if (auto sent = send(encode_ready(want.generation)); !sent) failure_ = sent.error();
}

tl::expected<void, Problems> RenderWorker::draw_ahead(const std::string& key, Live& live,
                                                      uint64_t generation) {
  const Instant horizon = clock_.at(steady_now()) + kAhead;
  while (live.drawn_until < horizon && !failure_) {
    const Instant now = std::max(live.drawn_until, clock_.at(steady_now()));
    if (auto drawn = advance(key, live, now, generation); !drawn) return drawn;
  }
  return {};
}

tl::expected<void, Problems> RenderWorker::advance(const std::string& key, Live& live, Instant now,
                                                   uint64_t generation) {
  const BusyMark mark(mutex_, busy_, {generation, live.spec.template_name, steady_now()});
  auto drawn = maker_->draw(live.spec, now);
  if (!drawn) return tl::unexpected(std::move(drawn.error()));
  tiles_drawn_.fetch_add(1, std::memory_order_relaxed);
  live.is_time_bound |= drawn->is_time_bound;
  live.drawn_until = drawn->until;
  if (auto sent = send_tile(key, *drawn); !sent) failure_ = sent.error();
  return {};
}

void RenderWorker::tick() {
  for (auto& [key, live] : live_) {
    if (!live.is_time_bound || failure_) continue;
    // The data was accepted; what fails now is the box (memory, a photo that went). Without its next tile the
    // layer takes its neutral form, and the restarted worker tries again.
    if (const auto drawn = draw_ahead(key, live, generation_); !drawn) {
      failure_ = Error{ErrorCode::kRenderFailed, drawn.error().front().text()};
    }
  }
}

std::optional<Instant> RenderWorker::next_due() const {
  std::optional<Instant> first;
  for (const auto& [key, live] : live_) {
    if (live.is_time_bound && live.drawn_until != Instant::max() && (!first || live.drawn_until < *first))
      first = live.drawn_until;
  }
  return first ? std::optional(*first - kAhead) : std::nullopt;
}

Status RenderWorker::send_tile(const std::string& key, const TileMaker::Drawn& drawn) {
  TileMessage message{key, {}, drawn.is_time_bound, drawn.from, drawn.until};
  if (drawn.is_blank) return send(encode_tile(message));
  const TilePixels pixels = to_tile_pixels(drawn.pixmap);
  if (pixels.part.width == 0) return send(encode_tile(message));
  message.rect = {pixels.part.x + drawn.origin.x, pixels.part.y + drawn.origin.y, pixels.part.width,
                  pixels.part.height};
  const auto memory = create_immutable_memfd("tile", pixels.planes);
  if (!memory) return tl::unexpected(memory.error());
  const int fd = memory->get();
  return send(encode_tile(message), std::span(&fd, 1));
}

Status RenderWorker::send(const nlohmann::json& body, std::span<const int> fds) {
  while (true) {
    auto sent = channel_.send(body, fds);
    if (sent || sent.error().code != ErrorCode::kTimeout) return sent;
    // The studio reads when it can; a dead one ends the other thread, and with it the process.
    pollfd waiting{channel_.fd(), POLLOUT, 0};
    ::poll(&waiting, 1, 1000);
  }
}

}  // namespace vitrine::overlay
