// SPDX-License-Identifier: Apache-2.0
// Events over WebSocket, as Beast's own client hears them.
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/desk/api_bench.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using nlohmann::json;
using testing::HasSubstr;

/// One who watches; reads with a time-out, and knows why it was closed.
class EventClient {
 public:
  EventClient(int port, const HeaderList& headers) {
    const std::string host = fmt::format("127.0.0.1:{}", port);
    beast::get_lowest_layer(socket_).connect(
        asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)), error_);
    socket_.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
      for (const auto& [name, value] : headers) request.set(name, value);
    }));
    websocket::response_type response;
    if (!error_) socket_.handshake(response, host, "/api/v1/events", error_);
    status_ = response.result_int();
  }
  [[nodiscard]] bool is_open() const { return !error_; }
  [[nodiscard]] unsigned status() const { return status_; }
  /// Null when nothing came, or it is closed.
  json next(std::chrono::milliseconds limit = std::chrono::seconds(30)) {
    beast::flat_buffer buffer;
    bool is_done = false;
    beast::get_lowest_layer(socket_).expires_after(limit);
    socket_.async_read(buffer, [&](const error_code& error, size_t) {
      error_ = error;
      is_done = true;
    });
    io_.restart();
    while (!is_done) io_.run_one();
    return error_ ? json() : json::parse(beast::buffers_to_string(buffer.data()), nullptr, false);
  }
  /// Reads until the end; why it came.
  std::string reason() {
    while (!error_) (void)next();
    return std::string(socket_.reason().reason.c_str());
  }
  void send(const std::string& text) {
    error_code ignored;
    socket_.write(asio::buffer(text), ignored);
  }
  void shrink_window() {
    beast::get_lowest_layer(socket_).socket().set_option(asio::socket_base::receive_buffer_size(4096));
  }

 private:
  asio::io_context io_;
  websocket::stream<beast::tcp_stream> socket_{io_};
  error_code error_;
  unsigned status_ = 0;
};

class ApiEvents : public ApiBench {
 protected:
  [[nodiscard]] HeaderList headers_of(Role role) const {
    return {{"Authorization", "Bearer " + token_of(role)}};
  }
  std::unique_ptr<EventClient> watch(const HeaderList& headers) const {
    auto client = std::make_unique<EventClient>(port_, headers);
    EXPECT_TRUE(client->is_open()) << client->status();
    EXPECT_EQ(client->next()["type"], "hello");
    return client;
  }
  [[nodiscard]] bool is_watched_by(int count) const {
    return fakes::wait_for([&] { return server_->load().watchers == count; });
  }
};

TEST_F(ApiEvents, AHundredClientsHearEveryEventInOrder) {
  const auto headers = headers_of(Role::kHost);
  std::vector<std::unique_ptr<EventClient>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(watch(headers));
  ASSERT_TRUE(is_watched_by(100));
  for (int i = 0; i < 50; ++i) server_->publish({{"type", "count"}, {"number", i}});
  for (auto& client : clients)
    for (int i = 0; i < 50; ++i) ASSERT_EQ(client->next()["number"], i);
}

TEST_F(ApiEvents, OnlyWhoIsMeantHearsIt) {
  const auto host = watch(headers_of(Role::kHost));
  const auto operators = watch(headers_of(Role::kOperator));
  const auto technician = watch(headers_of(Role::kTechnician));
  server_->publish({{"type", "stock"}}, kOperators);
  server_->publish({{"type", "item"}});
  EXPECT_EQ(host->next()["type"], "item");
  EXPECT_EQ(operators->next()["type"], "stock");
  EXPECT_EQ(technician->next()["type"], "stock");
}

