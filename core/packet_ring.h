// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/packet.h"
#include "core/unique_fd.h"

namespace vitrine {

/// The coded program, once, for every sink: recorder, destinations, preview. Writers never wait; each reader
/// has its own cursor and loses packets only from its own view.
///
/// Capacity is a duration and a size; whatever is older goes. A reader that was overtaken, or that asks to
/// skip, goes on at a video keyframe: it never sees a picture whose references it has not seen. Packets come
/// out in the order pushed; the interleaver pushes by dts. Thread: any number of writers; each Reader belongs
/// to one thread.
class PacketRing {
 public:
  struct Config {
    MediaTime max_duration;
    size_t max_bytes;
  };

  enum class StartAt {
    kLatestKeyframe,  // a destination that reconnects shows a picture at once
    kOldest           // the recorder, opened before the first packet
  };

  struct Item {
    Packet packet;
    int64_t skipped = 0;  // packets this reader lost just before this one
  };

  class Reader;

  explicit PacketRing(Config config);
  ~PacketRing();
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  /// Never blocks. After close: ignored.
  void push(Packet packet);

  /// Ends the broadcast: readers drain what is left and then get nullopt. From either end, any number of
  /// times.
  void close();

  [[nodiscard]] bool is_closed() const;

  /// The reader may outlive the ring's owner; it keeps the storage.
  [[nodiscard]] Reader open_reader(StartAt start);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

class PacketRing::Reader {
 public:
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  /// Waits for the next packet. nullopt: closed and drained, or stop asked.
  std::optional<Item> pop(const std::stop_token& stop);

  /// The next packet if there is one.
  std::optional<Item> try_pop();

  /// Readable (POLLIN) after a push that found this reader drained, and after close; try_pop clears it when
  /// it has nothing to give. For sinks that also wait for a socket.
  [[nodiscard]] int wake_fd() const;

  /// True when closed and drained.
  [[nodiscard]] bool is_finished() const;

  /// Duration between the next packet and the newest.
  [[nodiscard]] MediaTime lag() const;

  /// Goes on at the newest keyframe of the ring if that lies ahead; returns how many packets that skipped.
  int64_t skip_to_latest_keyframe();

 private:
  friend class PacketRing;
  struct Cursor;
  explicit Reader(std::shared_ptr<Shared> shared, std::shared_ptr<Cursor> cursor);
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Cursor> cursor_;
};

}  // namespace vitrine
