// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::commerce {

/// Something to be done at a backend, once.
struct Operation {
  enum class Kind { kUnknown = 0, kSetListing, kSetStock, kPutTimedPrice, kEndTimedPrice, kSetPrices };
  /// kSending and kUnknown are found after a crash and after an answer that never came: what the backend made
  /// of it is read before anything is sent again.
  enum class State { kQueued = 0, kSending, kUnknown, kDone, kRejected, kSuperseded };
  /// What takes a price off the air goes before what puts one on.
  enum class Priority { kEnd = 0, kStart, kStock, kCatalogue };

  int64_t sequence = 0;  // the outbox's; its order
  std::string id;        // random; the idempotency key, for ever
  std::string backend;
  std::string lane;  // operations of one lane are done in order: a product
  Kind kind = Kind::kUnknown;
  Priority priority = Priority::kCatalogue;
  nlohmann::json body;
  State state = State::kQueued;
  int attempts = 0;
  int unanswered = 0;  // of them, how many nobody knows the end of
  Instant sent_at{};   // the newest attempt
  Instant created_at{};
  Instant due_at{};    // not before; until then it holds up nothing in its lane
  std::string result;  // for people
};

/// The operations of one store. It is written in the transaction of the change that wants them, so that
/// neither is there without the other; a line in the journal brings them back when the database is lost.
/// Threads: any.
class Outbox {
 public:
  explicit Outbox(Store& store) : store_(store) {}

  /// Only inside `Store::write`. Gives `operation` its id and sequence. An absolute one (listing, stock) that
  /// still waits in the same lane is superseded: only the newest wish is sent.
  void add(SQLite::Database& database, Operation& operation);
  /// Only inside `Store::write`: the operation `id`, which waits for its time, need not wait any longer.
  void hasten(SQLite::Database& database, const std::string& id, Instant now);
  /// Only inside `Store::read` or `write`.
  [[nodiscard]] static std::optional<Operation> find(SQLite::Database& database, const std::string& id);
  /// Only inside `Store::write`. False when `id` has ended, is being sent, or may have been.
  bool withdraw(SQLite::Database& database, const std::string& id, std::string_view why, Instant now);

  using Lanes = std::set<std::string>;
  /// The next one due: no earlier one of its lane is open and due, and it need not wait. Ends first, and what
  /// an end waits for in its lane. Not of `busy` lanes: somebody is at work there.
  Result<std::optional<Operation>> next(std::string_view backend, Instant now, const Lanes& busy = {}) const;
  /// When the next one that `next` could give is due; nullopt when there is none.
  Result<std::optional<Instant>> next_due(std::string_view backend, Instant now,
                                          const Lanes& busy = {}) const;

  /// On the disk before it is sent. False when it was superseded or withdrawn meanwhile: it must not be sent.
  Result<bool> begin(const Operation& operation, Instant now);
  Status end(const Operation& operation, Operation::State state, std::string_view result, Instant now);
  /// Back into the queue, or unknown, not before `at`.
  Status postpone(const Operation& operation, Operation::State state, std::string_view why, Instant at);

  struct Counts {
    int64_t open = 0;
    int64_t unknown = 0;
    int64_t done = 0;
    int64_t rejected = 0;
  };
  Result<Counts> counts(std::string_view backend) const;
  /// The newest first.
  Result<std::vector<Operation>> list(std::string_view backend, int most) const;

 private:
  void note_end(const std::string& id, std::string_view state, Instant at);

  Store& store_;
};

std::string_view to_string(Operation::Kind kind);
std::string_view to_string(Operation::State state);

}  // namespace vitrine::commerce
