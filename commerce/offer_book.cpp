// SPDX-License-Identifier: Apache-2.0
#include "commerce/offer_book.h"

#include <chrono>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "commerce/detail/columns.h"
#include "commerce/operations.h"
#include "core/rfc3339.h"
#include "core/text_rules.h"

namespace vitrine::commerce {
namespace {

constexpr size_t kMostOfferPrices = 200;
constexpr size_t kMostOfferText = 200;
constexpr std::chrono::days kLongestOffer{31};

std::string amount(const Money& money) {
  return currency_symbol(money) + format_amount(money, Cents::kKeep);
}

/// What is wrong about `wish` whatever the shop says.
Problems problems_of(const OfferBook::Wish& wish, Capabilities::TimedPrice how, Instant now) {
  Problems problems;
  const auto refuse = [&](const char* where, std::string found, std::string allowed) {
    problems.push_back({where, std::move(found), std::move(allowed)});
  };
  if (how == Capabilities::TimedPrice::kCartOnly)
    refuse("shop", "one that takes money off in the cart only", "one whose listed price can be changed");
  if (wish.prices.empty() || wish.prices.size() > kMostOfferPrices)
    refuse("prices", fmt::format("{} variants", wish.prices.size()),
           fmt::format("1 to {}", kMostOfferPrices));
  for (const auto& [ref, price] : wish.prices) {
    if (ref.product != wish.prices.begin()->first.product)
      refuse("prices", ref.text(), "variants of one product");
  }
  if (wish.window.begin >= wish.window.end)
    refuse("window", "an end at " + format_rfc3339(wish.window.end),
           "an end after the beginning at " + format_rfc3339(wish.window.begin));
  else if (wish.window.end <= now)
    refuse("window", "an end at " + format_rfc3339(wish.window.end),
           "an end to come; the shop's clock says " + format_rfc3339(now));
  else if (wish.window.end - wish.window.begin > kLongestOffer)
    refuse("window", "more than a month", fmt::format("at most {} days", kLongestOffer.count()));
  if (wish.quantity && *wish.quantity <= 0)
    refuse("quantity", std::to_string(*wish.quantity), "1 or more, or none");
  for (const auto& [where, text] : {std::pair("name", &wish.name), std::pair("audience", &wish.audience)}) {
    if (text->size() > kMostOfferText)
      refuse(where, fmt::format("{} bytes", text->size()), fmt::format("at most {} bytes", kMostOfferText));
    else if (const auto unsafe = find_unsafe_character(*text))
      refuse(where, *unsafe, "text without control, invisible or direction-changing characters");
  }
  return problems;
}

/// The price that is asked for, beside the one that it takes the place of.
std::optional<Offer::Price> price_of(const std::optional<Catalogue::Row>& row, const Ref& ref,
                                     const Money& price, Problems& problems) {
  if (!row || row->item.availability != Availability::kListed) {
    problems.push_back({"prices", ref.text() + (row ? ", which is not listed" : ", which is not in the shop"),
                        "what customers can buy"});
    return std::nullopt;
  }
  const Money& before = row->item.price;
  if (price.currency != before.currency || price.minor <= 0 || price >= before) {
    problems.push_back(
        {"prices", amount(price) + " for " + ref.text(), "above 0 and below its price of " + amount(before)});
    return std::nullopt;
  }
  return Offer::Price{price, before};
}

/// Brings the offer to the shop, and takes it back. Added in this order: the outbox keeps to it.
std::pair<Operation, Operation> operations_of(const Offer& offer, Capabilities::TimedPrice how,
                                              const std::string& backend, Instant now) {
  if (how == Capabilities::TimedPrice::kNative) {
    TimedPrice timed{"", offer.name, {}, offer.window};
    for (const auto& [ref, price] : offer.prices) timed.prices[ref] = price.now;
    return {make_operation(backend, timed, now),
            make_operation(backend, EndTimedPrice{offer.product(), ""}, now)};
  }
  SetPrices down{{}, offer.window.end};
  SetPrices back;
  for (const auto& [ref, price] : offer.prices) {
    down.prices[ref] = {price.now, price.before};
    back.prices[ref] = {price.before, price.now};
  }
  return {make_operation(backend, down, now), make_operation(backend, back, now)};
}

void insert_offer(SQLite::Database& database, const std::string& backend, Instant now, Offer& offer) {
  SQLite::Statement insert(
      database,
      "INSERT INTO offer(backend, product, name, begins_at, ends_at, quantity, audience, "
      "state, why, put_operation, end_operation, version, created_at, changed_at) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', ?9, ?10, 1, ?11, ?11)");
  insert.bind(1, backend);
  insert.bind(2, offer.product());
  insert.bind(3, offer.name);
  insert.bind(4, micros(offer.window.begin));
  insert.bind(5, micros(offer.window.end));
  if (offer.quantity)
    insert.bind(6, *offer.quantity);
  else
    insert.bind(6);
  insert.bind(7, offer.audience);
  insert.bind(8, std::string(to_string(offer.state)));
  insert.bind(9, offer.put);
  insert.bind(10, offer.end);
  insert.bind(11, micros(now));
  insert.exec();
  offer.id = database.getLastInsertRowid();
  offer.version = 1;
  offer.changed_at = now;
  SQLite::Statement price_row(database, "INSERT INTO offer_price VALUES(?, ?, ?, ?, ?)");
  for (const auto& [ref, price] : offer.prices) {
    price_row.reset();
    price_row.bind(1, offer.id);
    price_row.bind(2, ref.variant);
    price_row.bind(3, std::string(price.now.currency.data(), price.now.currency.size()));
    price_row.bind(4, price.now.minor);
    price_row.bind(5, price.before.minor);
    price_row.exec();
  }
}

void update_offer(SQLite::Database& database, int64_t id, OfferState state, const std::string& why,
                  Instant now) {
  SQLite::Statement update(
      database, "UPDATE offer SET state = ?, why = ?, version = version + 1, changed_at = ? WHERE id = ?");
  update.bind(1, std::string(to_string(state)));
  update.bind(2, why);
  update.bind(3, micros(now));
  update.bind(4, id);
  update.exec();
}

}  // namespace

Result<Offer> OfferBook::ask(const Wish& wish, const Capabilities& shop) {
  const Instant now = system_now();
  Problems problems = problems_of(wish, shop.timed_price, now + shop.clock_offset);
  Offer offer;
  offer.name = wish.name;
  offer.window = wish.window;
  offer.quantity = wish.quantity;
  offer.audience = wish.audience;
  offer.state = OfferState::kRequested;
  for (const auto& [ref, price] : wish.prices) {
    const auto row = catalogue_.find(ref);
    if (!row) return tl::unexpected(row.error());
    if (const auto known = price_of(*row, ref, price, problems)) offer.prices[ref] = *known;
  }
  if (!problems.empty()) return tl::unexpected(to_error(problems));

  auto [put, end] = operations_of(offer, shop.timed_price, backend_, now);
  // The outbox goes by our clock.
  if (put.kind == Operation::Kind::kSetPrices) put.due_at = offer.window.begin - shop.clock_offset;
  end.due_at = offer.window.end - shop.clock_offset;
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement other(database,
                            "SELECT id, name FROM offer WHERE backend = ? AND product = ? AND state NOT IN "
                            "('ended', 'refused')");
    other.bind(1, backend_);
    other.bind(2, offer.product());
    if (other.executeStep())
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("the product has offer {} ({}) already: end it first",
                              other.getColumn(0).getInt64(), other.getColumn(1).getString()));
    outbox_.add(database, put);
    if (end.kind == Operation::Kind::kEndTimedPrice) end.body["put"] = put.id;
    outbox_.add(database, end);
    offer.put = put.id;
    offer.end = end.id;
    insert_offer(database, backend_, now, offer);
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return offer;
}

