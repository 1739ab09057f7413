// SPDX-License-Identifier: Apache-2.0
// A shop's server that fails in every way, before Medusa's adapter, the puller and the catalogue.
#include <poll.h>

#include <fmt/chrono.h>
#include <gmock/gmock.h>

#include "commerce/catalogue.h"
#include "commerce/order_book.h"
#include "commerce/puller.h"
#include "scripted_fixture.h"
#include "test_items.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Shop = fakes::ScriptedShop;

const RowRules kFaultRules{kYuan, 10'000'000};
/// Most that may be read of an answer: the limit, and what fits into the sockets between.
constexpr int64_t kMostRead = int64_t{24} << 20;

std::string http_date(Instant at) {
  return fmt::format(
      "{:%a, %d %b %Y %H:%M:%S} GMT",
      fmt::gmtime(std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count()));
}

class BackendFaultsTest : public ScriptedShopTest {
 protected:
  void SetUp() override {
    ScriptedShopTest::SetUp();
    catalogue_ = std::make_unique<Catalogue>(*store_, "medusa", kFaultRules);
    orders_ = std::make_unique<OrderBook>(*store_, "medusa");
  }
  /// Nothing but the catalogue, and only when told.
  void start_pulling() {
    puller_ = std::make_unique<Puller>(Puller::Parts{*adapter_, *catalogue_, *orders_, freshness_},
                                       Puller::Plan{1h, 1h, 1h, 1h}, [] {});
    ASSERT_TRUE(fakes::wait_for([&] { return puller_->status().catalogue_at.has_value(); }));
  }
  [[nodiscard]] std::string title(const std::string& product) const {
    const auto row = catalogue_->find({product, product + "v0"});
    return row && *row ? (*row)->item.title : "";
  }

  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<OrderBook> orders_;
  Freshness freshness_;
  std::unique_ptr<Puller> puller_;
};

struct Way {
  const char* name;
  std::function<Shop::Fault()> fault;
  ErrorCode code;
  const char* text;
  std::chrono::milliseconds timeout = 10s;
};
class BackendFaults : public BackendFaultsTest, public testing::WithParamInterface<Way> {};

TEST_P(BackendFaults, AreSaidAndKeepTheLastGoodRowsAndTheNextGoodAnswerHeals) {
  const Way& way = GetParam();
  open_shop(way.timeout);
  start_pulling();
  shop_->catalogue().rename("p0", "新品");
  Shop::Fault fault = way.fault();
  fault.path = "/admin/products";
  fault.times = -1;
  const int64_t sent_before = shop_->sent_bytes();
  shop_->script(fault);
  puller_->reconcile_now();
  ASSERT_TRUE(fakes::wait_for([&] { return puller_->status().fault.has_value(); }));
  const Error error = *puller_->status().fault;
  EXPECT_EQ(to_string(error.code), to_string(way.code)) << error.message;
  EXPECT_THAT(error.message, HasSubstr(way.text));
  EXPECT_LT(shop_->sent_bytes() - sent_before, kMostRead);
  ASSERT_THAT(*catalogue_->list(), SizeIs(8));
  EXPECT_EQ(title("p0"), "商品 0");
  EXPECT_THAT(*catalogue_->refused(), IsEmpty());

  shop_->heal();
  puller_.reset();
  open_shop(10s);
  start_pulling();
  EXPECT_TRUE(fakes::wait_for([&] { return title("p0") == "新品"; }));
}

/// A body that claims to be JSON.
Shop::Fault says(std::string body, const std::string& headers = "content-type: application/json\r\n") {
  return {.bytes = Shop::answer(200, headers, body)};
}
Shop::Fault gzip_bomb() {
  const auto packed = fakes::run({"sh", "-c", "head -c 64M /dev/zero | gzip -c"});
  return says(packed.output, "content-type: application/json\r\ncontent-encoding: gzip\r\n");
}
Shop::Fault endless(const std::string& headers) {
  return {.bytes = "HTTP/1.1 200 x\r\n" + headers + "connection: close\r\n\r\n",
          .more_bytes = int64_t{1} << 30};
}

