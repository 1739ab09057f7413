// SPDX-License-Identifier: Apache-2.0
// Over real sockets, as a shop, its proxy and strangers would come.
#include "commerce/event_receiver.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <poll.h>
#include <random>
#include <sodium.h>
#include <thread>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commerce/adapters/local.h"
#include "commerce/adapters/signed_event.h"
#include "commerce/http_client.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::commerce {
namespace {

using namespace std::chrono_literals;
using fakes::wait_for;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kSecret = "shop-webhook-secret";

/// Takes events as the adapters of real servers do.
class SigningShop : public LocalAdapter {
 public:
  explicit SigningShop(Store& store) : LocalAdapter(store) { signature_.secret = Secret(kSecret); }
  Result<Event> decode_event(const std::map<std::string, std::string>& headers, std::string_view body,
                             Instant now) const override {
    const auto verified = verify_event(signature_, headers, body, now);
    if (!verified) return tl::unexpected(verified.error());
    if (!verified->contains("id")) return fail(ErrorCode::kProtocol, "no id");
    return Event{(*verified)["id"].get<std::string>(), {{"p1", ""}}, {}, false, false};
  }

 private:
  EventSignature signature_;
};

std::string sign(const std::string& timestamp, const std::string& body, const std::string& secret = kSecret) {
  const std::string text = timestamp + "." + body;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> digest{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  crypto_auth_hmacsha256_final(&state, digest.data());
  std::string hex(2 * digest.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  hex.pop_back();
  return hex;
}

std::string unix_seconds(Instant instant) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count());
}

std::string event_body(const std::string& id) {
  return R"({"id":")" + id + R"(","topic":"product.updated","data":{"id":"p1"}})";
}

class EventReceiverTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open({dir_.path(), 3});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    shop_.emplace(*store_);
    listen();
  }
  void listen(std::chrono::milliseconds request_limit = 30s) {
    receiver_.reset();
    auto opened = EventReceiver::listen({{"127.0.0.1", 0}, "shop", request_limit}, {*shop_, *store_},
                                        [this](const Adapter::Event& event) {
                                          const std::lock_guard lock(mutex_);
                                          hinted_.push_back(event.id);
                                        });
    ASSERT_TRUE(opened) << opened.error().message;
    receiver_ = std::move(*opened);
  }
  [[nodiscard]] std::vector<std::string> hinted() const {
    const std::lock_guard lock(mutex_);
    return hinted_;
  }

  [[nodiscard]] HttpRequest request(const std::string& body, const std::string& secret = kSecret,
                                    Instant at = system_now()) const {
    HttpRequest made;
    made.method = "POST";
    made.url = "http://127.0.0.1:" + std::to_string(receiver_->port()) + "/events";
    made.body = body;
    const std::string timestamp = unix_seconds(at);
    made.headers = {"content-type: application/json", "X-Vitrine-Timestamp: " + timestamp,
                    "X-Vitrine-Signature: " + sign(timestamp, body, secret)};
    return made;
  }
  /// 0: no answer.
  static int status_of(const HttpRequest& request) {
    HttpClient client{HttpClient::Config{}};
    const auto answer = client.send(request, steady_now() + 60s);
    return answer ? answer->status : 0;
  }
  [[nodiscard]] int send(const std::string& id) const { return status_of(request(event_body(id))); }

  /// What a request is on the wire.
  [[nodiscard]] std::string wire(const std::string& id) const {
    const auto made = request(event_body(id));
    std::string text = "POST /events HTTP/1.1\r\nHost: box\r\n";
    for (const auto& header : made.headers) text += header + "\r\n";
    return text + "Content-Length: " + std::to_string(made.body.size()) + "\r\n\r\n" + made.body;
  }
  [[nodiscard]] UniqueFd connect() const { return fakes::connect_to_loopback(receiver_->port()); }
  static void write(const UniqueFd& socket, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  /// All that comes until the other side closes.
  static std::string read_all(const UniqueFd& socket) {
    std::string text;
    char bytes[4096];
    for (ssize_t got = 0; (got = ::recv(socket.get(), bytes, sizeof bytes, 0)) > 0;)
      text.append(bytes, static_cast<size_t>(got));
    return text;
  }
  [[nodiscard]] std::string answer_to(const std::string& text) const {
    const auto socket = connect();
    write(socket, text);
    return read_all(socket);
  }

  fakes::TempDir dir_;
  std::unique_ptr<Store> store_;
  std::optional<SigningShop> shop_;
  mutable std::mutex mutex_;
  std::vector<std::string> hinted_;
  std::unique_ptr<EventReceiver> receiver_;
};

