// SPDX-License-Identifier: Apache-2.0
#include "encoder/trial.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/encoder/key_watch.h"
#include "tests/fakes/fake_rtmp_server.h"
#include "tests/fakes/nginx_rtmp.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/tls_front.h"
#include "tests/fakes/wait_for.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using fakes::FakeRtmpServer;
using fakes::NginxRtmp;
using fakes::TlsFront;
using fakes::wait_for;
using Ending = FakeRtmpServer::Script::Ending;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::unique_ptr<Trial> make(const std::string& url, const std::filesystem::path& ca_file = {}) {
  PublisherConfig config;
  config.destination = "test";
  config.url = url;
  config.key = Secret(kCanaryKey);
  config.ca_file = ca_file;
  return Trial::create(std::move(config)).value();
}

Trial::Report run(const std::string& url, const std::filesystem::path& ca_file = {}) {
  auto report = make(url, ca_file)->run();
  if (report.fault) watch_text(report.fault->message);
  return report;
}

std::vector<std::string> steps_of(const Trial::Report& report) {
  std::vector<std::string> steps;
  for (const auto& taken : report.steps) steps.emplace_back(to_string(taken.step));
  return steps;
}

ErrorCode code_of(const Trial::Report& report) {
  return report.fault ? report.fault->code : ErrorCode::kUnknown;
}

TEST(Trial, PublishesNothingAndLetsGoOfTheKey) {
  NginxRtmp nginx;
  const auto report = run(nginx.url());
  EXPECT_FALSE(report.fault) << report.fault->message;
  EXPECT_THAT(steps_of(report), ElementsAre("resolve", "connect", "handshake", "publish"));
  EXPECT_EQ(report.address, "127.0.0.1");
  EXPECT_FALSE(run(nginx.url()).fault) << "the session before this one is over";
  EXPECT_THAT(nginx.log(), AllOf(HasSubstr("publish: name='vtr-canary"), HasSubstr("deleteStream")));
  nginx.stop();
  for (const auto& file : nginx.recordings(kCanaryName))
    EXPECT_LE(std::filesystem::file_size(file), 13U) << "no more than FLV's own header";
}

TEST(Trial, SendsOnlyCommands) {
  const FakeRtmpServer server({});
  const auto report = run(server.url());
  EXPECT_FALSE(report.fault);
  EXPECT_TRUE(wait_for([&] { return server.seen().commands.back() == "deleteStream"; }));
  EXPECT_THAT(server.seen().media, IsEmpty());
  EXPECT_THAT(server.seen().commands, AllOf(Contains("publish"), Contains("FCUnpublish")));
}

TEST(Trial, ChecksTls) {
  NginxRtmp nginx;
  const TlsFront good(nginx.port(), TlsFront::Certificate::kGood);
  const auto report = run(good.url(), good.ca_file());
  EXPECT_FALSE(report.fault) << report.fault->message;
  EXPECT_THAT(steps_of(report), ElementsAre("resolve", "connect", "tls", "handshake", "publish"));
  const TlsFront expired(nginx.port(), TlsFront::Certificate::kExpired);
  const auto refused = run(expired.url(), expired.ca_file());
  EXPECT_EQ(code_of(refused), ErrorCode::kTlsFailed);
  EXPECT_THAT(steps_of(refused), ElementsAre("resolve", "connect", "tls"));
  const UniqueFd silent = fakes::listen_on_loopback();
  const auto waiting = run("rtmps://localhost:" + std::to_string(fakes::port_of(silent)) + "/live");
  EXPECT_EQ(code_of(waiting), ErrorCode::kTimeout);
  EXPECT_THAT(steps_of(waiting), ElementsAre("resolve", "connect", "tls"));
  EXPECT_GE(waiting.steps.back().time, 4s);
}

TEST(Trial, SaysWhereNobodyListens) {
  const auto report = run("rtmp://127.0.0.1:" + std::to_string(fakes::free_port()) + "/live");
  EXPECT_EQ(code_of(report), ErrorCode::kConnectRefused);
  EXPECT_THAT(steps_of(report), ElementsAre("resolve", "connect"));
}

