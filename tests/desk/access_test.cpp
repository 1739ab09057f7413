// SPDX-License-Identifier: Apache-2.0
#include "desk/access/access.h"

#include <sys/stat.h>

#include <random>
#include <sodium.h>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "desk/access/bearer.h"
#include "desk/desk_schema.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(Pin, RefusesWhatIsTriedFirst) {
  for (const auto* pin :
       {"777777", "868686",  "947947", "111111",        "123456", "654321",   "890123",      "121212",
        "123123", "520520",  "850817", "170885",        "081785", "19850817", "17081985",    "112233",
        "147258", "5201314", "12345",  "1234567890123", "12345a", "",         "３１４１５９"})
    EXPECT_NE(weakness_of(pin), "") << pin;
  for (const auto* pin : {"314159", "927461", "40718293", "859374625140"})
    EXPECT_EQ(weakness_of(pin), "") << pin;
}

TEST(Pin, LeavesMostPinsToChooseFrom) {
  int weak = 0;
  for (int i = 0; i < 1'000'000; ++i) weak += weakness_of(fmt::format("{:06}", i)).empty() ? 0 : 1;
  EXPECT_LT(weak, 120'000);
}

TEST(PinHasher, KnowsTheRightPinAndTakesAsLongForNobodys) {
  ASSERT_GE(sodium_init(), 0);
  PinHasher hasher;
  const auto hash = hasher.hash("314159");
  ASSERT_TRUE(hash);
  EXPECT_THAT(*hash, testing::StartsWith("$argon2id$v=19$m=65536,t=2,p=1$"));
  EXPECT_THAT(*hash, testing::Not(HasSubstr("314159")));
  EXPECT_EQ(hasher.is_right(*hash, "314159").value(), true);
  EXPECT_EQ(hasher.is_right(*hash, "314158").value(), false);
  EXPECT_NE(*hash, *hasher.hash("314159"));  // salted
  const auto time = [](const auto& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const double known = time([&] { (void)hasher.is_right(*hash, "271828"); });
  const double nobodys = time([&] { EXPECT_TRUE(hasher.waste("271828")); });
  EXPECT_GT(nobodys, known / 4);  // not a look-up
}

TEST(PinHasher, MakesOneHashAtATimeAndSendsTheThirdAway) {
  PinHasher hasher;
  std::atomic<int> busy{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 8; ++i)
    callers.emplace_back([&] {
      const auto hash = hasher.hash("314159");
      if (!hash && hash.error().code == ErrorCode::kRateLimited) ++busy;
    });
  callers.clear();
  EXPECT_GE(busy, 1);
  EXPECT_TRUE(hasher.hash("314159"));
}

TEST(GuessLimiter, GivesThreeAMinuteFiveInTenAndTenAnHour) {
  MediaTime now = hours(5);
  GuessLimiter limiter([&] { return now; });
  const std::vector<std::string> keys = {"a"};
  int passed = 0;
  std::vector<MediaTime> at;
  for (int second = 0; second < 3600; ++second, now += seconds(1))
    if (!limiter.charge(keys)) at.push_back(now - hours(5)), ++passed;
  EXPECT_EQ(passed, 10);
  EXPECT_EQ(at[2], seconds(2));
  EXPECT_EQ(at[3], minutes(1));
  EXPECT_EQ(at[5], minutes(10));
  EXPECT_EQ(limiter.charge(keys), std::nullopt);  // the hour is over
  EXPECT_EQ(limiter.charge(keys), seconds(1));    // of the second guess
}

TEST(GuessLimiter, ARightOneIsNoGuessAndOneKeyIsNotAnother) {
  MediaTime now = hours(5);
  GuessLimiter limiter([&] { return now; });
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(limiter.charge({"a", "b"}));
    limiter.take_back({"a", "b"});
  }
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.charge({"a", "b"}));
  EXPECT_TRUE(limiter.charge({"a", "c"}));
  EXPECT_FALSE(limiter.charge({"c"}));  // nothing was counted for it before
}

