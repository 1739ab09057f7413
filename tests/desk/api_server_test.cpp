// SPDX-License-Identifier: Apache-2.0
// The server as its clients meet it: curl, openssl, pages of other sites, and people who mean it harm.
#include "desk/api/api_server.h"

#include <arpa/inet.h>
#include <sys/stat.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "desk/api/openapi.h"
#include "desk/api/problem.h"
#include "tests/desk/api_bench.h"
#include "tests/desk/route_matrix.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Api = ApiBench;

TEST_F(Api, CurlLogsInReadsAndLogsOut) {
  add_account("li", Role::kOperator);
  const std::string jar = (dir_.path() / "jar").string();
  const std::string base = fmt::format("http://localhost:{}", port_);
  const auto curl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"curl", "-sS", "-b", jar, "-c", jar, "-w", "\n%{http_code}", "-H", "Origin: " + base});
    return fakes::run(arguments).output;
  };
  const std::string login = base + "/api/v1/login";
  EXPECT_THAT(curl({base + "/api/v1/me"}), testing::EndsWith("\n401"));
  EXPECT_THAT(curl({"--json", R"({"account":"li","pin":"271828"})", login}), testing::EndsWith("\n401"));
  EXPECT_THAT(curl({"--json", R"({"account":"li","pin":"314159"})", login}), testing::EndsWith("\n200"));
  EXPECT_THAT(curl({base + "/api/v1/me"}), AllOf(HasSubstr(R"("account":"li")"), testing::EndsWith("\n200")));
  EXPECT_THAT(curl({"--json", R"({"a":1})", base + "/api/v1/things"}), HasSubstr(R"("body":{"a":1})"));
  EXPECT_THAT(curl({"-X", "POST", base + "/api/v1/logout"}), testing::EndsWith("\n204"));
  EXPECT_THAT(curl({base + "/api/v1/me"}), testing::EndsWith("\n401"));
}