TEST_F(ApiEvents, AClientMayAskForFewerTypesAndForNothingElse) {
  const auto headers = headers_of(Role::kHost);
  const auto client = watch(headers);
  client->send(R"({"subscribe":["item"]})");
  EXPECT_EQ(client->next()["type"], "subscribed");
  server_->publish({{"type", "stock"}});
  server_->publish({{"type", "item"}});
  EXPECT_EQ(client->next()["type"], "item");
  for (const std::string text : {"hello", "{}", R"({"subscribe":"x"})", R"({"subscribe":[1]})",
                                 R"({"subscribe":[],"x":1})", "[]", R"({"op":"start"})"}) {
    const auto wrong = watch(headers);
    wrong->send(text);
    EXPECT_THAT(wrong->reason(), HasSubstr("subscribe")) << text;
  }
  const auto loud = watch(headers);
  for (int i = 0; i < 40; ++i) loud->send(R"({"subscribe":["item"]})");
  EXPECT_EQ(loud->reason(), "too many messages");
  const auto large = watch(headers);
  large->send("{\"subscribe\":[\"" + std::string(20'000, 'x') + "\"]}");
  (void)large->reason();
  EXPECT_FALSE(large->is_open());
  EXPECT_TRUE(is_watched_by(1));
}

TEST_F(ApiEvents, WhoReadsTooSlowlyIsClosedWithAReasonAndTheOthersHearAll) {
  start({.queued_events = 64, .last_word = std::chrono::seconds(20)});
  const auto headers = headers_of(Role::kHost);
  const auto quick = watch(headers);
  const auto slow = watch(headers);
  slow->shrink_window();
  ASSERT_TRUE(is_watched_by(2));
  const std::string filler(20'000, 'x');
  int heard = 0;
  for (int i = 0; i < 2'000 && server_->load().slow_watchers_closed == 0; ++i) {
    server_->publish({{"type", "count"}, {"number", i}, {"filler", filler}});
    ASSERT_EQ(quick->next()["number"], heard++);
  }
  EXPECT_EQ(server_->load().slow_watchers_closed, 1);
  EXPECT_THAT(slow->reason(), HasSubstr("too slow"));  // once it reads again
  server_->publish({{"type", "count"}, {"number", heard}});
  EXPECT_EQ(quick->next()["number"], heard);
  ASSERT_TRUE(is_watched_by(1));
}

TEST_F(ApiEvents, WhoNeverReadsIsCutOff) {
  start({.queued_events = 64, .last_word = std::chrono::milliseconds(500)});
  const auto headers = headers_of(Role::kHost);
  const auto slow = watch(headers);
  slow->shrink_window();
  ASSERT_TRUE(is_watched_by(1));
  const std::string filler(20'000, 'x');
  for (int i = 0; i < 5'000 && server_->load().slow_watchers_closed == 0; ++i) {
    server_->publish({{"type", "count"}, {"filler", filler}});
    if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(is_watched_by(0));
}

TEST_F(ApiEvents, TheSessionsEndIsTheSocketsEnd) {
  add_account("li", Role::kHost);
  const auto begin = [&] {
    return HeaderList{{"Cookie", cookie_of(log_in("li", kPin))}, {"Origin", origin()}};
  };
  const HeaderList first = begin();
  const auto logged_out = watch(first);
  EXPECT_EQ(as_page("POST", "/api/v1/logout", nullptr, first[0].second).status, 204);
  EXPECT_THAT(logged_out->reason(), HasSubstr("session is over"));
  const auto promoted = watch(begin());
  EXPECT_EQ(as_technician("PUT", "/api/v1/accounts/li", {{"name", "li"}, {"role", "operator"}}).status, 200);
  EXPECT_THAT(promoted->reason(), HasSubstr("session is over"));
  const auto expired = watch(begin());
  ahead_ = std::chrono::hours(12);
  server_->publish({{"type", "item"}});
  EXPECT_EQ(expired->next(), json());  // not one event more
  EXPECT_FALSE(expired->is_open());
  EXPECT_TRUE(is_watched_by(0));
}

TEST_F(ApiEvents, NobodyOfAnotherSiteHearsAnything) {
  add_account("li", Role::kTechnician);
  const std::string cookie = cookie_of(log_in("li", kPin));
  const std::string token = token_of(Role::kHost);
  const std::vector<std::pair<HeaderList, unsigned>> cases = {
      {{{"Cookie", cookie}, {"Origin", "http://evil.example"}}, 403},
      {{{"Cookie", cookie}, {"Origin", "null"}}, 403},
      {{{"Cookie", cookie}, {"Origin", "https://" + host()}}, 403},
      {{{"Cookie", cookie}, {"Origin", fmt::format("http://localhost:{}", port_)}}, 403},
      {{{"Cookie", cookie}}, 403},
      {{}, 403},
      {{{"Origin", origin()}}, 401},
      {{{"Cookie", cookie}, {"Origin", origin()}, {"Sec-Fetch-Site", "cross-site"}}, 403},
      {{{"Cookie", cookie}, {"Origin", "http://evil.example"}, {"Host", "evil.example"}}, 421},
      {{{"Authorization", "Bearer " + token}, {"Origin", "http://evil.example"}}, 403},
      {{{"Authorization", "Bearer x"}}, 401},
      {{{"Cookie", cookie}, {"Origin", origin()}, {"Sec-Fetch-Site", "same-origin"}}, 101},
      {{{"Authorization", "Bearer " + token}}, 101}};
  for (const auto& [headers, status] : cases) {
    const EventClient client(port_, headers);
    EXPECT_EQ(client.status(), status) << testing::PrintToString(headers);
  }
}

TEST_F(ApiEvents, EndingTheServerEndsAllWhoWatch) {
  const auto client = watch(headers_of(Role::kHost));
  server_.reset();
  (void)client->reason();
  EXPECT_FALSE(client->is_open());
}

TEST_F(ApiEvents, AThousandReadsASecondAndMoreWhileAHundredWatch) {
  const auto headers = headers_of(Role::kHost);
  const std::string token = headers[0].second;
  std::vector<std::unique_ptr<EventClient>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(watch(headers));
  constexpr int kReaders = 4;
  constexpr int kReads = 500;
  std::atomic<int> answered{0};
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> readers;
    for (int r = 0; r < kReaders; ++r)
      readers.emplace_back([&] {
        const UniqueFd fd = fakes::connect_to_loopback(port_);
        const std::string request = fmt::format(
            "GET /api/v1/things/7 HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n", host(), token);
        std::array<char, 4096> buffer;
        for (int i = 0; i < kReads; ++i) {
          if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) <= 0) return;
          std::string text;
          while (text.find("\r\n\r\n") == std::string::npos || text.back() != '}') {
            const ssize_t count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
            if (count <= 0) return;
            text.append(buffer.data(), static_cast<size_t>(count));
          }
          answered += text.starts_with("HTTP/1.1 200") ? 1 : 0;
        }
      });
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_EQ(answered, kReaders * kReads);
  std::cout << fmt::format("{:.0f} reads/s\n", answered / seconds);
#ifndef VITRINE_SANITIZED
  EXPECT_GT(answered / seconds, 1000);
#endif
}

}  // namespace
}  // namespace vitrine::desk
