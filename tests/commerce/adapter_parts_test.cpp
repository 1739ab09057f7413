// SPDX-License-Identifier: Apache-2.0
// What the adapters are made of, without a server: reading changes, mapping rows, judging answers, checking
// events.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/adapters/change_stream.h"
#include "commerce/adapters/medusa_rows.h"
#include "commerce/adapters/rows.h"
#include "commerce/adapters/server_clock.h"
#include "commerce/adapters/shop_session.h"
#include "commerce/adapters/signed_event.h"
#include "commerce/adapters/timed_price_check.h"
#include "commerce/adapters/vendure_rows.h"
#include "commerce/backend_json.h"
#include "test_items.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Contains;
using testing::Field;
using testing::SizeIs;

const Instant kNoon = from_unix_millis(1'795'348'800'000);

/// A server's table, sorted as servers sort. `before_page` is what other people do meanwhile.
struct Table {
  std::map<std::string, Instant> rows;
  std::function<void(int page)> before_page = [](int) {};
  int pages = 0;

  Called<std::vector<Change>> read(Instant from, size_t limit, size_t skip) {
    before_page(++pages);
    std::vector<Change> found;
    for (const auto& [id, at] : rows)
      if (at >= from) found.push_back({at, {id}});
    std::ranges::stable_sort(found, {}, &Change::at);
    found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(std::min(skip, found.size())));
    if (found.size() > limit) found.resize(limit);
    return found;
  }
  /// All steps until complete.
  std::set<std::string> drain(StreamPosition& position, Instant now, ChangeStream::Limits limits) {
    const ChangeStream stream(
        [this](Instant from, size_t limit, size_t skip) { return read(from, limit, skip); }, limits);
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
      const auto step = stream.read(position, now);
      seen.insert(step->ids.begin(), step->ids.end());
      position = step->next;
      if (step->is_complete) return seen;
    }
    ADD_FAILURE() << "never complete";
    return seen;
  }
};

std::string row_name(int number) {
  return "r" + std::to_string(1000 + number);
}

constexpr ChangeStream::Limits kSmall{.page = 4, .largest_page = 16, .overlap = 10s};

TEST(ChangeStream, LosesNoRowThatMovesToTheEndWhileItIsRead) {
  Table table;
  for (int i = 0; i < 50; ++i) table.rows[row_name(i)] = kNoon + i * 1s;
  Instant now = kNoon + 60s;
  // With every page the next unread row is edited: by page number each would push one other out of sight.
  table.before_page = [&](int page) { table.rows[row_name(page * 3 % 50)] = now += 10ms; };
  StreamPosition position;
  const auto seen = table.drain(position, kNoon + 1h, kSmall);
  EXPECT_THAT(seen, SizeIs(50));
}

TEST(ChangeStream, ReadsMoreRowsOfOneMomentThanAPageHolds) {
  for (const int count : {3, 4, 5, 16, 17, 100}) {
    Table table;
    for (int i = 0; i < count; ++i) table.rows[row_name(i)] = kNoon;
    table.rows["later"] = kNoon + 1s;
    StreamPosition position;
    EXPECT_THAT(table.drain(position, kNoon + 1h, kSmall), SizeIs(static_cast<size_t>(count) + 1)) << count;
  }
}

TEST(ChangeStream, LooksBackByTheOverlapAndNotFurther) {
  Table table;
  table.rows["old"] = kNoon - 1h;
  table.rows["new"] = kNoon;
  StreamPosition position;
  table.drain(position, kNoon + 1h, kSmall);
  EXPECT_EQ(position.newest, kNoon);
  table.rows["late"] = kNoon - 9s;  // its transaction took that long
  EXPECT_THAT(table.drain(position, kNoon + 1h, kSmall), testing::UnorderedElementsAre("late", "new"));
  EXPECT_THAT(table.drain(position, kNoon + 1h, kSmall), testing::UnorderedElementsAre("late", "new"));
  EXPECT_EQ(position.newest, kNoon) << "it does not creep";
}