TEST_F(Api, OverTheSocketCurlIsATechnician) {
  const auto ran =
      fakes::run({"curl", "-sS", "--unix-socket", socket_path().string(), "http://localhost/api/v1/me"});
  EXPECT_EQ(json::parse(ran.output)["role"], "technician");
  EXPECT_EQ(json::parse(ran.output)["account"], fmt::format("uid:{}", ::getuid()));
  struct stat status {};
  ASSERT_EQ(::stat(socket_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660U);
}

TEST_F(Api, ASecondServerFindsTheSocketTakenAndADeadOnesLeftoverIsReplaced) {
  const auto second = ApiServer::start({{socket_path(), {}, {}, {}, {}}, {}, *access_, nullptr});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kDeviceBusy);
  const auto copy = dir_.path() / "left.sock";
  {
    const UniqueFd left(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, copy.c_str());
    ASSERT_EQ(::bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  const auto third = ApiServer::start({{copy, {}, {}, {}, {}}, {}, *access_, nullptr});
  ASSERT_TRUE(third) << third.error().message;
}

TEST_F(Api, SpeaksInClearOnLoopbackOnly) {
  const auto started = ApiServer::start({{{}, {{"0.0.0.0", 0}}, {}, {}, {}}, {}, *access_, nullptr});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kInvalidInput);
}

TEST_F(Api, EveryRouteLetsInWhomTheTableNamesAndNobodyElse) {
  std::map<Role, std::string> tokens;
  for (const Role role : all_roles()) tokens[role] = token_of(role);
  const auto wrong =
      wrong_doors(server_->routes(), [&](const Route& route, const std::string& target, HeaderList headers,
                                         const std::string& body, std::optional<Role> role) {
        headers.emplace_back("Host", host());
        headers.emplace_back("Origin", origin());
        if (role) headers.emplace_back("Authorization", "Bearer " + tokens.at(*role));
        return call(port_, route.method, target, headers, body);
      });
  EXPECT_THAT(wrong, IsEmpty());
  EXPECT_GE(server_->routes().size(), 25U);
}

TEST_F(Api, ASessionThatIsOverOrWasNeverThereOpensNothing) {
  add_account("tech", Role::kTechnician);
  const std::string cookie = cookie_of(log_in("tech", kPin));
  EXPECT_EQ(as_page("GET", "/api/v1/audit", nullptr, cookie).status, 200);
  ahead_ = std::chrono::hours(13);
  const int before = handled_;
  for (const auto& route : server_->routes()) {
    if (route.allowed.allow(Role::kNone)) continue;
    for (const std::string& dead :
         {cookie, std::string("__Host-vitrine=x"), cookie + "x", std::string("vitrine=1")})
      EXPECT_EQ(as_page(route.method, target_of(route), nullptr, dead).status, 401) << route.pattern;
    EXPECT_EQ(
        call(port_, route.method, target_of(route), {{"Host", host()}, {"Authorization", "Bearer x"}}).status,
        401);
  }
  EXPECT_EQ(handled_, before);
}

TEST_F(Api, AReadersTokenChangesNothing) {
  const std::string token = token_of(Role::kTechnician, "read");
  for (const auto& route : server_->routes()) {
    const auto reply =
        call(port_, route.method, target_of(route), {{"Host", host()}, {"Authorization", "Bearer " + token}});
    if (route.method == "GET") {
      EXPECT_THAT(reply.status, AnyOf(200, 404, 426)) << route.pattern;
    } else if (!route.allowed.allow(Role::kNone)) {
      EXPECT_EQ(reply.status, 403) << route.pattern;
    }
  }
}

/// Host, Origin, Sec-Fetch-Site and others that a browser sends from a page that is not ours, or a rebound
/// name, or that somebody makes up.
std::vector<std::pair<std::string, HeaderList>> hostile_heads(const std::string& host,
                                                              const std::string& origin, int port) {
  const std::string at = fmt::format(":{}", port);
  std::vector<std::pair<std::string, HeaderList>> heads;
  for (const std::string& wrong : {"evil.example" + at,
                                   "127.0.0.1.evil.example" + at,
                                   "localhost.evil.example" + at,
                                   "vitrine.local.evil.example" + at,
                                   "127.0.0.2" + at,
                                   "0.0.0.0" + at,
                                   "[::1]" + at,
                                   "[::ffff:127.0.0.1]" + at,
                                   "0x7f000001" + at,
                                   "2130706433" + at,
                                   "127.1" + at,
                                   "0177.0.0.1" + at,
                                   "user@127.0.0.1" + at,
                                   host + "@evil.example",
                                   host + ".evil.example",
                                   std::string("169.254.169.254"),
                                   std::string("127.0.0.1:999999"),
                                   std::string("127.0.0.1:"),
                                   std::string("127.0.0.1:80:80"),
                                   std::string("*"),
                                   std::string("vitrine.local."),
                                   std::string("[127.0.0.1"),
                                   std::string("evil.example 127.0.0.1"),
                                   std::string("")}) {
    heads.push_back({"Host " + wrong, {{"Host", wrong}, {"Origin", "http://" + wrong}}});
    heads.push_back({"Host " + wrong + ", our Origin", {{"Host", wrong}, {"Origin", origin}}});
  }
  for (const std::string& wrong :
       {std::string("http://evil.example"), std::string("null"), "https://" + host,
        std::string("http://127.0.0.1"), std::string("http://127.0.0.1:1"), "http://localhost" + at,
        origin + ".evil.example", origin + "/", "http://evil.example@" + host, std::string("file://"),
        std::string(""), std::string("chrome-extension://abcdefgh"), "http://[::1]" + at,
        origin + " http://evil.example", "http://vitrine.local" + at, "ws://" + host, host})
    heads.push_back(
        {"Origin " + wrong, {{"Host", host}, {"Origin", wrong}, {"Sec-Fetch-Site", "same-origin"}}});
  for (const std::string site :
       {"cross-site", "same-site", "Same-Origin", "", "garbage", "none, same-origin"})
    heads.push_back(
        {"Sec-Fetch-Site " + site, {{"Host", host}, {"Origin", origin}, {"Sec-Fetch-Site", site}}});
  heads.push_back({"no Host", {{"Origin", origin}}});
  heads.push_back({"two Hosts", {{"Host", host}, {"Host", "evil.example"}, {"Origin", origin}}});
  heads.push_back({"two Hosts, alike", {{"Host", host}, {"Host", host}, {"Origin", origin}}});
  heads.push_back({"two Origins", {{"Host", host}, {"Origin", origin}, {"Origin", "http://evil.example"}}});
  heads.push_back({"a proxy's word",
                   {{"Host", "evil.example"},
                    {"Origin", "http://evil.example"},
                    {"X-Forwarded-Host", host},
                    {"X-Forwarded-For", "127.0.0.1"},
                    {"Forwarded", "host=" + host},
                    {"X-Real-IP", "127.0.0.1"}}});
  return heads;
}

TEST_F(Api, NoPageOfAnotherSiteGetsAnythingFromAnyRoute) {
  add_account("tech", Role::kTechnician);
  const std::string cookie = cookie_of(log_in("tech", kPin));
  const auto heads = hostile_heads(host(), origin(), port_);
  EXPECT_GE(heads.size(), 40U);
  const int before = handled_;
  int tried = 0;
  for (const auto& route : server_->routes()) {
    for (auto [name, headers] : heads) {
      headers.emplace_back("Cookie", cookie);
      if (!route.takes.schema.is_null()) headers.emplace_back("Content-Type", "application/json");
      const auto reply =
          call(port_, route.method, target_of(route), headers, route.takes.schema.is_null() ? "" : "{}");
      ++tried;
      EXPECT_THAT(reply.status, AnyOf(400, 403, 421))
          << route.method << " " << route.pattern << " with " << name;
      EXPECT_EQ(reply.header("access-control-allow-origin"), "");
    }
  }
  EXPECT_EQ(handled_, before);
  RecordProperty("hostile_requests", tried);
  EXPECT_EQ(as_page("GET", "/api/v1/me", nullptr, cookie).status, 200);  // and with our own it works
}

TEST_F(Api, AChangeNeedsAnOriginUnlessATokenOrTheSocketVouchesForIt) {
  add_account("li", Role::kOperator);
  const std::string cookie = cookie_of(log_in("li", kPin));
  const std::string token = token_of(Role::kOperator);
  const auto post = [&](HeaderList headers) {
    headers.insert(headers.end(), {{"Host", host()}, {"Content-Type", "application/json"}});
    return call(port_, "POST", "/api/v1/things", headers, "{}").status;
  };
  EXPECT_EQ(post({{"Cookie", cookie}}), 403);
  EXPECT_EQ(post({}), 403);
  EXPECT_EQ(post({{"Cookie", cookie}, {"Origin", origin()}}), 200);
  EXPECT_EQ(post({{"Authorization", "Bearer " + token}}), 200);
  EXPECT_EQ(post({{"Authorization", "Bearer " + token}, {"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(post({{"Authorization", "Bearer " + token}, {"Cookie", cookie}, {"Origin", origin()}}), 400);
  EXPECT_EQ(post({{"Authorization", "Basic bGk6MzE0MTU5"}}), 401);
  EXPECT_EQ(
      call(port_, "POST", "/api/v1/login", {{"Host", host()}, {"Content-Type", "application/json"}}, "{}")
          .status,
      403);
}

TEST_F(Api, ByTheNamesItWasGivenItAnswers) {
  for (const std::string name :
       {"localhost", "LOCALHOST", "vitrine.local", "127.0.0.1", "vitrine.local:1234"})
    EXPECT_EQ(call(port_, "GET", "/api/v1/device", {{"Host", name}}).status, 200) << name;
}

TEST_F(Api, EveryAnswerHasTheHeadersThatKeepAPageIn) {
  for (const auto& reply :
       {as_page("GET", "/api/v1/device"), as_page("GET", "/api/v1/me"), as_page("GET", "/nothing"),
        as_technician("POST", "/api/v1/broken"), send_raw(port_, "rubbish\r\n\r\n"),
        call(port_, "GET", "/", {{"Host", "evil.example"}})}) {
    EXPECT_EQ(reply.header("x-content-type-options"), "nosniff") << reply.status;
    EXPECT_EQ(reply.header("referrer-policy"), "no-referrer");
    EXPECT_EQ(reply.header("cache-control"), "no-store");
    EXPECT_EQ(reply.header("cross-origin-opener-policy"), "same-origin");
    EXPECT_EQ(reply.header("cross-origin-resource-policy"), "same-origin");
    EXPECT_THAT(reply.header("content-security-policy"),
                AllOf(HasSubstr("default-src 'none'"), HasSubstr("frame-ancestors 'none'")));
    EXPECT_EQ(reply.header("server"), "");
  }
}

TEST_F(Api, RefusalsAreProblemDetails) {
  const auto wrong = as_technician("DELETE", "/api/v1/things/x");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.header("content-type"), "application/problem+json");
  EXPECT_EQ(wrong.json()["code"], "invalid_input");
  EXPECT_EQ(wrong.json()["status"], 400);
  EXPECT_EQ(wrong.json()["title_zh"], "内容有误，未被接受");
  EXPECT_EQ(wrong.json()["problems"],
            json::parse(R"([{"where":"thing","found":"\"x\"","allowed":"one that can be removed"}])"));
  const auto broken = as_technician("POST", "/api/v1/broken");
  EXPECT_EQ(broken.status, 500);
  EXPECT_THAT(broken.body, Not(HasSubstr("secret")));
  const auto method = as_technician("DELETE", "/api/v1/login");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("allow"), "POST");
  EXPECT_EQ(as_technician("PUT", "/api/v1/things/a").header("allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(as_technician("OPTIONS", "/api/v1/login").status, 405);
  EXPECT_EQ(as_technician("GET", "/api/v1/nothing").status, 404);
}

TEST_F(Api, EveryErrorCodeHasAStatusAndTwoTitles) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kWorkerDied); ++code) {
    const Error error{static_cast<ErrorCode>(code), "why"};
    const auto answer = problem(error);
    EXPECT_GE(answer.status, 400);
    EXPECT_EQ(answer.body["code"], to_string(error.code));
    EXPECT_FALSE(answer.body["title"].get<std::string>().empty());
    EXPECT_FALSE(answer.body["title_zh"].get<std::string>().empty());
  }
}

TEST_F(Api, PathsAndQueriesAreDecodedOrRefused) {
  const auto get = [&](const std::string& target) { return as_technician("GET", target); };
  EXPECT_EQ(get("/api/v1/things/%E6%9C%88%20x?limit=5&word=a%2Fb+c").json()["path"]["thing"], "月 x");
  EXPECT_EQ(get("/api/v1/things/a?limit=5&word=a%2Fb+c").json()["query"],
            json::parse(R"({"limit":"5","word":"a/b c"})"));
  EXPECT_EQ(get("/api/v1/things/best").json()["best"], true);
  for (const std::string target :
       {"/api/v1/things/%2e%2e", "/api/v1/things/..", "/api/v1/things/a%2fb", "/api/v1/things/a%5cb",
        "/api/v1/things/%00", "/api/v1/things/%ff", "/api/v1/things/%", "/api/v1/things/",
        "/api/v1/things/a/", "//api/v1/things/a", "/api/v1/things/%E2%80%AEx", "/api/v1/things/a%0ab",
        "/api/v1/../v1/me", "/API/v1/me"})
    EXPECT_EQ(get(target).status, 404) << target;
  for (const std::string target :
       {"/api/v1/things/a?x=1", "/api/v1/things/a?limit=1&limit=2", "/api/v1/things/a?limit=%zz",
        "/api/v1/things/a?=1", "/api/v1/me?x", "http://localhost/api/v1/me", "*", "/api/v1/me#x"})
    EXPECT_EQ(get(target).status, 400) << target;
  EXPECT_EQ(get("/api/v1/things/" + std::string(3000, 'a')).status, 400);
  const auto head = as_technician("HEAD", "/api/v1/things/best");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "13");
  EXPECT_EQ(head.body, "");
}