TEST_F(EventReceiverTest, AGenuineEventIsAnsweredAndHinted) {
  EXPECT_EQ(send("e1"), 204);
  ASSERT_TRUE(wait_for([&] { return receiver_->status().taken == 1; }));
  EXPECT_THAT(hinted(), testing::ElementsAre("e1"));
  EXPECT_TRUE(receiver_->status().last_taken_at);
  EXPECT_EQ(receiver_->status().refused, 0);
}

TEST_F(EventReceiverTest, AForgedEventIsRefusedWithoutAWordAboutUs) {
  EXPECT_EQ(status_of(request(event_body("e1"), "another secret")), 401);
  auto changed = request(event_body("e1"));
  changed.body.back() = ' ';
  EXPECT_EQ(status_of(changed), 401);
  const std::string answer = answer_to("POST /events HTTP/1.1\r\nHost: box\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(answer,
            "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 13\r\n\r\nUnauthorized\n");
  ASSERT_TRUE(wait_for([&] { return receiver_->status().refused == 3; }));
  EXPECT_EQ(receiver_->status().last_refusal, "the event is not signed, from 127.0.0.1");
  EXPECT_THAT(hinted(), IsEmpty());
}

TEST_F(EventReceiverTest, AnOldOneIsRefusedThoughItsSignatureIsRight) {
  for (const auto age : {6min, -6min})
    EXPECT_EQ(status_of(request(event_body("e1"), kSecret, system_now() - age)), 401);
  EXPECT_EQ(status_of(request(event_body("e1"), kSecret, system_now() - 24h)), 401);
  EXPECT_THAT(hinted(), IsEmpty());
}

TEST_F(EventReceiverTest, AReplayIsAnsweredAndIgnoredAlsoAfterARestart) {
  const auto once = request(event_body("e1"));
  EXPECT_EQ(status_of(once), 204);
  EXPECT_EQ(status_of(once), 204);
  ASSERT_TRUE(wait_for([&] { return receiver_->status().repeated == 1; }));
  listen();
  HttpRequest again = once;
  again.url = request("").url;
  EXPECT_EQ(status_of(again), 204);
  ASSERT_TRUE(wait_for([&] { return receiver_->status().repeated == 1; }));
  EXPECT_THAT(hinted(), SizeIs(1));
}

TEST_F(EventReceiverTest, WhatIsNotAnEventIsRefused) {
  auto get = request("");
  get.method = "GET";
  EXPECT_EQ(status_of(get), 405);
  auto elsewhere = request(event_body("e1"));
  elsewhere.url += "/../admin";
  EXPECT_EQ(status_of(elsewhere), 404);
  EXPECT_EQ(status_of(request("not json")), 400) << "signed, and nonsense";
  EXPECT_EQ(status_of(request("{}")), 400);
  EXPECT_THAT(answer_to("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello over TLS\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to("POST /events HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(hinted(), IsEmpty());
}

TEST_F(EventReceiverTest, ALargeBodyOrHeaderIsRefusedAndTheAnswerArrives) {
  const std::string large(300 << 10, 'x');
  EXPECT_EQ(status_of(request(large)), 413);
  auto exact = request(R"({"id":"e1","x":")" + std::string((256 << 10) - 18, 'x') + "\"}");
  ASSERT_EQ(exact.body.size(), 256U << 10);
  EXPECT_EQ(status_of(exact), 204);
  std::string chunked = "POST /events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 5; ++i) chunked += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  EXPECT_THAT(answer_to(chunked), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to("POST /events HTTP/1.1\r\nX: " + std::string(9 << 10, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(EventReceiverTest, ARequestThatDripsIsCutOffAndHoldsUpNobody) {
  listen(2s);
  const auto slow = connect();
  const std::string text = wire("slow");
  write(slow, text.substr(0, text.size() - 20));
  EXPECT_EQ(send("quick"), 204);
  std::atomic<bool> is_cut = false;
  std::thread drip([&] {
    for (size_t at = text.size() - 20; at + 1 < text.size() && !is_cut; ++at) {
      write(slow, text.substr(at, 1));
      wait_for([&] { return is_cut.load(); }, 1s);
    }
  });
  EXPECT_THAT(read_all(slow), IsEmpty());
  is_cut = true;
  drip.join();
  ASSERT_TRUE(wait_for([&] { return receiver_->status().refused == 1; }));
  EXPECT_THAT(receiver_->status().last_refusal, HasSubstr("no whole request in time"));
  EXPECT_THAT(hinted(), testing::ElementsAre("quick"));
}

TEST_F(EventReceiverTest, TheThirtyThirdConnectionWaitsForAnother) {
  listen(60s);
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 32; ++i) {
    silent.push_back(connect());
    write(silent.back(), "POST /ev");
  }
  const auto late = connect();
  write(late, wire("late"));
  pollfd answer{late.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&answer, 1, 500), 0) << "33 were served at once";
  silent.pop_back();
  EXPECT_THAT(read_all(late), StartsWith("HTTP/1.1 204 "));
}