TEST(ChangeStream, ARowFromTheFutureHidesNothing) {
  Table table;
  table.rows["future"] = kNoon + 24h;
  StreamPosition position;
  table.drain(position, kNoon, kSmall);
  table.rows["next"] = kNoon + 1s;
  EXPECT_THAT(table.drain(position, kNoon + 2s, kSmall), Contains("next"));
}

TEST(ChangeStream, ACursorComesBackAsItWas) {
  const std::map<std::string, StreamPosition> positions = {{"a", {kNoon, kNoon + 10s}}, {"b", {}}};
  EXPECT_EQ(parse_cursor(format_cursor(positions, "shop"), "shop").value(), positions);
  EXPECT_TRUE(parse_cursor("", "shop")->empty());
  EXPECT_FALSE(parse_cursor(format_cursor(positions, "shop"), "other"));
  for (const char* text : {"x", "[]", R"({"format":2,"backend":"shop","streams":{}})",
                           R"({"format":1,"backend":"shop","streams":{"a":[1]}})"})
    EXPECT_FALSE(parse_cursor(text, "shop")) << text;
}

json sample(const std::string& name) {
  return parse_backend_json(fakes::read_file(VITRINE_SOURCE_DIR "/tests/commerce/samples/" + name + ".json"))
      .value();
}

const vendure::Shop kVendure = {
    .fields = {.presale = "presale",
               .reference_price = "compareAtPrice",
               .timed_price = "promoPrice",
               .timed_from = "promoStartsAt",
               .timed_until = "promoEndsAt",
               .timed_operation = "promoOperation"},
    .category_facet = "category",
    .page_address = "https://shop.example/p/{handle}",
};

TEST(VendureRows, ReadWhatTheServerAnswered) {
  const auto item = vendure::to_item(sample("vendure_timed"), kVendure);
  ASSERT_TRUE(item) << item.error().problems.front().text();
  EXPECT_EQ(item->ref, (Ref{"6", "12"}));
  EXPECT_EQ(item->title, "青柠防晒乳");
  EXPECT_EQ(item->option, "30ml");
  EXPECT_EQ(item->category, "美妆护肤");
  EXPECT_EQ(item->price, (Money{2860, kYuan}));
  EXPECT_EQ(item->base_price, (Money{4090, kYuan}));
  EXPECT_EQ(item->shop_url, "https://shop.example/p/item-0006");
  EXPECT_EQ(item->stock, 147);
}

TEST(VendureRows, StockBelowZeroIsSoldOutAndUncountedStockIsNone) {
  json row = sample("vendure_timed");
  row["stockLevels"] = json::array({json{{"stockOnHand", 1}, {"stockAllocated", 12}}});
  EXPECT_EQ(vendure::to_item(row, kVendure)->stock, 0);
  row["trackInventory"] = "FALSE";
  EXPECT_EQ(vendure::to_item(row, kVendure)->stock, std::nullopt);
}

struct Spoilt {
  const char* name;
  const char* where;
  void (*spoil)(json& row);
};
class SpoiltVendureRow : public testing::TestWithParam<Spoilt> {};

TEST_P(SpoiltVendureRow, IsRefusedWithTheFieldThatIsWrong) {
  json row = sample("vendure_timed");
  GetParam().spoil(row);
  const auto item = vendure::to_item(row, kVendure);
  ASSERT_FALSE(item);
  EXPECT_THAT(item.error().problems, Contains(Field(&Problem::where, GetParam().where)));
}

