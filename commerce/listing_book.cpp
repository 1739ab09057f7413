// SPDX-License-Identifier: Apache-2.0
#include "commerce/listing_book.h"

#include <algorithm>
#include <array>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/columns.h"
#include "commerce/operations.h"

namespace vitrine::commerce {
namespace {

constexpr std::array<std::string_view, 6> kListingStateNames = {"unknown", "queued",   "listed",
                                                                "on_air",  "sold_out", "delisted"};
constexpr const char* kListingColumns =
    "id, show, product, variant, state, why, quota, supply, listed_at, operation, version";

Listing listing_of(SQLite::Statement& found) {
  Listing listing;
  listing.id = found.getColumn(0).getInt64();
  listing.show = found.getColumn(1).getString();
  listing.ref = {found.getColumn(2).getString(), found.getColumn(3).getString()};
  listing.state = listing_state_from(found.getColumn(4).getString());
  listing.why = found.getColumn(5).getString();
  listing.quota = integer_or_null(found.getColumn(6));
  listing.supply = integer_or_null(found.getColumn(7));
  if (const auto at = integer_or_null(found.getColumn(8))) listing.listed_at = instant_of(*at);
  listing.operation = found.getColumn(9).getString();
  listing.version = found.getColumn(10).getInt64();
  return listing;
}

Result<Listing> find_listing(SQLite::Database& database, const std::string& backend, int64_t id) {
  SQLite::Statement found(
      database, fmt::format("SELECT {} FROM listing WHERE backend = ? AND id = ?", kListingColumns));
  found.bind(1, backend);
  found.bind(2, id);
  if (!found.executeStep()) return fail(ErrorCode::kNotFound, fmt::format("there is no listing {}", id));
  return listing_of(found);
}

void save_listing(SQLite::Database& database, const Listing& listing) {
  SQLite::Statement update(database,
                           "UPDATE listing SET state = ?, why = ?, supply = ?, listed_at = ?, operation = ?, "
                           "version = version + 1, changed_at = ? WHERE id = ?");
  update.bind(1, std::string(to_string(listing.state)));
  update.bind(2, listing.why);
  if (listing.supply)
    update.bind(3, *listing.supply);
  else
    update.bind(3);
  if (listing.listed_at)
    update.bind(4, micros(*listing.listed_at));
  else
    update.bind(4);
  update.bind(5, listing.operation);
  update.bind(6, micros(system_now()));
  update.bind(7, listing.id);
  update.exec();
}

}  // namespace

Listing judge(Listing listing, const ListingSight& sight) {
  if (sight.operation == Operation::State::kRejected) listing.why = "the shop refused it: " + sight.result;
  if (!listing.listed_at || !sight.is_fresh) return listing;
  // While pieces are left, what is left and what was sold is what there was; an order that is heard of late
  // makes it too small for a moment, so the largest counts.
  if (sight.stock)
    listing.supply = std::max(listing.supply.value_or(0), *sight.stock + (*sight.stock > 0 ? sight.sold : 0));
  const bool is_sold_out = sight.stock == 0 || (listing.quota && sight.sold >= *listing.quota);
  if (sight.availability != Availability::kListed) {
    if (listing.state != ListingState::kQueued) {
      listing.state = ListingState::kDelisted;
      listing.why = fmt::format("the shop says: {}", to_string(sight.availability));
    }
    return listing;
  }
  if (is_sold_out) {
    listing.state = ListingState::kSoldOut;
    listing.why =
        sight.stock == 0 ? "no stock is left" : fmt::format("all {} of the show are sold", *listing.quota);
  } else if (listing.state == ListingState::kQueued || listing.state == ListingState::kSoldOut) {
    listing.state = ListingState::kListed;
    listing.why.clear();
  }
  return listing;
}

Result<Listing> ListingBook::queue(const std::string& show, const Ref& ref, std::optional<int64_t> quota) {
  if (quota && *quota <= 0)
    return fail(ErrorCode::kInvalidInput, fmt::format("a quota of {} pieces; 1 or more, or none", *quota));
  Listing listing;
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement item(database, "SELECT 1 FROM item WHERE backend = ? AND product = ? AND variant = ?");
    SQLite::Statement other(database,
                            "SELECT id FROM listing WHERE backend = ? AND product = ? AND variant = ? AND "
                            "show = ? AND state <> 'delisted'");
    for (auto* statement : {&item, &other}) {
      statement->bind(1, backend_);
      statement->bind(2, ref.product);
      statement->bind(3, ref.variant);
    }
    other.bind(4, show);
    if (!item.executeStep()) return fail(ErrorCode::kInvalidInput, ref.text() + " is not in the shop");
    if (other.executeStep())
      return fail(ErrorCode::kInvalidInput, fmt::format("{} is in this show already, as {}", ref.text(),
                                                        other.getColumn(0).getInt64()));
    SQLite::Statement insert(database,
                             "INSERT INTO listing(backend, show, product, variant, state, why, quota, "
                             "operation, version, changed_at) VALUES(?, ?, ?, ?, 'queued', '', ?, '', 1, ?)");
    insert.bind(1, backend_);
    insert.bind(2, show);
    insert.bind(3, ref.product);
    insert.bind(4, ref.variant);
    if (quota)
      insert.bind(5, *quota);
    else
      insert.bind(5);
    insert.bind(6, micros(system_now()));
    insert.exec();
    auto found = find_listing(database, backend_, database.getLastInsertRowid());
    if (!found) return tl::unexpected(found.error());
    listing = std::move(*found);
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return listing;
}

Status ListingBook::list(int64_t id) {
  return wish(id, Adapter::Listing::kOn);
}

Status ListingBook::delist(int64_t id) {
  return wish(id, Adapter::Listing::kOff);
}

Status ListingBook::wish(int64_t id, Adapter::Listing on) {
  return store_.write([&](SQLite::Database& database) -> Status {
    auto listing = find_listing(database, backend_, id);
    if (!listing) return tl::unexpected(listing.error());
    const Instant now = system_now();
    Operation operation = make_operation(backend_, SetListing{listing->ref, on}, now);
    outbox_.add(database, operation);
    listing->operation = operation.id;
    listing->why.clear();
    if (on == Adapter::Listing::kOn && !listing->listed_at) listing->listed_at = now;
    // It leaves the air now, and is delisted when the shop says so.
    if (on == Adapter::Listing::kOff && listing->state == ListingState::kOnAir)
      listing->state = ListingState::kListed;
    save_listing(database, *listing);
    return {};
  });
}

Status ListingBook::set_air(int64_t id, Air air) {
  return store_.write([&](SQLite::Database& database) -> Status {
    auto listing = find_listing(database, backend_, id);
    if (!listing) return tl::unexpected(listing.error());
    const auto from = air == Air::kOn ? ListingState::kListed : ListingState::kOnAir;
    const auto to = air == Air::kOn ? ListingState::kOnAir : ListingState::kListed;
    if (listing->state == to || (air == Air::kOff && listing->state != from)) return {};
    if (listing->state != from)
      return fail(ErrorCode::kInvalidInput, fmt::format("{} is {}: only what is listed can go on air",
                                                        listing->ref.text(), to_string(listing->state)));
    listing->state = to;
    save_listing(database, *listing);
    return {};
  });
}

Result<std::vector<Listing>> ListingBook::open() const {
  return select("state <> ?", "delisted");
}

Result<std::vector<Listing>> ListingBook::of_show(const std::string& show) const {
  return select("show = ?", show);
}

Result<std::vector<Listing>> ListingBook::select(const std::string& condition,
                                                 const std::string& value) const {
  std::vector<Listing> listings;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(
        database, fmt::format("SELECT {} FROM listing WHERE backend = ? AND {} ORDER BY id", kListingColumns,
                              condition));
    found.bind(1, backend_);
    found.bind(2, value);
    while (found.executeStep()) listings.push_back(listing_of(found));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return listings;
}

Result<ListingBook::OperationState> ListingBook::operation(const Listing& listing) const {
  OperationState state;
  if (listing.operation.empty()) return state;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    if (const auto operation = Outbox::find(database, listing.operation))
      state = {operation->state, operation->result};
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return state;
}

Result<bool> ListingBook::settle(const Listing& listing) {
  bool is_settled = false;
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    const auto there = find_listing(database, backend_, listing.id);
    is_settled = there && there->version == listing.version;
    if (is_settled) save_listing(database, listing);
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return is_settled;
}

std::string_view to_string(ListingState state) {
  return kListingStateNames[static_cast<size_t>(state)];
}

ListingState listing_state_from(std::string_view name) {
  const auto found = std::ranges::find(kListingStateNames, name);
  return found == kListingStateNames.end() ? ListingState::kUnknown
                                           : static_cast<ListingState>(found - kListingStateNames.begin());
}

}  // namespace vitrine::commerce