Status OfferBook::end(int64_t id, const std::string& why) {
  const Instant now = system_now();
  return store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(
        database, "SELECT state, put_operation, end_operation FROM offer WHERE backend = ? AND id = ?");
    found.bind(1, backend_);
    found.bind(2, id);
    if (!found.executeStep()) return fail(ErrorCode::kNotFound, fmt::format("there is no offer {}", id));
    const auto state = offer_state_from(found.getColumn(0).getString());
    if (state == OfferState::kEnding || state == OfferState::kEnded || state == OfferState::kRefused)
      return {};
    const std::string put = found.getColumn(1).getString();
    const std::string end = found.getColumn(2).getString();
    // The shop need never hear of one that was not sent.
    const auto sent = outbox_.find(database, put);
    const bool was_never_sent = outbox_.withdraw(database, put, why, now) && sent && sent->attempts == 0;
    if (was_never_sent)
      outbox_.withdraw(database, end, why, now);
    else
      outbox_.hasten(database, end, now);
    update_offer(database, id, was_never_sent ? OfferState::kEnded : OfferState::kEnding, why, now);
    return {};
  });
}

Result<std::vector<Offer>> OfferBook::open() const {
  return select(" AND state NOT IN ('ended', 'refused')", -1);
}

Result<std::vector<Offer>> OfferBook::limited_and_over(Instant since) const {
  return select(
      fmt::format(" AND state = 'ended' AND quantity IS NOT NULL AND changed_at >= {}", micros(since)), -1);
}