INSTANTIATE_TEST_SUITE_P(
    Of, SpoiltVendureRow,
    testing::Values(Spoilt{"NoPrice", "priceWithTax", [](json& row) { row.erase("priceWithTax"); }},
                    Spoilt{"PriceOfParts", "priceWithTax", [](json& row) { row["priceWithTax"] = "28.605"; }},
                    Spoilt{"HugePrice", "priceWithTax", [](json& row) { row["priceWithTax"] = UINT64_MAX; }},
                    Spoilt{"NoCurrency", "currencyCode", [](json& row) { row["currencyCode"] = nullptr; }},
                    Spoilt{"NoId", "id", [](json& row) { row["id"] = ""; }},
                    Spoilt{"NoProduct", "product.id", [](json& row) { row["product"] = nullptr; }},
                    Spoilt{"NotEnabledNorNot", "enabled", [](json& row) { row["enabled"] = 1; }},
                    Spoilt{"StockOfText", "stockLevel.stockOnHand",
                           [](json& row) { row["stockLevels"][0]["stockOnHand"] = "many"; }},
                    Spoilt{"NoTime", "updatedAt", [](json& row) { row["updatedAt"] = "yesterday"; }}),
    [](const auto& spoilt) { return std::string(spoilt.param.name); });

TEST(VendureRows, AnOrderIsWhatItsMoneySays) {
  json row = sample("vendure_order_0");
  const auto state_with = [&](const char* state, std::vector<json> payments, bool is_placed) {
    row["state"] = state;
    row["totalWithTax"] = 30000;
    row["orderPlacedAt"] = is_placed ? json("2026-11-22T12:00:00.000Z") : json();
    row["payments"] = std::move(payments);
    return vendure::to_order(row)->state;
  };
  const auto payment = [](int64_t amount, const char* state, int64_t refunded) {
    json refunds = json::array();
    if (refunded > 0) refunds.push_back(json{{"total", refunded}, {"state", "Settled"}});
    return json{{"id", "1"},
                {"amount", amount},
                {"state", state},
                {"createdAt", "2026-11-22T12:00:00.000Z"},
                {"refunds", refunds}};
  };
  EXPECT_EQ(state_with("ArrangingPayment", {}, false), OrderState::kOpen);
  EXPECT_EQ(state_with("ArrangingPayment", {payment(6000, "Settled", 0)}, false), OrderState::kDepositPaid);
  EXPECT_EQ(state_with("ArrangingPayment", {payment(30000, "Declined", 0)}, false), OrderState::kOpen);
  EXPECT_EQ(state_with("PaymentSettled", {payment(6000, "Settled", 0), payment(24000, "Settled", 0)}, true),
            OrderState::kPaid);
  EXPECT_EQ(state_with("PaymentAuthorized", {payment(30000, "Authorized", 0)}, true), OrderState::kOpen);
  EXPECT_EQ(state_with("Shipped", {payment(30000, "Settled", 0)}, true), OrderState::kShipped);
  EXPECT_EQ(state_with("Cancelled", {}, true), OrderState::kCancelled);
  EXPECT_EQ(state_with("Cancelled", {payment(30000, "Settled", 30000)}, true), OrderState::kRefunded);
}

TEST(MedusaRows, ReadDecimalsToTheFen) {
  const json product = sample("medusa_two_variants");
  for (const auto& variant : product["variants"]) {
    const auto item = medusa::to_item(product, variant, &variant["calculated_price"], {});
    ASSERT_TRUE(item) << item.error().problems.front().text();
    const int64_t price = item->sku == "LS-0002-1" ? 15990 : item->sku == "LS-0002-2" ? 16990 : 17990;
    EXPECT_EQ(item->price, (Money{price, kYuan}));
    EXPECT_EQ(item->availability, Availability::kListed);
    EXPECT_EQ(item->reference_price, std::nullopt);
  }
}

TEST(MedusaRows, NeverRoundAPrice) {
  const json product = sample("medusa_two_variants");
  const json& variant = product["variants"][0];
  json calculated = variant["calculated_price"];
  calculated["calculated_amount"] = "169.905";
  const auto item = medusa::to_item(product, variant, &calculated, {});
  ASSERT_FALSE(item);
  EXPECT_THAT(item.error().problems, Contains(Field(&Problem::where, "calculated_price.calculated_amount")));
}