TEST(GuessLimiter, ItsMemoryIsBounded) {
  MediaTime now = hours(5);
  GuessLimiter limiter([&] { return now; });
  int passed = 0;
  for (int i = 0; i < 10'000; ++i) passed += limiter.charge({fmt::format("source/{}", i)}) ? 0 : 1;
  EXPECT_LE(passed, 4096);
  now += hours(2);
  EXPECT_FALSE(limiter.charge({"source/new"}));
}

TEST(Pairing, ShowsACodeUntilThereIsATechnician) {
  MediaTime now = hours(5);
  bool has_technician = false;
  Pairing pairing([&] { return now; }, [&] { return has_technician; });
  const auto first = pairing.shown();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->code.size(), 8U);
  EXPECT_EQ(first->role, Role::kTechnician);
  EXPECT_EQ(pairing.shown()->code, first->code);
  now += minutes(10);
  EXPECT_NE(pairing.shown()->code, first->code);
  EXPECT_EQ(pairing.spend(first->code).error().code, ErrorCode::kPermission);
  EXPECT_EQ(pairing.spend(pairing.shown()->code).value(), Role::kTechnician);
  const auto next = pairing.shown();
  has_technician = true;
  EXPECT_FALSE(pairing.shown());
  EXPECT_EQ(pairing.spend(next->code).error().code, ErrorCode::kNotFound);
}

TEST(Pairing, FiveWrongTriesEndACode) {
  MediaTime now = hours(5);
  Pairing pairing([&] { return now; }, [] { return true; });
  EXPECT_FALSE(pairing.shown());
  const auto asked = pairing.ask(Role::kHost);
  const std::string wrong = asked.code == "00000000" ? "00000001" : "00000000";
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(pairing.spend(wrong));
  EXPECT_EQ(pairing.shown()->code, asked.code);
  EXPECT_FALSE(pairing.spend(wrong));
  EXPECT_FALSE(pairing.spend(asked.code));
  EXPECT_FALSE(pairing.shown());
  const auto again = pairing.ask(Role::kHost);
  EXPECT_EQ(pairing.spend(again.code).value(), Role::kHost);
  EXPECT_FALSE(pairing.spend(again.code));  // spent once
  const auto late = pairing.ask(Role::kHost);
  now += minutes(10);
  EXPECT_FALSE(pairing.spend(late.code));
}

/// The door with its tables, and a hand on its clocks.
class AccessDoor : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    access_.reset();
    store_.reset();
    auto store = commerce::Store::open({dir_.path() / "desk", 3, kDeskSchema});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    auto access =
        Access::open({*store_, nullptr, [this] { return now_; }, [this] { return now_.time_since_epoch(); }});
    ASSERT_TRUE(access) << access.error().message;
    access_ = std::move(*access);
    routes_ = access_->routes();
  }
  Result<ApiAnswer> ask(const std::string& method, const std::string& pattern, const json& body,
                        Caller caller, const Visitor& visitor,
                        std::map<std::string, std::string, std::less<>> path = {}) {
    const auto route = std::ranges::find_if(routes_, [&](const Route& each) {
      return each.method == method && each.pattern == "/api/v1" + pattern;
    });
    EXPECT_NE(route, routes_.end()) << pattern;
    ApiRequest request;
    request.caller = std::move(caller);
    request.path = std::move(path);
    request.body = body;
    request.visitor = visitor;
    auto answer = route->handle(request);
    access_->record(request, *route, answer ? answer->status : 400);
    return answer;
  }
  Result<ApiAnswer> log_in(const std::string& account, const std::string& pin, const std::string& source) {
    return ask("POST", "/login", {{"account", account}, {"pin", pin}}, {}, {Visitor::Way::kNetwork, source});
  }
  static std::string bearer_of(const ApiAnswer& answer) {
    const std::string line = answer.headers.at("Set-Cookie");
    const size_t begin = line.find('=') + 1;
    return line.substr(begin, line.find(';') - begin);
  }
  Caller who(const std::string& cookie) {
    return access_->admit({{Visitor::Way::kNetwork, "10.0.0.9"}, "", cookie}, Sessions::Touch::kIsUse)
        ->caller;
  }
  void add(const std::string& id, Role role) {
    const auto made =
        ask("POST", "/accounts", {{"account", id}, {"name", id}, {"role", to_string(role)}, {"pin", kPin}},
            kRoot, {Visitor::Way::kSocket, "uid:0"});
    ASSERT_TRUE(made) << made.error().message;
  }
  [[nodiscard]] fakes::Finished sql(const std::string& statement) const {
    return fakes::run({"sqlite3", (dir_.path() / "desk" / "store.sqlite3").string(), statement});
  }

  static constexpr const char* kPin = "314159";
  const Caller kRoot{"uid:0", "uid:0", Role::kTechnician, ""};
  fakes::TempDir dir_;
  Instant now_ = system_now();
  std::unique_ptr<commerce::Store> store_;
  std::unique_ptr<Access> access_;
  std::vector<Route> routes_;
};