TEST_F(EventReceiverTest, WhoIsRefusedAgainAndAgainIsAnsweredUnreadForAWhile) {
  std::string answer;
  int tries = 0;
  for (; tries < 200 && !answer.starts_with("HTTP/1.1 429"); ++tries)
    answer = answer_to("GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429 "));
  EXPECT_GE(tries, 20);
  EXPECT_THAT(answer_to(""), StartsWith("HTTP/1.1 429 ")) << "it is not even waited for";
  EXPECT_TRUE(wait_for([&] { return send("later") == 204; }));
}

TEST_F(EventReceiverTest, GenuineEventsAreNeverTooMany) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(send("e" + std::to_string(i)), 204);
  EXPECT_TRUE(wait_for([&] { return receiver_->status().taken == 100; }));
}

TEST_F(EventReceiverTest, DuplicatesInAnyOrderAndAtOnceAreHintedOnce) {
  constexpr int kEvents = 60;
  std::vector<std::string> ids;
  for (int i = 0; i < 2 * kEvents; ++i) ids.push_back("e" + std::to_string(i % kEvents));
  std::shuffle(ids.begin(), ids.end(), std::minstd_rand(4711));
  std::atomic<size_t> next = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> senders;
  for (int i = 0; i < 6; ++i)
    senders.emplace_back([&] {
      for (size_t at = next++; at < ids.size(); at = next++) failed += send(ids[at]) == 204 ? 0 : 1;
    });
  for (auto& sender : senders) sender.join();
  EXPECT_EQ(failed, 0);
  ASSERT_TRUE(wait_for([&] { return receiver_->status().repeated == kEvents; }));
  EXPECT_EQ(receiver_->status().taken, kEvents);
  auto seen = hinted();
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::unique(seen).begin(), seen.end());
  EXPECT_THAT(seen, SizeIs(kEvents));
}

TEST_F(EventReceiverTest, IdsAreForgottenAfterADay) {
  const auto count = [&] {
    int rows = 0;
    EXPECT_TRUE(store_->read([&](SQLite::Database& database) -> Status {
      rows = database.execAndGet("SELECT count(*) FROM seen_event").getInt();
      return {};
    }));
    return rows;
  };
  ASSERT_TRUE(store_->write([&](SQLite::Database& database) -> Status {
    const int64_t now = system_now().time_since_epoch().count();
    for (const auto& [id, age] : {std::pair{"old", 25h}, {"young", 23h}}) {
      SQLite::Statement add(database, "INSERT INTO seen_event VALUES('shop', ?, ?)");
      add.bind(1, id);
      add.bind(2, now - std::chrono::microseconds(age).count());
      add.exec();
    }
    return {};
  }));
  EXPECT_EQ(send("e1"), 204);
  ASSERT_TRUE(wait_for([&] { return receiver_->status().taken == 1; }));
  EXPECT_EQ(count(), 2) << "young and e1";
}

TEST_F(EventReceiverTest, EventsThatCanNotBeRememberedAreTakenAndItIsSaid) {
  ASSERT_TRUE(store_->write([](SQLite::Database& database) -> Status {
    database.exec("DROP TABLE seen_event");
    return {};
  }));
  EXPECT_EQ(send("e1"), 204);
  ASSERT_TRUE(wait_for([&] { return receiver_->status().taken == 1; }));
  EXPECT_THAT(hinted(), SizeIs(1));
  EXPECT_THAT(receiver_->status().store_fault, HasSubstr("seen_event"));
}

TEST_F(EventReceiverTest, APortThatIsTakenIsSaid) {
  const auto second = EventReceiver::listen({{"127.0.0.1", receiver_->port()}, "shop"}, {*shop_, *store_},
                                            [](const auto& /*event*/) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kDeviceBusy);
  EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1:" + std::to_string(receiver_->port())));
  const auto elsewhere =
      EventReceiver::listen({{"192.0.2.1", 0}, "shop"}, {*shop_, *store_}, [](const auto& /*event*/) {});
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::kNotFound);
}

TEST_F(EventReceiverTest, EndsWhileRequestsAreUnderWay) {
  std::vector<UniqueFd> open;
  for (int i = 0; i < 40; ++i) {
    open.push_back(connect());
    write(open.back(), i % 2 == 0 ? "POST /events HT" : wire("e" + std::to_string(i)));
  }
  receiver_.reset();
  for (const auto& socket : open) read_all(socket);
}

}  // namespace
}  // namespace vitrine::commerce
