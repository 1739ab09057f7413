// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoder/publisher.h"
#include "tests/encoder/destination.h"
#include "tests/encoder/flv_judge.h"
#include "tests/fakes/chaos_proxy.h"
#include "tests/fakes/nginx_rtmp.h"
#include "tests/fakes/private_resolver.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using fakes::LiveProgram;
using fakes::wait_for;

/// Runs `test` in a thread of its own, whose name resolution it may break.
template <typename Test>
void with_own_resolver(Test test) {
  bool is_possible = true;
  std::thread([&] {
    fakes::PrivateResolver resolver;
    is_possible = resolver.install();
    if (is_possible) test(resolver);
  }).join();
  if (!is_possible) GTEST_SKIP() << "needs root and a mount namespace";
}

TEST(PublisherDns, AResolverThatHangsIsNotFeltAndNotWaitedFor) {
  fakes::NginxRtmp nginx;
  LiveProgram program;
  Destination steady(program, nginx.url());
  ASSERT_TRUE(steady.wait_for_connect(1));
  with_own_resolver([&](const fakes::PrivateResolver&) {
    Destination hanging(program, "rtmp://ingest.example/live");
    ASSERT_TRUE(hanging.wait_for_fault(ErrorCode::kResolveFailed));
    const auto begin = std::chrono::steady_clock::now();
    hanging->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  });
  steady->stop();
  nginx.stop();
  const auto judged = judge(nginx.recordings(kCanaryName)[0], Decode::kNo);
  EXPECT_EQ(missing_frames(judged.video), 0);
  EXPECT_EQ(judged.video.size(), steady->status().frames_sent);
}

TEST(PublisherDns, UsesTheLastAddressWhenTheResolverFails) {
  fakes::NginxRtmp nginx;
  fakes::ChaosProxy proxy(nginx.port());
  LiveProgram program;
  with_own_resolver([&](const fakes::PrivateResolver& resolver) {
    resolver.set_hosts("127.0.0.1 localhost ingest.example\n");
    Destination destination(program, "rtmp://ingest.example:" + std::to_string(proxy.port()) + "/live");
    ASSERT_TRUE(destination.wait_for_connect(1));
    resolver.set_hosts("127.0.0.1 localhost\n");
    proxy.reset_all();
    ASSERT_TRUE(destination.wait_for_connect(2));
  });
}

}  // namespace
}  // namespace vitrine::encoder