TEST_F(Api, BodiesAreJsonWithinTheirLimitOrRefused) {
  const auto post = [&](const std::string& body, const std::string& type) {
    return call(socket_path(), "POST", "/api/v1/things", {{"Host", "localhost"}, {"Content-Type", type}},
                body)
        .status;
  };
  EXPECT_EQ(post(R"({"a":1})", "application/json"), 200);
  EXPECT_EQ(post(R"({"a":1})", "application/json; charset=utf-8"), 200);
  for (const std::string type : {"text/plain", "application/x-www-form-urlencoded",
                                 "multipart/form-data; boundary=x", "", "application/jsonx"})
    EXPECT_EQ(post("{}", type), 415) << type;
  for (const std::string body : {"", "[]", "1", "{", R"({"a":1,"a":2})", "{\"a\":\"\xff\"}", "{} {}"})
    EXPECT_EQ(post(body, "application/json"), 400) << body;
  EXPECT_EQ(post("{\"a\":\"" + std::string(1000, 'x') + "\"}", "application/json"), 413);
  EXPECT_EQ(call(socket_path(), "DELETE", "/api/v1/things/x", {{"Host", "localhost"}}, "body").status, 413);
  const auto photo =
      call(socket_path(), "PUT", "/api/v1/things/7/photo",
           {{"Host", "localhost"}, {"Content-Type", "image/PNG"}}, std::string(3'000'000, 'p'));
  EXPECT_EQ(photo.json()["upload_bytes"], 3'000'000);
  EXPECT_EQ(photo.json()["upload_type"], "image/png");
  EXPECT_EQ(call(socket_path(), "PUT", "/api/v1/things/7/photo", {{"Host", "localhost"}},
                 std::string(5'000'000, 'p'))
                .status,
            413);
  // Curl waits for "100 Continue" with a body of this size.
  dir_.write("photo.png", std::string(2'000'000, 'p'));
  const auto ran =
      fakes::run({"curl", "-sS", "--unix-socket", socket_path().string(), "-H", "Expect: 100-continue", "-T",
                  (dir_.path() / "photo.png").string(), "http://localhost/api/v1/things/7/photo"});
  EXPECT_THAT(ran.output, HasSubstr("\"upload_bytes\":2000000"));
}

