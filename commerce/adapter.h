// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "commerce/item.h"
#include "commerce/order.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::commerce {

/// What a backend can do. Decided once, when it is opened; who uses an adapter asks here and never which
/// backend it is.
struct Capabilities {
  enum class Changes { kNone, kByTime };  // kNone: a full scan, rows compared
  /// kNative: put_timed_price. kEmulated: set_price, at the beginning and at the end. kCartOnly: neither; the
  /// backend can take a sum off at the till ("结算立减"), and its listed price stays.
  enum class TimedPrice { kNative, kCartOnly, kEmulated };
  enum class Stock { kReadOnly, kSet, kDelta, kCompareAndSet };
  enum class Idempotency { kNone, kNatural, kKey };
  enum class Room { kNone, kList, kListAndCurrent };

  Changes changes = Changes::kNone;
  TimedPrice timed_price = TimedPrice::kEmulated;
  Stock stock = Stock::kReadOnly;
  Idempotency idempotency = Idempotency::kNone;
  Room room = Room::kNone;
  bool has_events = false;
  bool can_hold_reference_price = false;
  size_t most_items_a_read = 50;
  std::chrono::seconds overlap{10};  // that a changes cursor looks back; what the backend may be late
  std::chrono::milliseconds clock_offset{0};  // backend's clock minus ours, from the answers so far
  std::chrono::milliseconds clock_slack{0};   // how far that may be off
};

/// How a call that changes the backend ended.
enum class WriteResult {
  kUnknown = 0,  // sent, and no trustworthy answer: resolved by reading, never by sending again
  kDone,
  kAlready,       // it was so before
  kRejected,      // the backend refuses this one for good
  kConflict,      // somebody else changed it since we read it
  kThrottled,     // not done; again after `retry_after`
  kUnauthorised,  // not done; the credential is the problem
  kUnavailable,   // not done; again after `retry_after`
  kUnsupported,
};
struct WriteOutcome {
  WriteResult result = WriteResult::kUnknown;
  std::string code;  // the backend's own word for it
  std::string text;  // for people
  std::optional<std::chrono::milliseconds> retry_after;
  std::string handle;  // of what was created
};

/// A row that could not be read, beside those that could.
struct RefusedRow {
  Ref ref;
  Problems problems;
};

struct ChangedItems {
  std::vector<CatalogueItem> items;
  std::vector<RefusedRow> refused;
  std::vector<Ref> gone;  // known to have been deleted
  std::string next_cursor;
  bool is_complete = false;  // nothing more for now
};

/// An order that could not be read: it may be a sale.
struct RefusedOrder {
  std::string id;
  Problems problems;
};

struct ChangedOrders {
  std::vector<Order> orders;
  std::string next_cursor;
  bool is_complete = false;
  std::vector<RefusedOrder> refused = {};
};

struct ReadOrders {
  std::vector<Order> orders;  // in no order; those that are there and can be read
  std::vector<RefusedOrder> refused;
};

struct ReadItems {
  std::vector<CatalogueItem> items;  // in no order
  std::vector<RefusedRow> refused;
  std::vector<Ref> gone;
};

/// A price that holds for a time, for the variants of one product.
struct TimedPrice {
  std::string operation;  // ours; the backend keeps it where it can be found again
  std::string name;       // for people in the backend's own pages
  std::map<Ref, Money> prices;
  Window window;
};

/// What a shop's server does for us, and no more. Every call blocks its thread until the deadline at most;
/// any thread may call, several at once. Errors of reads are `Error`s (kTimeout, kConnectRefused, kTlsFailed,
/// kAuthRejected, kRateLimited, kProtocol); a write says how it ended in a `WriteOutcome`.
/// Where the operations come from: docs/adr/0400-one-adapter-for-every-shop.md.
class Adapter {
 public:
  struct Deadline {
    MediaTime at{};
  };

  virtual ~Adapter() = default;

  [[nodiscard]] virtual Capabilities capabilities() const = 0;

  /// Rows changed since `cursor` (empty: all), at least once each, perhaps again. A cursor is opaque, at most
  /// 4 KiB, and stays valid across restarts. The price and stock in it are not to be trusted on air: sales
  /// and starts of timed prices change no row's time (Vendure, Medusa).
  virtual Result<ChangedItems> changes(const std::string& cursor, Deadline deadline) = 0;
  /// The truth for price, stock and availability, at most `most_items_a_read`. A ref without a variant stands
  /// for all of its product's, one without a product (a hint of `decode_event`) for the variant.
  virtual Result<ReadItems> read_items(std::span<const Ref> refs, Deadline deadline) = 0;

  /// Orders changed since `cursor` (empty: those of the last weeks, as configured), unplaced ones with a
  /// deposit included, carts not.
  virtual Result<ChangedOrders> orders(const std::string& cursor, Deadline deadline) = 0;
  virtual Result<ReadOrders> read_orders(std::span<const std::string> ids, Deadline deadline) = 0;

  /// Absolute: doing it twice is doing it once. Of the whole product: that is what a customer finds or does
  /// not (Medusa knows nothing smaller).
  enum class Listing { kOff, kOn };
  virtual WriteOutcome set_listing(const Ref& ref, Listing listing, Deadline deadline) = 0;
  /// `expected`: what we read last; kConflict where it is something else by now.
  virtual WriteOutcome set_stock(const Ref& ref, int64_t stock, std::optional<int64_t> expected,
                                 Deadline deadline) = 0;
  /// The price itself, where a shop knows no timed one. kConflict where it is not `expected` any more.
  virtual WriteOutcome set_price(const Ref& ref, const Money& price, const Money& expected,
                                 Deadline deadline) = 0;
  /// Found again by `operation`: kAlready with its handle where it is there.
  virtual WriteOutcome put_timed_price(const TimedPrice& price, Deadline deadline) = 0;
  /// Ends now. kAlready where it has ended or is not there.
  virtual WriteOutcome end_timed_price(const std::string& handle, Deadline deadline) = 0;
  /// The handle of the timed price that carries `operation`; what resolves an unknown put.
  virtual Result<std::optional<std::string>> find_timed_price(const std::string& operation,
                                                              Deadline deadline) = 0;

  /// A webhook. The signature is checked over the raw bytes in constant time; what it says is a hint what to
  /// read, never data. Errors: kAuthRejected, kProtocol, kTimeout (too old).
  struct Event {
    std::string id;          // seen before: ignored
    std::vector<Ref> items;  // as far as it names them: the product, or the variant, or both
    std::vector<std::string> orders;
    bool is_catalogue = false;  // something changed that has no id here
    bool is_orders = false;     // some order changed, and it doesn't say which
  };
  virtual Result<Event> decode_event(const std::map<std::string, std::string>& headers, std::string_view body,
                                     Instant now) const = 0;
};

}  // namespace vitrine::commerce
