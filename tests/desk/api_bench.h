// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "commerce/store.h"
#include "desk/access/access.h"
#include "desk/api/api_server.h"
#include "desk/desk_schema.h"
#include "tests/desk/http_call.h"
#include "tests/fakes/temp_dir.h"

namespace vitrine::desk {

/// A server with the door's own routes and a few more, on a socket and on a port of 127.0.0.1.
class ApiBench : public testing::Test {
 protected:
  static constexpr const char* kPin = "314159";

  void SetUp() override { start({}); }
  void TearDown() override {
    server_.reset();
    access_.reset();
  }

  void start(ApiServer::Limits limits, std::vector<ListenAddress> tls = {}) {
    server_.reset();
    access_.reset();
    auto store = commerce::Store::open({dir_.path() / "desk", 3, kDeskSchema});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    auto certificate =
        DeviceCertificate::open(dir_.path() / "tls", names_of(tls, {"vitrine.local"}), system_now());
    ASSERT_TRUE(certificate) << certificate.error().message;
    certificate_ = std::move(*certificate);
    auto access = Access::open({*store_, certificate_.get(), [this] { return system_now() + ahead_.load(); },
                                [this] { return steady_now() + ahead_.load(); }});
    ASSERT_TRUE(access) << access.error().message;
    access_ = std::move(*access);
    auto routes = access_->routes();
    for (auto& route : own_routes()) routes.push_back(std::move(route));
    routes.insert(routes.end(), more_routes_.begin(), more_routes_.end());
    for (auto& route : routes)
      route.handle = [this, handle = route.handle](const ApiRequest& request) {
        ++handled_;
        return handle(request);
      };
    auto server =
        ApiServer::start({{socket_path(), {{"127.0.0.1", 0}}, std::move(tls), {"vitrine.local"}, limits},
                          std::move(routes),
                          *access_,
                          certificate_.get()});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    port_ = server_->ports().at(0);
  }

  /// What a route of ours answers: no part of it is like another one.
  static std::string large_text(size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += std::to_string(text.size()) + " ";
    text.resize(bytes);
    return text;
  }

  static std::vector<Route> own_routes() {
    const auto echo = [](const ApiRequest& request) -> Result<ApiAnswer> {
      ApiAnswer answer;
      answer.body = {{"path", request.path},
                     {"query", request.query},
                     {"body", request.body},
                     {"upload_bytes", request.upload.size()},
                     {"upload_type", request.upload_type},
                     {"caller", request.caller.account}};
      return answer;
    };
    const nlohmann::json any = {{"type", "object"}};
    return {{"GET", "/api/v1/things/{thing}", kStaff, "A thing.", echo, {{}, {}, 0, {"limit", "word"}}, {}},
            {"GET",
             "/api/v1/things/best",
             kStaff,
             "The best thing.",
             [](const ApiRequest&) -> Result<ApiAnswer> {
               return ApiAnswer{200, {{"best", true}}, {}, {}, {}};
             },
             {},
             {}},
            {"POST", "/api/v1/things", kOperators, "A new thing.", echo, {any, {}, 1000, {}}, {}},
            {"PUT",
             "/api/v1/things/{thing}/photo",
             kOnTheSet,
             "Its photo.",
             echo,
             {{}, "a photo", 4 << 20, {}},
             {}},
            {"PUT",
             "/api/v1/things/large",
             kTechnicians,
             "Much.",
             [](const ApiRequest&) -> Result<ApiAnswer> {
               return ApiAnswer{200, nullptr, large_text(1 << 20), "text/plain", {}};
             },
             {},
             {}},
            {"DELETE",
             "/api/v1/things/{thing}",
             kTechnicians,
             "No thing.",
             [](const ApiRequest&) -> Result<ApiAnswer> {
               return tl::unexpected(to_error({{"thing", "\"x\"", "one that can be removed"}}));
             },
             {},
             {}},
            {"POST",
             "/api/v1/broken",
             kStaff,
             "Throws.",
             [](const ApiRequest&) -> Result<ApiAnswer> { throw std::runtime_error("inside: secret"); },
             {},
             {}}};
  }

  [[nodiscard]] std::filesystem::path socket_path() const { return dir_.path() / "desk.sock"; }
  [[nodiscard]] std::string host() const { return fmt::format("127.0.0.1:{}", port_); }
  [[nodiscard]] std::string origin() const { return "http://" + host(); }

  /// As the box's own page would, with this cookie.
  HttpReply as_page(const std::string& method, const std::string& target,
                    const nlohmann::json& body = nullptr, const std::string& cookie = "") const {
    HeaderList headers = {{"Host", host()}, {"Origin", origin()}, {"Sec-Fetch-Site", "same-origin"}};
    if (!cookie.empty()) headers.emplace_back("Cookie", cookie);
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    return call(port_, method, target, headers, body.is_null() ? "" : body.dump());
  }
  /// Over the socket: a technician.
  HttpReply as_technician(const std::string& method, const std::string& target,
                          const nlohmann::json& body = nullptr) const {
    HeaderList headers = {{"Host", "localhost"}};
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    return call(socket_path(), method, target, headers, body.is_null() ? "" : body.dump());
  }
  void add_account(const std::string& id, Role role) const {
    const auto reply =
        as_technician("POST", "/api/v1/accounts",
                      {{"account", id}, {"name", "小" + id}, {"role", to_string(role)}, {"pin", kPin}});
    ASSERT_EQ(reply.status, 201) << reply.body;
  }
  HttpReply log_in(const std::string& id, const std::string& pin) const {
    return as_page("POST", "/api/v1/login", {{"account", id}, {"pin", pin}});
  }
  static std::string cookie_of(const HttpReply& reply) {
    const std::string line = reply.header("set-cookie");
    return line.substr(0, line.find(';'));
  }
  [[nodiscard]] std::string token_of(Role role, const std::string& scope = "all") const {
    const auto reply =
        as_technician("POST", "/api/v1/tokens",
                      {{"name", "test"}, {"role", to_string(role)}, {"scope", scope}, {"days", 1}});
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.json().value("token", "");
  }

  std::vector<Route> more_routes_;
  fakes::TempDir dir_;
  std::atomic<std::chrono::microseconds> ahead_{std::chrono::microseconds(0)};  // of all clocks of the door
  std::atomic<int> handled_{0};  // requests that got to a handler
  std::unique_ptr<commerce::Store> store_;
  std::unique_ptr<DeviceCertificate> certificate_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<ApiServer> server_;
  int port_ = 0;
};

}  // namespace vitrine::desk