TEST(MedusaRows, WhatTheStoreDoesNotSellIsDelistedAtItsBasePrice) {
  const json product = sample("medusa_draft");
  const json& variant = product["variants"][0];
  const auto item = medusa::to_item(product, variant, nullptr, {});
  ASSERT_TRUE(item) << item.error().problems.front().text();
  EXPECT_EQ(item->availability, Availability::kDelisted);
  EXPECT_EQ(item->price.minor, item->sku == "LS-0031-1" ? 20190 : 21890);
}

TEST(MedusaRows, StockIsThatOfTheScarcestPart) {
  const json product = sample("medusa_two_variants");
  json variant = product["variants"][0];
  json part = variant["inventory_items"][0];
  auto& level = part["inventory"]["location_levels"][0];
  level["stocked_quantity"] = "10.5";
  level["reserved_quantity"] = 3;
  part["required_quantity"] = 2;
  variant["inventory_items"].push_back(part);
  EXPECT_EQ(medusa::to_item(product, variant, nullptr, {})->stock, 3);
  variant["allow_backorder"] = true;
  EXPECT_EQ(medusa::to_item(product, variant, nullptr, {})->stock, std::nullopt);
  EXPECT_EQ(medusa::stock_place_of(variant, {}), std::nullopt) << "it is made of two";
}

struct Status {
  int status;
  const char* body;
  WriteResult as_write;
};

TEST(JudgeByStatus, AWriteIsUnknownUnlessTheServerSaysOtherwise) {
  for (const auto& [status, body, as_write] :
       {Status{200, "{\"cut\": ", WriteResult::kUnknown}, Status{200, "<html>", WriteResult::kUnknown},
        Status{500, "{}", WriteResult::kUnknown}, Status{502, "", WriteResult::kUnknown},
        Status{503, "{}", WriteResult::kUnknown}, Status{408, "", WriteResult::kUnknown},
        Status{429, "", WriteResult::kThrottled}, Status{401, "{}", WriteResult::kUnauthorised},
        Status{403, "{}", WriteResult::kUnauthorised}, Status{400, "{}", WriteResult::kRejected},
        Status{404, "<html>", WriteResult::kRejected}, Status{422, "{}", WriteResult::kRejected},
        Status{409, "{}", WriteResult::kConflict}}) {
    const auto answer = judge_by_status({.status = status, .headers = {{"retry-after", "2"}}, .body = body});
    ASSERT_FALSE(answer) << status;
    EXPECT_EQ(answer.error().as_write, as_write) << status << body;
    if (status == 429) {
      EXPECT_EQ(answer.error().retry_after, 2s);
    }
  }
}

TEST(JudgeByStatus, SaysWhatTheServerSaidAndNothingThatTurnsTextRound) {
  const auto said = judge_by_status(
      {.status = 400, .headers = {}, .body = R"({"type":"invalid_data","message":"no such sku"})"});
  EXPECT_EQ(said.error().code, "invalid_data");
  EXPECT_THAT(said.error().error.message, testing::HasSubstr("no such sku"));
  const auto hidden = judge_by_status({.status = 400, .headers = {}, .body = "{\"message\":\"a \u202e b\"}"});
  EXPECT_THAT(hidden.error().error.message, testing::Not(testing::HasSubstr("\u202e")));
}

/// "1795348800.{…}" signed with "shop-webhook-secret" by OpenSSL.
constexpr const char* kBody = R"({"id":"e1","topic":"order.placed","data":{"code":"A1"}})";
constexpr const char* kSignature = "3727eb6be944b66d748f6bf68c73cd25d0f524efabc28b6d112ce81a22491383";