TEST(Trial, SaysWhereANameIsNotKnown) {
  const auto report = run("rtmp://ingest.invalid/live");
  EXPECT_EQ(code_of(report), ErrorCode::kResolveFailed);
  EXPECT_THAT(steps_of(report), ElementsAre("resolve"));
  EXPECT_THAT(report.fault->message, HasSubstr("ingest.invalid"));
  EXPECT_EQ(report.address, "");
}

TEST(Trial, SaysWhereAServerIsSilent) {
  const UniqueFd silent = fakes::listen_on_loopback();  // its kernel takes the connection, nobody else does
  const auto report = run("rtmp://127.0.0.1:" + std::to_string(fakes::port_of(silent)) + "/live");
  EXPECT_EQ(code_of(report), ErrorCode::kTimeout);
  EXPECT_THAT(steps_of(report), ElementsAre("resolve", "connect", "handshake"));
  EXPECT_GE(report.steps.back().time, 3s);
}

TEST(Trial, SaysWhereAServerSpeaksSomethingElse) {
  const FakeRtmpServer server({.is_handshake_garbage = true});
  const auto report = run(server.url());
  EXPECT_EQ(code_of(report), ErrorCode::kProtocol);
  EXPECT_THAT(steps_of(report), ElementsAre("resolve", "connect", "handshake"));
}

TEST(Trial, SaysThatTheKeyWasRefusedWithoutTheKey) {
  for (const auto& script :
       {FakeRtmpServer::Script{
            .status = "NetStream.Publish.Denied", .level = "error", .description = "%KEY%!"},
        FakeRtmpServer::Script{.hangs_up = Ending::kAtPublish},
        FakeRtmpServer::Script{.hangs_up = Ending::kAfterStart}}) {
    const FakeRtmpServer server(script);
    const auto report = run(server.url());
    EXPECT_EQ(code_of(report), ErrorCode::kAuthRejected);
    EXPECT_THAT(steps_of(report), ElementsAre("resolve", "connect", "handshake", "publish"));
    EXPECT_THAT(report.fault.value_or(Error{}).message, Not(HasSubstr("canary")));
  }
}

TEST(Trial, SaysThatTheAddressIsNotKnownThere) {
  const FakeRtmpServer server({.connect_error = "NetConnection.Connect.InvalidApp"});
  EXPECT_EQ(code_of(run(server.url())), ErrorCode::kNotFound);
}

TEST(Trial, EndsWhenItIsCancelled) {
  const UniqueFd silent = fakes::listen_on_loopback();
  const auto trial = make("rtmp://127.0.0.1:" + std::to_string(fakes::port_of(silent)) + "/live");
  const auto begin = std::chrono::steady_clock::now();
  const std::jthread canceller([&] {
    std::this_thread::sleep_for(200ms);  // not for luck: at any time it must end
    trial->cancel();
  });
  EXPECT_EQ(code_of(trial->run()), ErrorCode::kStopped);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2500ms);
  trial->cancel();
}

TEST(Trial, LeavesAServerAtOnceWhenItIsCancelledAfterItWasLetIn) {
  const FakeRtmpServer server({});
  const auto trial = make(server.url());
  const std::jthread canceller([&] {
    (void)wait_for([&] { return !server.seen().key.empty(); });
    trial->cancel();
  });
  EXPECT_EQ(code_of(trial->run()), ErrorCode::kStopped);
  EXPECT_TRUE(wait_for([&] { return server.seen().commands.back() == "deleteStream"; }));
}

TEST(Trial, RefusesWhatCanNotBeTried) {
  for (const auto& [url, key] : {std::pair("rtmp://127.0.0.1/live", ""), {"http://127.0.0.1/live", "k"}}) {
    PublisherConfig config;
    config.destination = "test";
    config.url = url;
    config.key = Secret(key);
    EXPECT_EQ(Trial::create(std::move(config)).error().code, ErrorCode::kInvalidInput) << url;
  }
}

}  // namespace
}  // namespace vitrine::encoder