TEST_F(AccessDoor, ASessionLivesTwelveHoursIdleAndSevenDaysAndOverARestart) {
  add("li", Role::kHost);
  const auto answer = log_in("li", kPin, "10.0.0.5");
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_THAT(answer->headers.at("Set-Cookie"),
              testing::AllOf(testing::StartsWith("__Host-vitrine="),
                             HasSubstr("; Path=/; Secure; HttpOnly; SameSite=Strict"),
                             testing::Not(HasSubstr("Domain"))));
  const std::string cookie = bearer_of(*answer);
  EXPECT_EQ(cookie.size(), 43U);
  EXPECT_EQ(who(cookie).account, "li");
  EXPECT_EQ(who(cookie).role, Role::kHost);
  EXPECT_EQ(who(cookie + "A").role, Role::kNone);
  open();
  EXPECT_EQ(who(cookie).account, "li");
  now_ += hours(12) - seconds(1);
  EXPECT_EQ(who(cookie).account, "li");
  now_ += hours(12);
  EXPECT_EQ(who(cookie).role, Role::kNone);
  const std::string kept = bearer_of(*log_in("li", kPin, "10.0.0.5"));
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(who(kept).account, "li") << i;
    now_ += hours(10);
  }
  now_ += hours(9);
  EXPECT_EQ(who(kept).role, Role::kNone);
  EXPECT_THAT(fakes::read_file(dir_.path() / "desk" / "store.sqlite3"), testing::Not(HasSubstr(kept)));
}

TEST_F(AccessDoor, ALookIsNoUse) {
  add("li", Role::kHost);
  const std::string cookie = bearer_of(*log_in("li", kPin, "10.0.0.5"));
  for (int i = 0; i < 13; ++i) {
    (void)access_->admit({{Visitor::Way::kNetwork, "10.0.0.5"}, "", cookie}, Sessions::Touch::kIsLook);
    now_ += hours(1);
  }
  EXPECT_EQ(who(cookie).role, Role::kNone);
}

TEST_F(AccessDoor, TheTwentyFirstSessionEndsTheOneThatWasUsedLeast) {
  add("li", Role::kHost);
  std::vector<std::string> cookies;
  for (int i = 0; i < 21; ++i) {
    cookies.push_back(bearer_of(*log_in("li", kPin, "10.0.0.5")));
    now_ += seconds(1);
    if (i == 5) {
      EXPECT_EQ(who(cookies[0]).account, "li");
    }
  }
  EXPECT_EQ(who(cookies[0]).account, "li");
  EXPECT_EQ(who(cookies[1]).role, Role::kNone);
  EXPECT_EQ(who(cookies[20]).account, "li");
}

TEST_F(AccessDoor, TenThousandGuessesFromTwoHundredSourcesAreFewThatCount) {
  add("li", Role::kOperator);
  const std::string inside = bearer_of(*log_in("li", kPin, "10.0.0.5"));
  std::mt19937 random(7);
  int looked_at = 0;
  int opened = 0;
  const Instant begin = now_;
  for (int i = 0; i < 10'000; ++i) {
    now_ += std::chrono::milliseconds(3600);  // ten hours in all
    const auto answer =
        log_in("li", fmt::format("{:06}", 200'000 + random() % 100'000), fmt::format("10.0.1.{}", i % 200));
    ASSERT_TRUE(answer);
    looked_at += answer->status == 401 ? 1 : 0;
    opened += answer->status == 200 ? 1 : 0;
    if (answer->status == 429) {
      EXPECT_GT(std::stoi(answer->headers.at("Retry-After")), 0);
    }
    if (i % 100 == 0) {
      ASSERT_EQ(who(inside).account, "li") << i;  // who is in stays in
    }
  }
  EXPECT_EQ(now_ - begin, hours(10));
  EXPECT_LE(looked_at, 10 * 10 + 10);
  EXPECT_GE(looked_at, 90);
  EXPECT_EQ(opened, 0);
  // The account is locked for the network now; from where it is in already, its PIN still opens.
  EXPECT_EQ(log_in("li", kPin, "10.0.0.77")->status, 429);
  EXPECT_EQ(log_in("li", kPin, "10.0.0.5")->status, 200);
  // And before the box.
  EXPECT_EQ(
      ask("POST", "/login", {{"account", "li"}, {"pin", kPin}}, {}, {Visitor::Way::kLoopback, "127.0.0.1"})
          ->status,
      200);
}

