// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "encoder/publisher.h"
#include "tests/encoder/destination.h"
#include "tests/fakes/chaos_proxy.h"
#include "tests/fakes/fake_rtmp_server.h"
#include "tests/fakes/nginx_rtmp.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using fakes::ChaosProxy;
using fakes::FakeRtmpServer;
using fakes::LiveProgram;
using fakes::NginxRtmp;
using fakes::wait_for;

const std::string kNewKey = std::string("new-") + kCanaryKey;
const FakeRtmpServer::Script kRefuses{.status = "NetStream.Publish.Denied", .level = "error"};

std::vector<std::chrono::milliseconds> pauses(const Destination& destination) {
  std::vector<std::chrono::milliseconds> all;
  for (const auto& change : destination.changes()) {
    if (change.state == PublisherState::kReconnecting) all.push_back(change.retry_in);
  }
  return all;
}

TEST(PublisherRetry, EndsThePause) {
  NginxRtmp nginx;
  nginx.kill();
  LiveProgram program;
  Destination destination(program, nginx.url());
  ASSERT_TRUE(wait_for([&] { return destination->status().retry_in >= 4s; }));
  nginx.start();
  const auto begin = std::chrono::steady_clock::now();
  destination->retry_now();
  ASSERT_TRUE(destination.wait_for_connect(1));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
}

TEST(PublisherRetry, AskedWhileLiveChangesNothingLater) {
  NginxRtmp nginx;
  LiveProgram program;
  Destination destination(program, nginx.url());
  ASSERT_TRUE(destination.wait_for_connect(1));
  destination->retry_now();
  nginx.kill();
  ASSERT_TRUE(wait_for([&] { return pauses(destination).size() >= 2; }));
  EXPECT_EQ(pauses(destination)[0], 0ms);
  EXPECT_GE(pauses(destination)[1], 500ms) << "the second fault in a row";
}

TEST(PublisherRetry, AStoppedPublisherWaitsForNothing) {
  const FakeRtmpServer server(kRefuses);
  LiveProgram program;
  Destination destination(program, server.url());
  ASSERT_TRUE(wait_for([&] { return destination->status().retry_in >= 5s; }));
  destination->stop();
  EXPECT_EQ(destination->status().state, PublisherState::kStopped);
  EXPECT_EQ(destination->status().retry_in, 0ms);
}

TEST(PublisherKey, AReplacedOneIsUsedAtTheNextDial) {
  FakeRtmpServer server(kRefuses);
  LiveProgram program;
  Destination destination(program, server.url());
  ASSERT_TRUE(destination.wait_for_fault(ErrorCode::kAuthRejected));
  EXPECT_EQ(server.seen().key, kCanaryKey);
  server.set_script({});
  destination->replace_key(Secret(kNewKey));
  destination->retry_now();
  ASSERT_TRUE(destination.wait_for_connect(1));
  EXPECT_EQ(server.seen().key, kNewKey);
}

TEST(PublisherKey, AReplacedOneLeavesALivingConnectionAloneAndHasNotWorkedYet) {
  FakeRtmpServer server({});
  ChaosProxy proxy(server.port());
  LiveProgram program;
  Destination destination(program, "rtmp://127.0.0.1:" + std::to_string(proxy.port()) + "/live");
  // Two seconds and more after the newest GOP: the old key has proved itself.
  ASSERT_TRUE(wait_for([&] { return destination->status().frames_sent > 150; }));
  destination->replace_key(Secret());
  destination->replace_key(Secret(kNewKey));
  ASSERT_TRUE(wait_for([&, frames = destination->status().frames_sent] {
    return destination->status().frames_sent > frames + 15;
  }));
  EXPECT_EQ(server.connections(), 1);
  server.set_script({.hangs_up = FakeRtmpServer::Script::Ending::kAtPublish});
  proxy.reset_all();
  ASSERT_TRUE(wait_for([&] { return pauses(destination).size() >= 2; }));
  EXPECT_EQ(server.seen().key, kNewKey);
  EXPECT_EQ(destination->status().last_fault->code, ErrorCode::kAuthRejected)
      << "a hang-up at publish is a broken path only for a key that has worked";
}

}  // namespace
}  // namespace vitrine::encoder