class SignedEvent : public testing::Test {
 protected:
  Result<json> verify(Instant now) const { return verify_event(signature_, headers_, body_, now); }
  EventSignature signature_{"x-vitrine-timestamp", "x-vitrine-signature", Secret("shop-webhook-secret")};
  std::map<std::string, std::string> headers_ = {{"x-vitrine-timestamp", "1795348800"},
                                                 {"x-vitrine-signature", kSignature}};
  std::string body_ = kBody;
};

TEST_F(SignedEvent, IsTakenForFiveMinutes) {
  const auto event = verify(kNoon + 299s);
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ((*event)["id"], json("e1"));
  EXPECT_EQ(verify(kNoon + 301s).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(verify(kNoon - 301s).error().code, ErrorCode::kTimeout);
}

TEST_F(SignedEvent, IsRefusedWhenAnythingOfItWasChanged) {
  body_[10] ^= 1;
  EXPECT_EQ(verify(kNoon).error().code, ErrorCode::kAuthRejected);
  body_ = kBody;
  headers_["x-vitrine-timestamp"] = "1795348801";
  EXPECT_EQ(verify(kNoon).error().code, ErrorCode::kAuthRejected);
  for (const char* signature : {"", "00", "not hex at all"}) {
    headers_["x-vitrine-signature"] = signature;
    EXPECT_EQ(verify(kNoon).error().code, ErrorCode::kAuthRejected);
  }
  headers_.clear();
  EXPECT_EQ(verify(kNoon).error().code, ErrorCode::kAuthRejected);
}

TEST_F(SignedEvent, WithoutASecretNoneIsTaken) {
  signature_.secret = Secret();
  EXPECT_EQ(verify(kNoon).error().code, ErrorCode::kAuthRejected);
}

/// A server whose clock is off, whose answers take 20 ms, and which makes its Date a little late at times.
class AskedServer {
 public:
  explicit AskedServer(std::chrono::milliseconds offset) : offset_(offset) {}
  /// When a second of the server's begins, as far as `clock` knows, `every` later than the last time.
  void ask(ServerClock& clock, std::chrono::milliseconds every) {
    now_ += every;
    const Instant there = now_ + clock.offset();
    now_ += std::chrono::ceil<std::chrono::seconds>(there) - there;
    const auto late = (++asked_ % 3) * 4ms;
    clock.note(std::chrono::floor<std::chrono::seconds>(now_ + 10ms + offset_ - late), now_, now_ + 20ms);
  }
  std::chrono::milliseconds offset_;

 private:
  Instant now_ = kNoon;
  int asked_ = 0;
};

TEST(ServerClockTest, IsKnownToAFrameAfterSomeAnswersAndStaysSo) {
  for (const auto offset : {0ms, 137ms, -862ms, 86'400'499ms}) {
    AskedServer server(offset);
    ServerClock clock;
    for (int i = 0; i < 10; ++i) server.ask(clock, 3s);
    for (int i = 0; i < 100; ++i) {
      EXPECT_LE(std::chrono::abs(clock.offset() - server.offset_), 33ms) << offset.count() << ", " << i;
      EXPECT_LE(clock.slack(), 25ms);
      server.ask(clock, 5s);
    }
  }
}

TEST(ServerClockTest, FollowsOneThatDriftsAndOneThatIsSet) {
  AskedServer server(250ms);
  ServerClock clock;
  for (int i = 0; i < 20; ++i) server.ask(clock, 5s);
  for (int i = 0; i < 400; ++i) {
    if (i % 10 == 0) server.offset_ += 1ms;  // 20 ppm
    server.ask(clock, 5s);
    ASSERT_LE(std::chrono::abs(clock.offset() - server.offset_), 40ms) << i;
  }
  server.offset_ += 10s;
  server.ask(clock, 5s);
  EXPECT_LE(std::chrono::abs(clock.offset() - server.offset_), 1s) << "at once, if not well";
  for (int i = 0; i < 10; ++i) server.ask(clock, 5s);
  EXPECT_LE(std::chrono::abs(clock.offset() - server.offset_), 33ms);
}

}  // namespace
}  // namespace vitrine::commerce