TEST_F(AccessDoor, AnAccountThatIsNotThereAnswersAsOneThatIs) {
  add("li", Role::kHost);
  const auto known = log_in("li", "271828", "10.0.0.5");
  const auto unknown = log_in("wang", "271828", "10.0.0.6");
  EXPECT_EQ(known->status, 401);
  EXPECT_EQ(known->body, unknown->body);
}

TEST_F(AccessDoor, ANewPinNeedsTheOldOneAndEndsTheOtherSessions) {
  add("li", Role::kHost);
  const std::string here = bearer_of(*log_in("li", kPin, "10.0.0.5"));
  const std::string there = bearer_of(*log_in("li", kPin, "10.0.0.6"));
  const Visitor visitor{Visitor::Way::kNetwork, "10.0.0.5"};
  const auto set = [&](const json& body) {
    return ask("PUT", "/accounts/{account}/pin", body, who(here), visitor, {{"account", "li"}});
  };
  EXPECT_FALSE(set({{"pin", "927461"}}));
  EXPECT_EQ(set({{"pin", "927461"}, {"current_pin", "111111"}})->status, 401);
  const auto weak = set({{"pin", "123456"}, {"current_pin", kPin}});
  ASSERT_FALSE(weak);
  EXPECT_THAT(weak.error().message, testing::Not(HasSubstr("123456")));
  EXPECT_EQ(set({{"pin", "927461"}, {"current_pin", kPin}})->status, 204);
  EXPECT_EQ(who(here).account, "li");
  EXPECT_EQ(who(there).role, Role::kNone);
  EXPECT_EQ(log_in("li", kPin, "10.0.0.6")->status, 401);
  EXPECT_EQ(log_in("li", "927461", "10.0.0.6")->status, 200);
  add("wang", Role::kOperator);
  const std::string other = bearer_of(*log_in("wang", kPin, "10.0.0.7"));
  EXPECT_EQ(
      ask("PUT", "/accounts/{account}/pin", {{"pin", "271829"}}, who(other), visitor, {{"account", "li"}})
          .error()
          .code,
      ErrorCode::kPermission);
}

TEST_F(AccessDoor, TheLastTechnicianStays) {
  add("tech", Role::kTechnician);
  add("li", Role::kHost);
  const Visitor visitor{Visitor::Way::kSocket, "uid:0"};
  EXPECT_EQ(ask("DELETE", "/accounts/{account}", nullptr, kRoot, visitor, {{"account", "tech"}}).error().code,
            ErrorCode::kPermission);
  EXPECT_EQ(ask("PUT", "/accounts/{account}", {{"name", "t"}, {"role", "host"}}, kRoot, visitor,
                {{"account", "tech"}})
                .error()
                .code,
            ErrorCode::kPermission);
  add("tech2", Role::kTechnician);
  const std::string cookie = bearer_of(*log_in("tech", kPin, "10.0.0.5"));
  EXPECT_TRUE(ask("PUT", "/accounts/{account}", {{"name", "t"}, {"role", "host"}}, kRoot, visitor,
                  {{"account", "tech"}}));
  EXPECT_EQ(who(cookie).role, Role::kHost);  // at once
  EXPECT_TRUE(ask("DELETE", "/accounts/{account}", nullptr, kRoot, visitor, {{"account", "tech"}}));
  EXPECT_EQ(who(cookie).role, Role::kNone);
  open();
  EXPECT_EQ(who(cookie).role, Role::kNone);
}