Result<std::vector<Offer>> OfferBook::list(int most) const {
  return select("", most);
}

Result<std::vector<Offer>> OfferBook::select(const std::string& condition, int most) const {
  std::vector<Offer> offers;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(database,
                            "SELECT id, product, name, begins_at, ends_at, quantity, audience, state, why, "
                            "put_operation, end_operation, version, changed_at FROM offer WHERE backend = ?" +
                                condition + " ORDER BY id DESC LIMIT ?");
    found.bind(1, backend_);
    found.bind(2, most);
    SQLite::Statement price(database,
                            "SELECT variant, currency, price, price_before FROM offer_price WHERE offer = ?");
    while (found.executeStep()) {
      Offer offer;
      offer.id = found.getColumn(0).getInt64();
      offer.name = found.getColumn(2).getString();
      offer.window = {instant_of(found.getColumn(3).getInt64()), instant_of(found.getColumn(4).getInt64())};
      if (!found.getColumn(5).isNull()) offer.quantity = found.getColumn(5).getInt64();
      offer.audience = found.getColumn(6).getString();
      offer.state = offer_state_from(found.getColumn(7).getString());
      offer.why = found.getColumn(8).getString();
      offer.put = found.getColumn(9).getString();
      offer.end = found.getColumn(10).getString();
      offer.version = found.getColumn(11).getInt64();
      offer.changed_at = instant_of(found.getColumn(12).getInt64());
      price.reset();
      price.bind(1, offer.id);
      while (price.executeStep()) {
        const auto currency = currency_of(price.getColumn(1).getString());
        offer.prices[{found.getColumn(1).getString(), price.getColumn(0).getString()}] = {
            {price.getColumn(2).getInt64(), currency}, {price.getColumn(3).getInt64(), currency}};
      }
      offers.push_back(std::move(offer));
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return offers;
}

Result<OfferBook::Operations> OfferBook::operations(const Offer& offer) const {
  Operations operations;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    if (const auto put = outbox_.find(database, offer.put)) {
      operations.put = put->state;
      operations.put_result = put->result;
    }
    if (const auto end = outbox_.find(database, offer.end)) operations.end = end->state;
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return operations;
}

Result<bool> OfferBook::settle(const Offer& offer, const OfferVerdict& verdict) {
  const Instant now = system_now();
  bool is_settled = false;
  auto written = store_.write([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(database, "SELECT 1 FROM offer WHERE id = ? AND version = ?");
    found.bind(1, offer.id);
    found.bind(2, offer.version);
    is_settled = found.executeStep();
    if (!is_settled) return {};
    if (verdict.ends_now) outbox_.hasten(database, offer.end, now);
    if (verdict.state != offer.state || verdict.why != offer.why)
      update_offer(database, offer.id, verdict.state, verdict.why, now);
    return {};
  });
  if (!written) return tl::unexpected(written.error());
  return is_settled;
}

}  // namespace vitrine::commerce
