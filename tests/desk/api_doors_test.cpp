// SPDX-License-Identifier: Apache-2.0
// Every route that the desk has, as it runs in a shop: who gets in, and who does not.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/desk/route_matrix.h"
#include "tests/fakes/child_process.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// A route that does not say who may does not compile.
static_assert(!std::is_default_constructible_v<Roles>);

class DeskDoors : public testing::Test {
 protected:
  void SetUp() override {
    port_ = fakes::free_port();
    ASSERT_NO_FATAL_FAILURE(start_desk());
    for (const Role role : all_roles()) tokens_[role] = token_of(role, "all");
    reader_ = token_of(Role::kTechnician, "read");
  }
  void start_desk() {
    const std::string place = dir_.path().string();
    const auto config = dir_.write(
        "vitrine.toml", fmt::format("[studio]\nname = \"店\"\nstate_dir = \"{0}/state\"\nrun_dir = "
                                    "\"{0}/run\"\n[[camera]]\nid = \"a\"\nsource = "
                                    "\"test:bars\"\n[[program]]\nid = \"main\"\n[commerce]\nbackend "
                                    "= \"local\"\n[desk]\nlisten = \"127.0.0.1:{1}\"\n",
                                    place, port_));
    desk_.emplace(fakes::ChildProcess({VITRINE_BIN_DIR "/vitrine-desk", "--config", config.string()}, log()));
    ASSERT_TRUE(fakes::wait_for([&] { return on_socket("GET", "/api/v1/me").status == 200; }));
  }
  void TearDown() override {
    if (!desk_) return;
    desk_->signal(SIGTERM);
    EXPECT_EQ(desk_->wait(), 0);
    if (HasFailure()) std::cerr << fakes::read_file(log());
  }
  [[nodiscard]] HttpReply on_socket(const std::string& method, const std::string& target,
                                    const json& body = nullptr) const {
    HeaderList headers = {{"Host", "localhost"}};
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    return call(dir_.path() / "run" / "desk.sock", method, target, headers,
                body.is_null() ? "" : body.dump());
  }
  [[nodiscard]] std::string token_of(Role role, const std::string& scope) const {
    const auto reply =
        on_socket("POST", "/api/v1/tokens",
                  {{"name", "door"}, {"role", to_string(role)}, {"scope", scope}, {"days", 1}});
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.json().value("token", "");
  }
  [[nodiscard]] HttpReply knock(const Route& route, const std::string& target, HeaderList headers,
                                const std::string& body, const std::string& token) const {
    const std::string host = fmt::format("127.0.0.1:{}", port_);
    headers.emplace_back("Host", host);
    headers.emplace_back("Origin", "http://" + host);
    if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
    return call(port_, route.method, target, headers, body);
  }
  /// The table, as the desk itself tells it.
  [[nodiscard]] std::vector<Route> table() const {
    std::vector<Route> routes;
    const json document = on_socket("GET", "/api/v1/openapi.json").json();
    for (const auto& [pattern, methods] : document["paths"].items()) {
      for (const auto& [name, operation] : methods.items()) {
        std::string method = name;
        std::ranges::transform(method, method.begin(),
                               [](char c) { return static_cast<char>(c - 'a' + 'A'); });
        EXPECT_TRUE(operation.contains("x-roles") && !operation["x-roles"].empty())
            << method << " " << pattern;
        Route route{method, pattern, roles_of(operation["x-roles"]), operation["summary"], nullptr, {}, {}};
        if (operation.contains("requestBody")) {
          const auto& content = operation["requestBody"]["content"];
          if (content.contains("application/json"))
            route.takes.schema = content["application/json"]["schema"];
          else
            route.takes.upload = operation["requestBody"]["description"];
        }
        routes.push_back(std::move(route));
      }
    }
    EXPECT_GE(routes.size(), 60U);
    return routes;
  }
  [[nodiscard]] std::filesystem::path log() const { return dir_.path() / "desk.log"; }

  fakes::TempDir dir_;
  std::optional<fakes::ChildProcess> desk_;
  int port_ = 0;
  std::map<Role, std::string> tokens_;
  std::string reader_;

 private:
  static Roles roles_of(const json& names) {
    const auto has = [&](Role role) {
      return std::ranges::find(names, json(to_string(role))) != names.end() ? role : Role::kTechnician;
    };
    if (has(Role::kNone) == Role::kNone) return kAnybody;
    return {has(Role::kAssistant), has(Role::kHost), has(Role::kOperator), has(Role::kService)};
  }
};

TEST_F(DeskDoors, EveryRouteLetsInWhomTheTableNamesAndNobodyElse) {
  const auto routes = table();
  const auto wrong =
      wrong_doors(routes, [&](const Route& route, const std::string& target, const HeaderList& headers,
                              const std::string& body, std::optional<Role> role) {
        return knock(route, target, headers, body, role ? tokens_.at(*role) : "");
      });
  EXPECT_THAT(wrong, IsEmpty());
  RecordProperty("routes", static_cast<int>(routes.size()));
}

class DeskWhoseAddressIsTaken : public DeskDoors {
 protected:
  void SetUp() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(other_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(other_.get(), 1), 0);
    ASSERT_EQ(::getsockname(other_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    start_desk();
  }
  [[nodiscard]] std::string problems() const {
    return on_socket("GET", "/api/v1/status").json().value("problems", json()).dump();
  }
  UniqueFd other_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

TEST_F(DeskWhoseAddressIsTaken, ItStartsSaysSoAndListensThereWhenItCan) {
  const std::string address = fmt::format("127.0.0.1:{}", port_);
  EXPECT_THAT(problems(), AllOf(HasSubstr(address), HasSubstr("Address already in use")));
  const std::string lines = fakes::read_file(log());
  EXPECT_THAT(lines, AllOf(HasSubstr(address), HasSubstr("tried again every 5 s")));
  other_.reset();
  EXPECT_TRUE(fakes::wait_for([&] {
    return call(port_, "GET", "/api/v1/device", {{"Host", address}}).status == 200;
  }));
  EXPECT_TRUE(fakes::wait_for([&] { return problems().find(address) == std::string::npos; }));
}

/// What is open to whom is a decision, and no change of it goes unseen.
TEST_F(DeskDoors, OnlyTheseAreOpenToWhoIsNotLoggedIn) {
  std::vector<std::string> open;
  for (const auto& route : table())
    if (route.allowed.allow(Role::kNone)) open.push_back(route.method + " " + route.pattern);
  EXPECT_THAT(open, testing::UnorderedElementsAre("GET /api/v1/accounts", "GET /api/v1/device",
                                                  "GET /api/v1/openapi.json", "GET /api/v1/pairing",
                                                  "POST /api/v1/login", "POST /api/v1/pairing"));
}

TEST_F(DeskDoors, ATokenThatMayOnlyReadChangesNothing) {
  for (const auto& route : table()) {
    if (route.method == "GET" || route.allowed.allow(Role::kNone)) continue;
    const auto reply = knock(route, target_of(route), {}, "", reader_);
    EXPECT_EQ(reply.status, 403) << route.method << " " << route.pattern << ": " << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("only read"));
  }
}

TEST_F(DeskDoors, ATokenThatIsMadeUpOpensNothing) {
  for (const auto& route : table()) {
    if (route.allowed.allow(Role::kNone)) continue;
    EXPECT_EQ(knock(route, target_of(route), {}, "", "x" + reader_).status, 401) << route.pattern;
  }
}

}  // namespace
}  // namespace vitrine::desk