const Way kWays[] = {
    {"TooManyRequestsForSeconds",
     [] { return Shop::Fault{.bytes = Shop::answer(429, "retry-after: 3\r\n", "{}")}; },
     ErrorCode::kRateLimited, "429"},
    {"ServerError",
     [] { return Shop::Fault{.bytes = Shop::answer(500, "", R"({"message":"out of memory"})")}; },
     ErrorCode::kProtocol, "500: out of memory"},
    {"NoAnswer", [] { return Shop::Fault{.says = Shop::Fault::Says::kNothing}; }, ErrorCode::kTimeout,
     "changed products: GET http://127.0.0.1", 2s},
    {"Reset", [] { return Shop::Fault{.says = Shop::Fault::Says::kReset}; }, ErrorCode::kIo,
     "changed products: GET http://127.0.0.1"},
    {"HalfAnAnswer",
     [] { return Shop::Fault{.does = Shop::Fault::Does::kActs, .says = Shop::Fault::Says::kHalf}; },
     ErrorCode::kProtocol, "changed products: GET http://127.0.0.1"},
    {"TruncatedJson", [] { return says(R"({"products":[{"id":"p0","upda)"); }, ErrorCode::kProtocol,
     "not JSON at byte"},
    {"AWebPage",
     [] { return says("<html><body>Welcome</body></html>", "content-type: text/html; charset=utf-8\r\n"); },
     ErrorCode::kProtocol, "a web page and not JSON; is the shop's address right?"},
    {"AGibibyteThatSaysSo", [] { return endless("content-length: 1073741824\r\n"); }, ErrorCode::kProtocol,
     "larger than 4194304 bytes"},
    {"AGibibyteThatDoesNot", [] { return endless(""); }, ErrorCode::kProtocol, "larger than 4194304 bytes"},
    {"AGzipBomb", gzip_bomb, ErrorCode::kProtocol, "compressed"},
    {"AMillionDeep", [] { return says(std::string(1'000'000, '[')); }, ErrorCode::kProtocol,
     "deeper than 64"},
    {"AMillionValues",
     [] {
       return says("[0" + [] {
         std::string more;
         for (int i = 0; i < 1'000'000; ++i) more += ",0";
         return more;
       }() + "]");
     },
     ErrorCode::kProtocol, "more than 500000 values"},
    {"ADrip", [] { return Shop::Fault{.does = Shop::Fault::Does::kActs, .says = Shop::Fault::Says::kDrip}; },
     ErrorCode::kTimeout, "changed products: GET http://127.0.0.1", 3s},
    {"Gb18030", [] { return says("{\"products\":[{\"id\":\"p0\",\"title\":\"\xc9\xcc\xc6\xb7\"}]}"); },
     ErrorCode::kProtocol, "not JSON at byte"},
    {"Utf16", [] { return says(std::string("\xff\xfe{\0\"\0p\0\"\0:\0[\0]\0}\0", 18)); },
     ErrorCode::kProtocol, "not JSON at byte"},
};
INSTANTIATE_TEST_SUITE_P(Shop, BackendFaults, testing::ValuesIn(kWays),
                         [](const auto& tested) { return tested.param.name; });

TEST_F(BackendFaultsTest, ARedirectIsNotFollowedAndItsTargetHearsNothing) {
  const UniqueFd elsewhere = fakes::listen_on_loopback();
  for (const std::string& target : {std::string("http://169.254.169.254/latest/meta-data"),
                                    "http://127.0.0.1:" + std::to_string(fakes::port_of(elsewhere)) + "/"}) {
    shop_->script({.bytes = answer(302, "location: " + target + "\r\n", "")});
    const auto read = adapter_->changes("", {steady_now() + 30s});
    ASSERT_FALSE(read) << target;
    EXPECT_EQ(read.error().code, ErrorCode::kProtocol);
    EXPECT_THAT(read.error().message, HasSubstr("put the new address into the configuration"));
  }
  pollfd asked{elsewhere.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&asked, 1, 0), 0);
}

