// SPDX-License-Identifier: Apache-2.0
#include "core/packet_ring.h"

#include <sys/eventfd.h>

#include <algorithm>

namespace vitrine {

struct PacketRing::Reader::Cursor {
  uint64_t next = 0;            // guarded by Shared::mutex
  int64_t skipped = 0;          // guarded by Shared::mutex
  bool needs_keyframe = false;  // guarded by Shared::mutex
  bool has_started = false;     // guarded by Shared::mutex; waiting for the first keyframe is not a loss
  bool is_drained = false;      // guarded by Shared::mutex; a push then signals wake
  UniqueFd wake;
};

struct PacketRing::Shared {
  explicit Shared(Config limits) : config(limits) {}

  const Config config;
  mutable std::mutex mutex;
  std::condition_variable_any pushed;
  std::deque<Packet> packets;                          // guarded by mutex
  uint64_t first = 0;                                  // sequence number of packets.front(); guarded by mutex
  size_t bytes = 0;                                    // guarded by mutex
  bool is_closed = false;                              // guarded by mutex
  std::vector<std::weak_ptr<Reader::Cursor>> cursors;  // guarded by mutex

  [[nodiscard]] uint64_t end() const { return first + packets.size(); }
  [[nodiscard]] const Packet& at(uint64_t sequence) const { return packets[sequence - first]; }
  [[nodiscard]] static bool is_entry_point(const Packet& packet) {
    return packet.kind == PacketKind::kVideo && packet.is_keyframe;
  }

  void evict() {
    while (packets.size() > 1 &&
           (bytes > config.max_bytes || packets.back().dts - packets.front().dts > config.max_duration)) {
      bytes -= packets.front().bytes->size();
      packets.pop_front();
      ++first;
    }
  }

  void signal_drained_readers() {
    std::erase_if(cursors, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : cursors) {
      const auto cursor = weak.lock();
      if (cursor && std::exchange(cursor->is_drained, false)) eventfd_write(cursor->wake.get(), 1);
    }
  }

  /// Moves the cursor past what it must not see; true when a packet is ready at cursor.next.
  bool settle(Reader::Cursor& cursor) {
    if (cursor.next < first) {
      cursor.skipped += static_cast<int64_t>(first - cursor.next);
      cursor.next = first;
      cursor.needs_keyframe = true;
    }
    if (cursor.needs_keyframe) {
      while (cursor.next < end() && !is_entry_point(at(cursor.next))) {
        ++cursor.next;
        ++cursor.skipped;
      }
      if (cursor.next < end()) cursor.needs_keyframe = false;
    }
    return cursor.next < end();
  }

  std::optional<Item> take(Reader::Cursor& cursor) {
    if (!settle(cursor)) return std::nullopt;
    Item item{at(cursor.next), std::exchange(cursor.skipped, 0)};
    if (!std::exchange(cursor.has_started, true)) item.skipped = 0;
    ++cursor.next;
    return item;
  }

  [[nodiscard]] std::optional<uint64_t> latest_keyframe() const {
    for (uint64_t sequence = end(); sequence > first; --sequence) {
      if (is_entry_point(at(sequence - 1))) return sequence - 1;
    }
    return std::nullopt;
  }
};

PacketRing::PacketRing(Config config) : shared_(std::make_shared<Shared>(config)) {
}
PacketRing::~PacketRing() {
  close();
}

void PacketRing::push(Packet packet) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->is_closed) return;
    shared_->bytes += packet.bytes->size();
    shared_->packets.push_back(std::move(packet));
    shared_->evict();
    shared_->signal_drained_readers();
  }
  shared_->pushed.notify_all();
}

void PacketRing::close() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_closed = true;
    shared_->signal_drained_readers();
  }
  shared_->pushed.notify_all();
}

bool PacketRing::is_closed() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->is_closed;
}

PacketRing::Reader PacketRing::open_reader(StartAt start) {
  auto cursor = std::make_shared<Reader::Cursor>();
  cursor->wake = UniqueFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  const std::lock_guard lock(shared_->mutex);
  switch (start) {
    case StartAt::kOldest:
      cursor->next = shared_->first;
      break;
    case StartAt::kLatestKeyframe: {
      const auto keyframe = shared_->latest_keyframe();
      cursor->next = keyframe.value_or(shared_->end());
      cursor->needs_keyframe = !keyframe;
      break;
    }
  }
  shared_->cursors.push_back(cursor);
  return Reader(shared_, std::move(cursor));
}

PacketRing::Reader::Reader(std::shared_ptr<Shared> shared, std::shared_ptr<Cursor> cursor)
    : shared_(std::move(shared)), cursor_(std::move(cursor)) {
}
PacketRing::Reader::Reader(Reader&&) noexcept = default;
PacketRing::Reader& PacketRing::Reader::operator=(Reader&&) noexcept = default;
PacketRing::Reader::~Reader() = default;

std::optional<PacketRing::Item> PacketRing::Reader::pop(const std::stop_token& stop) {
  std::unique_lock lock(shared_->mutex);
  shared_->pushed.wait(lock, stop, [this] { return shared_->settle(*cursor_) || shared_->is_closed; });
  if (stop.stop_requested()) return std::nullopt;
  return shared_->take(*cursor_);
}

std::optional<PacketRing::Item> PacketRing::Reader::try_pop() {
  const std::lock_guard lock(shared_->mutex);
  auto item = shared_->take(*cursor_);
  if (!item) {
    cursor_->is_drained = !shared_->is_closed;
    if (!shared_->is_closed) {
      eventfd_t ignored = 0;
      eventfd_read(cursor_->wake.get(), &ignored);
    }
  }
  return item;
}

int PacketRing::Reader::wake_fd() const {
  return cursor_->wake.get();
}

bool PacketRing::Reader::is_finished() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->is_closed && !shared_->settle(*cursor_);
}

MediaTime PacketRing::Reader::lag() const {
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->settle(*cursor_)) return MediaTime{0};
  return shared_->packets.back().dts - shared_->at(cursor_->next).dts;
}

int64_t PacketRing::Reader::skip_to_latest_keyframe() {
  const std::lock_guard lock(shared_->mutex);
  const auto keyframe = shared_->latest_keyframe();
  if (!keyframe || *keyframe <= cursor_->next) return 0;
  const auto skipped = static_cast<int64_t>(*keyframe - cursor_->next);
  cursor_->skipped += skipped;
  cursor_->next = *keyframe;
  cursor_->needs_keyframe = false;
  return skipped;
}

}  // namespace vitrine