TEST_F(AccessDoor, ATokenIsShownOnceAndEnds) {
  const auto made =
      ask("POST", "/tokens", {{"name", "报表"}, {"role", "service"}, {"scope", "read"}, {"days", 30}}, kRoot,
          {Visitor::Way::kSocket, "uid:0"});
  ASSERT_EQ(made->status, 201);
  const std::string bearer = made->body["token"];
  const auto admit = [&] {
    return access_->admit({{Visitor::Way::kNetwork, "10.0.0.5"}, bearer, ""}, Sessions::Touch::kIsUse);
  };
  ASSERT_TRUE(admit());
  EXPECT_EQ(admit()->caller.role, Role::kService);
  EXPECT_EQ(admit()->may, Access::May::kRead);
  open();
  ASSERT_TRUE(admit());
  EXPECT_THAT(sql(".dump").output, testing::Not(HasSubstr(bearer)));
  EXPECT_THAT(ask("GET", "/tokens", nullptr, kRoot, {})->body.dump(), testing::Not(HasSubstr(bearer)));
  now_ += std::chrono::days(30);
  EXPECT_EQ(admit().error().code, ErrorCode::kAuthRejected);
  now_ -= std::chrono::days(1);
  ASSERT_TRUE(admit());
  EXPECT_EQ(ask("DELETE", "/tokens/{token}", nullptr, kRoot, {}, {{"token", made->body["id"]}})->status, 204);
  EXPECT_FALSE(admit());
}

TEST_F(AccessDoor, TheFirstTechnicianComesWithTheCodeOnTheScreen) {
  const Visitor lan{Visitor::Way::kNetwork, "10.0.0.5"};
  const Visitor kiosk{Visitor::Way::kLoopback, "127.0.0.1"};
  EXPECT_EQ(ask("GET", "/pairing", nullptr, {}, lan)->status, 404);
  const auto shown = ask("GET", "/pairing", nullptr, {}, kiosk)->body;
  const json wish = {{"code", shown["code"]}, {"account", "zhang"}, {"name", "张师傅"}, {"pin", kPin}};
  json weak = wish;
  weak["pin"] = "123456";
  EXPECT_FALSE(ask("POST", "/pairing", weak, {}, lan));  // and the code is not spent by that
  json wrong = wish;
  wrong["code"] = "x";
  EXPECT_EQ(ask("POST", "/pairing", wrong, {}, lan).error().code, ErrorCode::kPermission);
  const auto paired = ask("POST", "/pairing", wish, {}, lan);
  ASSERT_TRUE(paired) << paired.error().message;
  EXPECT_EQ(paired->status, 201);
  EXPECT_EQ(paired->body["role"], "technician");
  EXPECT_EQ(who(bearer_of(*paired)).account, "zhang");
  EXPECT_EQ(ask("GET", "/pairing", nullptr, {}, kiosk)->body["code"], nullptr);
  EXPECT_FALSE(ask("POST", "/pairing", wish, {}, lan));
  const auto begun = ask("POST", "/pairing/code", {{"role", "operator"}}, kRoot, {});
  EXPECT_EQ(begun->status, 201);
  EXPECT_FALSE(begun->body.contains("code"));
  const auto code = ask("GET", "/pairing", nullptr, {}, kiosk)->body["code"];
  const auto second =
      ask("POST", "/pairing", {{"code", code}, {"account", "wu"}, {"name", "吴"}, {"pin", kPin}}, {}, lan);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->body["role"], "operator");
}

TEST_F(AccessDoor, APairingCodeCantBeGuessedByOneSource) {
  int looked_at = 0;
  const Visitor lan{Visitor::Way::kNetwork, "10.0.0.5"};
  for (int i = 0; i < 600; ++i, now_ += seconds(6)) {
    const auto answer =
        ask("POST", "/pairing",
            {{"code", fmt::format("{:08}", i)}, {"account", "x"}, {"name", "x"}, {"pin", kPin}}, {}, lan);
    looked_at += answer ? 0 : 1;
  }
  EXPECT_EQ(looked_at, 10);
}

TEST_F(AccessDoor, TheAuditLogSaysWhoDidWhatAndCantBeChanged) {
  add("li", Role::kHost);
  (void)log_in("li", "271828", "10.0.0.5");
  (void)ask("DELETE", "/sessions/{session}", nullptr, {"li", "li", Role::kHost, "1"},
            {Visitor::Way::kNetwork, "10.0.0.5"}, {{"session", "99"}});
  const std::string rows =
      sql("SELECT account, role, source, method, route, path FROM audit ORDER BY id").output;
  EXPECT_EQ(rows,
            "uid:0|technician|uid:0|POST|/api/v1/accounts|{}\n"
            "|none|10.0.0.5|POST|/api/v1/login|{\"account\":\"li\"}\n"
            "li|host|10.0.0.5|DELETE|/api/v1/sessions/{session}|{\"session\":\"99\"}\n");
  for (const auto* statement :
       {"UPDATE audit SET account = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1",
        "INSERT OR REPLACE INTO audit VALUES(1, 1, 'x', 'x', 'x', 'x', 'x', 'x', 1)",
        "REPLACE INTO audit SELECT id, at, 'x', role, source, method, route, path, status FROM audit WHERE "
        "id = 2"}) {
    const auto tried = sql(statement);
    EXPECT_NE(tried.exit_code, 0) << statement;
    EXPECT_THAT(tried.errors + tried.output, HasSubstr("only added to")) << statement;
  }
  EXPECT_EQ(sql("SELECT account, role, source, method, route, path FROM audit ORDER BY id").output, rows);
  EXPECT_THAT(sql(".dump").output, testing::Not(testing::AnyOf(HasSubstr("271828"), HasSubstr(kPin))));
}

