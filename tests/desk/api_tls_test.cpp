// SPDX-License-Identifier: Apache-2.0
// TLS as its peers meet it: whole bodies, ends in order, peers that are slow, half gone, or never come to
// terms.
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "tests/desk/api_bench.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr size_t kLargeBytes = 1 << 20;

/// A client of TLS that waits at most 30 s for anything, and trusts everybody.
class TlsClient {
 public:
  explicit TlsClient(int port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{30, 0};
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer > 0)
      (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    ssl_.reset(::SSL_new(context_.get()));
    ::SSL_set_fd(ssl_.get(), fd_.get());
    is_open_ = ::SSL_connect(ssl_.get()) == 1;
  }
  [[nodiscard]] bool is_open() const { return is_open_; }
  bool write(const std::string& text) {
    return ::SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size());
  }
  /// At least one byte, at most `most`; empty at the end, whose kind `ended_in_order` tells.
  std::string read_some(size_t most) {
    std::string text(most, '\0');
    const int count = ::SSL_read(ssl_.get(), text.data(), static_cast<int>(most));
    if (count <= 0) ended_in_order_ = ::SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN;
    text.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return text;
  }
  std::string read_all() {
    std::string all;
    for (std::string part; !(part = read_some(65'536)).empty();) all += part;
    return all;
  }
  /// Until `end` was read, or nothing comes any more.
  std::string read_until(const std::string& end) {
    std::string all;
    for (std::string part; all.find(end) == std::string::npos && !(part = read_some(4096)).empty();)
      all += part;
    return all;
  }
  void say_no_more() { (void)::SSL_shutdown(ssl_.get()); }
  [[nodiscard]] bool ended_in_order() const { return ended_in_order_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  struct Free {
    void operator()(SSL* ssl) const { ::SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  };
  UniqueFd fd_;
  std::unique_ptr<SSL_CTX, Free> context_{::SSL_CTX_new(::TLS_client_method())};
  std::unique_ptr<SSL, Free> ssl_;
  bool is_open_ = false;
  bool ended_in_order_ = false;
};

class ApiOverTls : public ApiBench {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL's socket writes without MSG_NOSIGNAL
    begin({});
  }
  void begin(ApiServer::Limits limits) {
    ASSERT_NO_FATAL_FAILURE(start(limits, {{"127.0.0.1", 0}}));
    tls_port_ = server_->ports().at(1);
    token_ = token_of(Role::kTechnician);
  }
  [[nodiscard]] std::string request(const std::string& method, const std::string& target,
                                    const std::string& more = "") const {
    return fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n{}\r\n", method,
                       target, tls_port_, token_, more);
  }
  [[nodiscard]] std::string upgrade() const {
    return request("GET", "/api/v1/events",
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  }
  [[nodiscard]] bool has_connections(int count) const {
    return fakes::wait_for([&] { return server_->load().connections == count; });
  }
  /// An answer of `kLargeBytes`, and then the end.
  [[nodiscard]] std::string large_request() const {
    return request("PUT", "/api/v1/things/large", "Connection: close\r\nContent-Length: 0\r\n");
  }

  int tls_port_ = 0;
  std::string token_;
};

TEST_F(ApiOverTls, LargeBodiesGoThroughWholeBothWaysAndTheEndIsInOrder) {
  TlsClient client(tls_port_);
  ASSERT_TRUE(client.is_open());
  const std::string photo(3'000'000, 'p');
  ASSERT_TRUE(client.write(request("PUT", "/api/v1/things/7/photo", "Content-Length: 3000000\r\n") + photo));
  EXPECT_THAT(client.read_until("}"), HasSubstr("\"upload_bytes\":3000000"));
  ASSERT_TRUE(client.write(large_request()));
  const auto reply = parse_reply(client.read_all());
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.body == large_text(kLargeBytes));
  EXPECT_TRUE(client.ended_in_order());
  EXPECT_TRUE(has_connections(0));
}

TEST_F(ApiOverTls, WhoSaysNoMoreStillGetsItsAnswer) {
  TlsClient client(tls_port_);
  ASSERT_TRUE(client.is_open());
  ASSERT_TRUE(client.write(large_request()));
  client.say_no_more();
  EXPECT_TRUE(parse_reply(client.read_all()).body == large_text(kLargeBytes));
  EXPECT_TRUE(client.ended_in_order());
  EXPECT_TRUE(has_connections(0));
}

TEST_F(ApiOverTls, WhoReadsSlowlyGetsAllAndOthersAreServedMeanwhile) {
  TlsClient slow(tls_port_, 4096);
  ASSERT_TRUE(slow.is_open());
  ASSERT_TRUE(slow.write(large_request()));
  ASSERT_TRUE(has_connections(1));
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all += slow.read_some(1000);
    TlsClient other(tls_port_);
    ASSERT_TRUE(other.is_open());
    ASSERT_TRUE(other.write(request("GET", "/api/v1/me", "Connection: close\r\n")));
    EXPECT_THAT(other.read_all(), HasSubstr("\"role\":\"technician\""));
  }
  all += slow.read_all();
  EXPECT_TRUE(parse_reply(all).body == large_text(kLargeBytes));
}

TEST_F(ApiOverTls, WhoNeverComesToTermsIsCutOff) {
  begin({.request = std::chrono::milliseconds(300)});
  const UniqueFd silent = fakes::connect_to_loopback(tls_port_);
  const UniqueFd wrong = fakes::connect_to_loopback(tls_port_);
  ASSERT_EQ(::send(wrong.get(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
  EXPECT_THAT(read_to_the_end(wrong.get()), testing::Not(HasSubstr("HTTP")));
  EXPECT_EQ(read_to_the_end(silent.get()), "");
  EXPECT_TRUE(has_connections(0));
}

TEST_F(ApiOverTls, WhoSaysNothingWithinTheLimitsIsCutOff) {
  begin({.request = std::chrono::milliseconds(300), .idle = std::chrono::milliseconds(300)});
  TlsClient silent(tls_port_);
  ASSERT_TRUE(silent.is_open());
  EXPECT_EQ(silent.read_all(), "");
  TlsClient idle(tls_port_);
  ASSERT_TRUE(idle.write(request("GET", "/api/v1/me")));
  EXPECT_THAT(idle.read_until("}"), HasSubstr("technician"));
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(has_connections(0));
}

TEST_F(ApiOverTls, WhoNeverReadsItsAnswerLosesItsPlace) {
  begin({.request = std::chrono::milliseconds(300)});
  TlsClient client(tls_port_, 4096);
  ASSERT_TRUE(client.write(large_request()));
  ASSERT_TRUE(has_connections(1));
  EXPECT_TRUE(has_connections(0));
}

TEST_F(ApiOverTls, WhoIsGoneWithAResetLeavesNothingBehind) {
  for (int i = 0; i < 10; ++i) {
    TlsClient client(tls_port_);
    ASSERT_TRUE(client.write(i % 2 == 0 ? large_request() : upgrade()));
    (void)client.read_some(100);
    fakes::reset_on_close(client.fd());
  }
  EXPECT_TRUE(has_connections(0));
  EXPECT_TRUE(fakes::wait_for([&] { return server_->load().watchers == 0; }));
}

TEST_F(ApiOverTls, EventsAreHeardAndTheSessionsEndIsToldInOrder) {
  TlsClient client(tls_port_);
  ASSERT_TRUE(client.write(upgrade()));
  EXPECT_THAT(client.read_until("\"hello\""), HasSubstr("101 Switching"));
  ASSERT_TRUE(fakes::wait_for([&] { return server_->load().watchers == 1; }));
  server_->publish({{"type", "item"}});
  EXPECT_THAT(client.read_until("}"), HasSubstr("item"));
  ahead_ = std::chrono::days(2);  // the token's day is over
  EXPECT_THAT(client.read_until("log in again"), HasSubstr("the session is over"));
  ASSERT_TRUE(client.write(std::string("\x88\x80\0\0\0\0", 6)));  // a close frame, as an answer
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.ended_in_order());
  EXPECT_TRUE(has_connections(0));
}

TEST_F(ApiOverTls, WhoReadsEventsTooSlowlyIsToldSo) {
  begin({.queued_events = 64, .last_word = std::chrono::seconds(20)});
  TlsClient slow(tls_port_, 4096);
  ASSERT_TRUE(slow.write(upgrade()));
  (void)slow.read_until("\"hello\"");
  ASSERT_TRUE(fakes::wait_for([&] { return server_->load().watchers == 1; }));
  const std::string filler(20'000, 'x');
  ASSERT_TRUE(fakes::wait_for([&] {
    server_->publish({{"type", "count"}, {"filler", filler}});
    return server_->load().slow_watchers_closed == 1;
  }));
  EXPECT_THAT(slow.read_until("too slow"), HasSubstr("too slow"));
}

TEST_F(ApiOverTls, WhoNeverReadsEventsIsCutOff) {
  begin({.queued_events = 64, .last_word = std::chrono::milliseconds(300)});
  TlsClient slow(tls_port_, 4096);
  ASSERT_TRUE(slow.write(upgrade()));
  (void)slow.read_until("\"hello\"");
  ASSERT_TRUE(fakes::wait_for([&] { return server_->load().watchers == 1; }));
  const std::string filler(20'000, 'x');
  ASSERT_TRUE(fakes::wait_for([&] {
    server_->publish({{"type", "count"}, {"filler", filler}});
    return server_->load().slow_watchers_closed == 1;
  }));
  EXPECT_TRUE(has_connections(0));
}

TEST_F(ApiOverTls, TheServersEndEndsThemAll) {
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<TlsClient>(tls_port_));
    ASSERT_TRUE(clients.back()->is_open());
    if (i % 3 == 2) continue;
    ASSERT_TRUE(clients.back()->write(i % 3 == 0 ? upgrade() : large_request()));
    EXPECT_NE(clients.back()->read_some(100), "");
  }
  server_.reset();
  for (auto& client : clients) (void)client->read_all();
}

TEST_F(ApiOverTls, AnAddressThatIsTakenIsTriedAgainAndSaidSoMeanwhile) {
  UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  ASSERT_EQ(::getsockname(other.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  const uint16_t port = ntohs(address.sin_port);
  for (const bool is_tls : {false, true}) {
    const std::vector<ListenAddress> taken = {{"127.0.0.1", port}};
    auto started = ApiServer::start({{{},
                                      is_tls ? std::vector<ListenAddress>{} : taken,
                                      is_tls ? taken : std::vector<ListenAddress>{},
                                      {},
                                      {.retry_listen = std::chrono::milliseconds(20)}},
                                     access_->routes(),
                                     *access_,
                                     certificate_.get()});
    ASSERT_TRUE(started) << started.error().message;
    auto& server = **started;
    EXPECT_EQ(server.ports().at(0), 0);
    ASSERT_EQ(server.problems().size(), 1U);
    EXPECT_THAT(server.problems()[0],
                AllOf(HasSubstr(fmt::format("127.0.0.1:{}", port)), HasSubstr("Address already in use")));
    if (!is_tls) continue;
    other.reset();
    ASSERT_TRUE(fakes::wait_for([&] { return server.ports().at(0) == port; }));
    EXPECT_TRUE(fakes::wait_for([&] { return server.problems().empty(); }));
    TlsClient client(port);
    EXPECT_TRUE(client.is_open());
  }
}

}  // namespace
}  // namespace vitrine::desk