TEST_F(BackendFaultsTest, RowsWithOneIdAreRefusedAndTheOthersTaken) {
  start_pulling();
  shop_->catalogue().rename("p1", "新品");
  shop_->script({.path = "/admin/products?id",
                 .times = -1,
                 .does = Does::kActs,
                 .says = Says::kAnswer,
                 .edit = [](const std::string& body) {
                   auto page = nlohmann::json::parse(body);
                   auto twin = page["products"][0];
                   twin["title"] = "另一个";
                   page["products"].push_back(twin);
                   return page.dump();
                 }});
  puller_->reconcile_now();
  ASSERT_TRUE(fakes::wait_for([&] { return title("p1") == "新品"; }));
  EXPECT_EQ(title("p0"), "商品 0");
  EXPECT_THAT(*catalogue_->refused(), SizeIs(2)) << "both variants of p0";
  shop_->heal();
  puller_->reconcile_now();
  EXPECT_TRUE(fakes::wait_for([&] { return catalogue_->refused()->empty(); }));
}

TEST_F(BackendFaultsTest, AClockThatIsADayOffDecidesWhatHasEnded) {
  shop_->set_clock_offset(24h);
  ASSERT_TRUE(adapter_->changes("", {steady_now() + 60s}));
  EXPECT_NEAR(std::chrono::duration<double>(adapter_->capabilities().clock_offset).count(), 86400, 30);
  const auto put = adapter_->put_timed_price(
      {"offer", "直播价", {{{"p0", "p0v0"}, {5000, kYuan}}}, {system_now(), system_now() + 1h}},
      {steady_now() + 60s});
  EXPECT_EQ(put.result, WriteResult::kRejected);
  EXPECT_THAT(put.text, HasSubstr("the shop's clock says"));
}

TEST_F(BackendFaultsTest, ARetryAfterIsByTheServersOwnClock) {
  const Instant theirs = system_now() - 24h;
  shop_->script(
      {.bytes = answer(
           429, "date: " + http_date(theirs) + "\r\nretry-after: " + http_date(theirs + 2s) + "\r\n", "{}")});
  const auto began = steady_now();
  EXPECT_FALSE(adapter_->changes("", {steady_now() + 60s}));
  const auto asked = shop_->requests().size();
  const auto held_back = adapter_->changes("", {steady_now() + 60s});
  if (steady_now() - began < 2s) {  // on a machine that was not away for so long
    ASSERT_FALSE(held_back);
    EXPECT_EQ(held_back.error().code, ErrorCode::kRateLimited);
    EXPECT_THAT(held_back.error().message, HasSubstr("nothing was sent"));
    EXPECT_EQ(shop_->requests().size(), asked);
  }
  ASSERT_TRUE(fakes::wait_for([&] { return adapter_->changes("", {steady_now() + 60s}).has_value(); }));
  EXPECT_GE(steady_now() - began, 2s);
}

TEST_F(BackendFaultsTest, AnAnswerThatCantBeUsedLeavesAWriteUnknownAndAReadBeforeItUndone) {
  shop_->script(
      {.method = "POST", .path = "/admin/products/p0", .does = Does::kActs, .bytes = says("<html>").bytes});
  const auto lost = adapter_->set_listing({"p0", "p0v0"}, Adapter::Listing::kOff, {steady_now() + 60s});
  EXPECT_EQ(lost.result, WriteResult::kUnknown);
  EXPECT_EQ(shop_->catalogue().status_of("p0"), "draft");
  shop_->script({.method = "GET", .path = "/admin/products/p1", .bytes = says("<html>").bytes});
  const auto unsent = adapter_->set_listing({"p1", "p1v0"}, Adapter::Listing::kOff, {steady_now() + 60s});
  EXPECT_EQ(unsent.result, WriteResult::kUnavailable);
  EXPECT_THAT(shop_->catalogue().writes(), SizeIs(1));
}

}  // namespace
}  // namespace vitrine::commerce