TEST_F(AccessDoor, StrangersDontFillTheAuditLog) {
  for (int i = 0; i < 200; ++i) (void)log_in("nobody", "271828", "10.0.0.5");
  const int rows = std::stoi(sql("SELECT count(*) FROM audit").output);
  EXPECT_GE(rows, 3);
  EXPECT_LE(rows, 30);
}

TEST_F(AccessDoor, OverTheNetworkTheAccountsAreForWhoIsIn) {
  add("li", Role::kHost);
  EXPECT_EQ(ask("GET", "/accounts", nullptr, {}, {Visitor::Way::kNetwork, "10.0.0.5"})->status, 401);
  const auto listed = ask("GET", "/accounts", nullptr, {}, {Visitor::Way::kLoopback, "127.0.0.1"});
  EXPECT_EQ(listed->body["accounts"], json::parse(R"([{"id":"li","name":"li","role":"host"}])"));
}

TEST_F(AccessDoor, OneSeesAndEndsOnlyOnesOwnSessions) {
  add("li", Role::kHost);
  add("wang", Role::kHost);
  const std::string li = bearer_of(*log_in("li", kPin, "10.0.0.5"));
  const std::string wang = bearer_of(*log_in("wang", kPin, "10.0.0.6"));
  const auto listed = ask("GET", "/sessions", nullptr, who(li), {});
  ASSERT_EQ(listed->body["sessions"].size(), 1U);
  EXPECT_EQ(listed->body["sessions"][0]["is_this"], true);
  EXPECT_EQ(ask("DELETE", "/sessions/{session}", nullptr, who(li), {}, {{"session", who(wang).session}})
                .error()
                .code,
            ErrorCode::kNotFound);
  EXPECT_EQ(who(wang).account, "wang");
  EXPECT_EQ(
      ask("DELETE", "/sessions/{session}", nullptr, kRoot, {}, {{"session", who(wang).session}})->status,
      204);
  EXPECT_EQ(who(wang).role, Role::kNone);
}

class DeviceCertificates : public testing::Test {
 protected:
  std::string openssl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "openssl");
    const auto ran = fakes::run(arguments);
    return ran.output + ran.errors;
  }
  [[nodiscard]] std::filesystem::path directory() const { return dir_.path() / "tls"; }
  [[nodiscard]] std::string device() const { return (directory() / "device.pem").string(); }
  [[nodiscard]] std::string authority() const { return (directory() / "authority.pem").string(); }
  fakes::TempDir dir_;
  const Instant now_ = system_now();
};