TEST_F(Api, RequestsThatTwoReadersWouldReadDifferentlyAreRefused) {
  const std::string smuggled = "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string post =
      "POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const int before = handled_;
  const std::vector<std::pair<std::string, std::string>> shapes = {
      {"CL.TE", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled},
      {"TE.CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + smuggled},
      {"two lengths", post + "Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + smuggled},
      {"two lengths alike", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + smuggled},
      {"a list of lengths", post + "Content-Length: 2, 2\r\n\r\n{}" + smuggled},
      {"a signed length", post + "Content-Length: +2\r\n\r\n{}" + smuggled},
      {"a negative length", post + "Content-Length: -2\r\n\r\n{}" + smuggled},
      {"a hexadecimal length", post + "Content-Length: 0x2\r\n\r\n{}" + smuggled},
      {"a huge length", post + "Content-Length: 99999999999999999999\r\n\r\n{}" + smuggled},
      {"a wrapped length", post + "Content-Length: 18446744073709551618\r\n\r\n{}" + smuggled},
      {"a length with a blank", post + "Content-Length : 2\r\n\r\n{}" + smuggled},
      {"chunked", post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
      {"a chunked that is none", post + "Transfer-Encoding: xchunked\r\n\r\n{}"},
      {"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
      {"chunked with a tab", post + "Transfer-Encoding:\tchunked\r\nContent-Length: 2\r\n\r\n{}"},
      {"a folded line",
       "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nX: a\r\n Content-Length: 5\r\nTransfer-Encoding: "
       "chunked\r\n\r\n"},
      {"no name", "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n"},
      {"a bare line feed", "POST /api/v1/things HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n{}"},
      {"a carriage return in a value",
       "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nX: a\rHost: evil\r\n\r\n"},
      {"a zero in a value",
       std::string("GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nX: a") + '\0' + "b\r\n\r\n"},
      {"a target with a blank", "GET /api/v1/me x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"HTTP/1.0", "GET /api/v1/me HTTP/1.0\r\nHost: localhost\r\n\r\n"},
      {"HTTP/0.9", "GET /api/v1/me\r\n\r\n"},
      {"HTTP/2's words", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"another protocol", "\x16\x03\x01\x02\x01\r\n\r\n"},
      {"CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"TRACE", "TRACE /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n"}};
  for (const auto& [name, bytes] : shapes) {
    const auto reply = send_raw(socket_path(), bytes);
    EXPECT_THAT(reply.status, AnyOf(400, 405, 411, 505)) << name << ": " << reply.body;
    EXPECT_THAT(reply.body, Not(HasSubstr("\r\n\r\n"))) << name << " was answered twice";
  }
  EXPECT_EQ(handled_, before);
}

TEST_F(Api, GiantHeadersAreRefused) {
  const std::string head = "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(send_raw(socket_path(), head + "X: " + std::string(6'000, 'x') + "\r\nConnection: close\r\n\r\n")
                .status,
            200);
  EXPECT_EQ(send_raw(socket_path(), head + "X: " + std::string(9'000, 'x') + "\r\n\r\n").status, 431);
  std::string many = head;
  for (int i = 0; i < 2'000; ++i) many += fmt::format("X{}: y\r\n", i);
  EXPECT_EQ(send_raw(socket_path(), many + "\r\n").status, 431);
  EXPECT_EQ(send_raw(socket_path(), "GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\n\r\n").status, 431);
}

TEST_F(Api, WhoDripsARequestIsCutOffAndTheOthersAreServed) {
  start({.request = std::chrono::milliseconds(1000)});
  std::vector<UniqueFd> slow;
  for (int i = 0; i < 20; ++i) slow.push_back(fakes::connect_to_loopback(port_));
  const auto begin = std::chrono::steady_clock::now();
  const std::string text = fmt::format("GET /api/v1/device HTTP/1.1\r\nHost: {}\r\n", host());
  size_t at = 0;
  size_t open = slow.size();
  while (open > 0 && std::chrono::steady_clock::now() - begin < std::chrono::seconds(30)) {
    const std::string byte = at < text.size() ? text.substr(at, 1) : "x";
    ++at;
    open = 0;
    for (auto& fd : slow) {
      std::array<char, 64> ignored;
      if (!fd.is_open()) continue;
      (void)::send(fd.get(), byte.data(), 1, MSG_NOSIGNAL);
      if (::recv(fd.get(), ignored.data(), ignored.size(), MSG_DONTWAIT) != -1 || errno != EAGAIN)
        fd.reset();
      else
        ++open;
    }
    EXPECT_EQ(as_page("GET", "/api/v1/device").status, 200);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(open, 0U);
  EXPECT_TRUE(fakes::wait_for([&] { return server_->load().connections == 0; }));
}

TEST_F(Api, OfThreeHundredConnectionsTheLastAreTurnedAwayAndComeInWhenThereIsRoom) {
  std::vector<UniqueFd> held;
  for (int i = 0; i < 300; ++i) held.push_back(fakes::connect_to_loopback(port_));
  ASSERT_TRUE(fakes::wait_for([&] { return server_->load().connections == 256; }));
  const auto full = parse_reply(read_to_the_end(held.back().get()));
  EXPECT_EQ(full.status, 503);
  held.clear();
  ASSERT_TRUE(fakes::wait_for([&] { return server_->load().connections == 0; }));
  EXPECT_EQ(as_page("GET", "/api/v1/device").status, 200);
}

TEST_F(Api, OneConnectionServesManyRequestsAlsoWhenTheyComeTogether) {
  const UniqueFd fd = connect_to(socket_path());
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += fmt::format("GET /api/v1/things/{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", i,
                        i == 49 ? "Connection: close\r\n" : "");
  ASSERT_EQ(::send(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  const std::string all = read_to_the_end(fd.get());
  size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = all.find(fmt::format("\"thing\":\"{}\"", i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(Api, EveryChangeIsInTheAuditLogWithWhoAndHowItEnded) {
  add_account("li", Role::kHost);
  const std::string cookie = cookie_of(log_in("li", kPin));
  EXPECT_EQ(as_page("DELETE", "/api/v1/things/7", nullptr, cookie).status, 403);
  EXPECT_EQ(as_technician("DELETE", "/api/v1/things/8").status, 400);
  EXPECT_EQ(as_page("GET", "/api/v1/things/9", nullptr, cookie).status, 200);
  const auto entries = as_technician("GET", "/api/v1/audit?limit=2").json();
  EXPECT_EQ(entries["entries"][0]["account"], fmt::format("uid:{}", ::getuid()));
  EXPECT_EQ(entries["entries"][0]["route"], "/api/v1/things/{thing}");
  EXPECT_EQ(entries["entries"][0]["path"]["thing"], "8");
  EXPECT_EQ(entries["entries"][0]["status"], 400);
  EXPECT_EQ(entries["entries"][1]["account"], "li");
  EXPECT_EQ(entries["entries"][1]["status"], 403);
  const auto older =
      as_technician("GET", fmt::format("/api/v1/audit?before={}", entries["next"].get<int64_t>())).json();
  EXPECT_EQ(older["entries"][0]["route"], "/api/v1/login");
  EXPECT_EQ(older["entries"][0]["status"], 200);
  EXPECT_EQ(as_technician("GET", "/api/v1/audit?limit=0").status, 400);
}

TEST_F(Api, TheDocumentHasEveryRouteWithItsParametersAndRoles) {
  const auto document = as_page("GET", "/api/v1/openapi.json").json();
  EXPECT_EQ(document["openapi"], "3.1.0");
  std::set<std::string> ids;
  size_t operations = 0;
  for (const auto& [path, methods] : document["paths"].items()) operations += methods.size();
  EXPECT_EQ(operations, server_->routes().size());
  for (const auto& route : server_->routes()) {
    std::string method = route.method;
    std::ranges::transform(method, method.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    ASSERT_TRUE(document["paths"].contains(route.pattern)) << route.pattern;
    const auto& operation = document["paths"][route.pattern][method];
    EXPECT_TRUE(ids.insert(operation["operationId"]).second) << operation["operationId"];
    EXPECT_FALSE(operation["summary"].get<std::string>().empty());
    EXPECT_EQ(operation["x-roles"], role_names(route.allowed));
    EXPECT_TRUE(operation["responses"].contains("default"));
    std::set<std::string> declared;
    for (const auto& parameter : operation["parameters"])
      if (parameter["in"] == "path" && parameter["required"] == true) declared.insert(parameter["name"]);
    std::set<std::string> named;
    for (const auto& segment : segments_of(route.pattern))
      if (!name_of_segment(segment).empty()) named.emplace(name_of_segment(segment));
    EXPECT_EQ(declared, named) << route.pattern;
    EXPECT_EQ(operation.contains("requestBody"),
              !route.takes.schema.is_null() || !route.takes.upload.empty());
  }
}

TEST(RouterTable, ATableThatContradictsItselfIsRefused) {
  const auto route = [](const std::string& method, const std::string& pattern) {
    return Route{
        method, pattern, kStaff, "x", [](const ApiRequest&) -> Result<ApiAnswer> { return ApiAnswer{}; },
        {},     {}};
  };
  EXPECT_TRUE(Router::create(
      {route("GET", "/api/v1/a/{b}"), route("PUT", "/api/v1/a/{b}"), route("GET", "/api/v1/a/b")}));
  EXPECT_FALSE(Router::create({route("GET", "/api/v1/a"), route("GET", "/api/v1/a")}));
  EXPECT_FALSE(Router::create({route("GET", "/api/v1/a/{b}"), route("PUT", "/api/v1/a/{c}")}));
  EXPECT_FALSE(Router::create({route("GET", "/api/v1/{b}/{b}")}));
  EXPECT_FALSE(Router::create({route("PATCH", "/api/v1/a")}));
  EXPECT_FALSE(Router::create({route("GET", "a")}));
  EXPECT_FALSE(Router::create({route("GET", "/a/")}));
  EXPECT_FALSE(Router::create({route("GET", "/api/a")}));
  EXPECT_FALSE(Router::create({route("POST", "/a")})) << "a page changes nothing";
  EXPECT_FALSE(Router::create({{"GET", "/api/v1/a", kStaff, "x", nullptr, {}, {}}}));
}

/// On an address of this machine that is not loopback there is TLS only, and nobody is trusted for being
/// near.
class ApiOnTheNetwork : public ApiBench {
 protected:
  void SetUp() override {
    for (const auto& name : names_of({{"0.0.0.0", 0}}, {}))
      if (name != "localhost" && !name.starts_with("127.")) address_ = name;
    if (address_.empty()) GTEST_SKIP() << "no network address on this machine";
    start({}, {{"0.0.0.0", 0}});
    tls_port_ = server_->ports().at(1);
  }
  [[nodiscard]] fakes::Finished curl(std::vector<std::string> arguments, const std::string& path,
                                     const std::string& host = "") const {
    const std::string authority = (dir_.path() / "tls" / "authority.pem").string();
    const std::string base = fmt::format("https://{}:{}", host.empty() ? address_ : host, tls_port_);
    arguments.insert(arguments.begin(),
                     {"curl", "-sS", "-w", "\n%{http_code}", "--cacert", authority, "--resolve",
                      fmt::format("vitrine.local:{}:{}", tls_port_, address_), "-H", "Origin: " + base});
    arguments.push_back(base + path);
    return fakes::run(arguments);
  }
  std::string address_;
  int tls_port_ = 0;
};

TEST_F(ApiOnTheNetwork, CurlTrustsTheBoxesAuthorityAndNothingLess) {
  EXPECT_THAT(curl({}, "/api/v1/device").output, testing::EndsWith("\n200"));
  EXPECT_THAT(curl({}, "/api/v1/device", "vitrine.local").output, testing::EndsWith("\n200"));
  const auto untrusted =
      fakes::run({"curl", "-sS", fmt::format("https://{}:{}/api/v1/device", address_, tls_port_)});
  EXPECT_EQ(untrusted.exit_code, 60);
  const auto client = fakes::run(
      {"sh", "-c",
       fmt::format("openssl s_client -connect {}:{} -tls1_1 </dev/null 2>&1", address_, tls_port_)});
  EXPECT_THAT(client.output, HasSubstr("alert protocol version"));
  const auto told =
      json::parse(curl({}, "/api/v1/device").output.substr(0, curl({}, "/api/v1/device").output.rfind('\n')));
  const auto seen = fakes::run({"sh", "-c",
                                fmt::format("openssl s_client -connect {}:{} </dev/null 2>/dev/null | "
                                            "openssl x509 -noout -fingerprint -sha256",
                                            address_, tls_port_)});
  EXPECT_THAT(seen.output, HasSubstr(told["certificate"]["sha256"].get<std::string>()));
}

TEST_F(ApiOnTheNetwork, NobodyIsTrustedForBeingNear) {
  add_account("li", Role::kHost);
  EXPECT_THAT(curl({}, "/api/v1/pairing").output, testing::EndsWith("\n404"));
  EXPECT_THAT(curl({}, "/api/v1/accounts").output, testing::EndsWith("\n401"));
  EXPECT_THAT(curl({"-H", "X-Forwarded-For: 127.0.0.1"}, "/api/v1/accounts").output,
              testing::EndsWith("\n401"));
  EXPECT_THAT(curl({"-H", "Host: localhost"}, "/api/v1/device").output, testing::EndsWith("\n421"));
  const std::string jar = (dir_.path() / "jar").string();
  EXPECT_THAT(curl({"-c", jar, "--json", R"({"account":"li","pin":"314159"})"}, "/api/v1/login").output,
              testing::EndsWith("\n200"));
  EXPECT_THAT(curl({"-b", jar}, "/api/v1/accounts").output, testing::EndsWith("\n200"));
  // In clear there is nothing.
  EXPECT_EQ(call(tls_port_, "GET", "/api/v1/device", {{"Host", host()}}).status, 0);
}

TEST_F(ApiOnTheNetwork, ANewCertificateIsServedWithoutAStop) {
  const auto before = certificate_->device().sha256;
  ASSERT_EQ(certificate_
                ->renew_if_due({address_, "localhost", "vitrine.local"}, system_now() + std::chrono::days(61))
                .value(),
            DeviceCertificate::Renewal::kNewCertificate);
  ASSERT_TRUE(server_->reload_certificate());
  const auto seen = fakes::run({"sh", "-c",
                                fmt::format("openssl s_client -connect {}:{} </dev/null 2>/dev/null | "
                                            "openssl x509 -noout -fingerprint -sha256",
                                            address_, tls_port_)});
  EXPECT_THAT(seen.output, AllOf(HasSubstr(certificate_->device().sha256), Not(HasSubstr(before))));
}

TEST_F(ApiOnTheNetwork, OneSourceHasItsShareOfTheConnections) {
  std::vector<UniqueFd> held;
  for (int i = 0; i < 80; ++i) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(tls_port_));
    ASSERT_EQ(::inet_pton(AF_INET, address_.c_str(), &address.sin_addr), 1);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    held.push_back(std::move(fd));
  }
  ASSERT_TRUE(fakes::wait_for([&] { return server_->load().connections == 64; }));
  EXPECT_EQ(as_page("GET", "/api/v1/device").status, 200);
}

}  // namespace
}  // namespace vitrine::desk