TEST_F(DeviceCertificates, OpensslTakesTheChainAndFindsTheNames) {
  const auto made =
      DeviceCertificate::open(directory(), {"192.168.1.7", "fd00::7", "localhost", "vitrine.local"}, now_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(openssl({"verify", "-x509_strict", "-CAfile", authority(), "-verify_hostname", "vitrine.local",
                       device()}),
              HasSubstr(": OK"));
  EXPECT_THAT(
      openssl({"verify", "-x509_strict", "-CAfile", authority(), "-verify_ip", "192.168.1.7", device()}),
      HasSubstr(": OK"));
  EXPECT_THAT(
      openssl({"verify", "-x509_strict", "-CAfile", authority(), "-verify_ip", "192.168.1.8", device()}),
      HasSubstr("mismatch"));
  const std::string text = openssl({"x509", "-in", device(), "-noout", "-text", "-fingerprint", "-sha256"});
  EXPECT_THAT(
      text, testing::AllOf(HasSubstr("prime256v1"), HasSubstr("ecdsa-with-SHA256"), HasSubstr("CA:FALSE"),
                           HasSubstr("TLS Web Server Authentication"), HasSubstr((*made)->device().sha256)));
  EXPECT_EQ((*made)->device().valid_until, std::chrono::floor<seconds>(now_ + std::chrono::days(90)));
  for (const auto& file : {device(), authority()}) {
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << file;
  }
}

TEST_F(DeviceCertificates, IsMadeAnewThirtyDaysEarlyAndForOtherNamesOnly) {
  const auto made = DeviceCertificate::open(directory(), {"vitrine.local"}, now_);
  ASSERT_TRUE(made);
  const auto first = (*made)->device().sha256;
  const auto authority = (*made)->authority().sha256;
  using Renewal = DeviceCertificate::Renewal;
  EXPECT_EQ((*made)->renew_if_due({"vitrine.local"}, now_ + std::chrono::days(59)).value(), Renewal::kNotDue);
  EXPECT_EQ((*made)->device().sha256, first);
  EXPECT_EQ((*made)->renew_if_due({"vitrine.local"}, now_ + std::chrono::days(60)).value(),
            Renewal::kNewCertificate);
  EXPECT_NE((*made)->device().sha256, first);
  EXPECT_EQ((*made)->renew_if_due({"10.0.0.5", "vitrine.local"}, now_ + std::chrono::days(60)).value(),
            Renewal::kNewCertificate);
  EXPECT_EQ((*made)->authority().sha256, authority);  // a private address is nothing new to it
  const auto again =
      DeviceCertificate::open(directory(), {"10.0.0.5", "vitrine.local"}, now_ + std::chrono::days(60));
  EXPECT_EQ((*again)->device().sha256, (*made)->device().sha256);
  EXPECT_EQ((*again)->authority().sha256, authority);
  // A name that it may not sign for needs another authority.
  EXPECT_EQ((*made)->renew_if_due({"shop.example"}, now_ + std::chrono::days(60)).value(),
            Renewal::kNewCertificate);
  EXPECT_NE((*made)->authority().sha256, authority);
  EXPECT_THAT(openssl({"verify", "-attime",
                       std::to_string(std::chrono::system_clock::to_time_t(now_ + std::chrono::days(61))),
                       "-CAfile", this->authority(), "-verify_hostname", "shop.example", device()}),
              HasSubstr(": OK"));
}

TEST_F(DeviceCertificates, TheAuthorityCantSpeakForTheInternet) {
  ASSERT_TRUE(DeviceCertificate::open(directory(), {"vitrine.local"}, now_));
  dir_.write("san.txt", "subjectAltName=DNS:bank.example\n");
  const std::string key = (dir_.path() / "k.pem").string();
  const std::string request = (dir_.path() / "r.pem").string();
  const std::string forged = (dir_.path() / "f.pem").string();
  openssl({"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
           "-out", request, "-subj", "/CN=x"});
  openssl({"x509", "-req", "-in", request, "-CA", authority(), "-CAkey", authority(), "-CAcreateserial",
           "-days", "9", "-out", forged, "-extfile", (dir_.path() / "san.txt").string()});
  EXPECT_THAT(openssl({"verify", "-CAfile", authority(), "-verify_hostname", "bank.example", forged}),
              HasSubstr("permitted subtree violation"));
}

TEST_F(DeviceCertificates, ADamagedFileIsMadeAnew) {
  const auto first = DeviceCertificate::open(directory(), {"vitrine.local"}, now_);
  ASSERT_TRUE(first);
  std::ofstream(device()) << "-----BEGIN PRIVATE KEY-----\n";
  const auto second = DeviceCertificate::open(directory(), {"vitrine.local"}, now_);
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->authority().sha256, (*first)->authority().sha256);
  EXPECT_THAT(openssl({"verify", "-CAfile", authority(), device()}), HasSubstr(": OK"));
}

TEST_F(DeviceCertificates, ForAllAddressesItNamesThoseThatThisBoxHas) {
  const auto names = names_of({{"0.0.0.0", 8443}}, {"vitrine.local"});
  EXPECT_THAT(names, testing::IsSupersetOf({"127.0.0.1", "localhost", "vitrine.local"}));
  EXPECT_THAT(names_of({{"192.168.1.7", 8443}}, {}), testing::ElementsAre("192.168.1.7", "localhost"));
}

}  // namespace
}  // namespace vitrine::desk
