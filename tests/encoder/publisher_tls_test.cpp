// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoder/publisher.h"
#include "tests/encoder/destination.h"
#include "tests/encoder/flv_judge.h"
#include "tests/fakes/chaos_proxy.h"
#include "tests/fakes/nginx_rtmp.h"
#include "tests/fakes/sockets.h"
#include "tests/fakes/tls_front.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using fakes::LiveProgram;
using fakes::TlsFront;
using fakes::wait_for;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(PublisherTls, PublishesThroughACertificateItTrusts) {
  fakes::NginxRtmp nginx;
  const TlsFront front(nginx.port(), TlsFront::Certificate::kGood);
  LiveProgram program;
  Destination destination(program, front.url(), {.ca_file = front.ca_file()});
  ASSERT_TRUE(destination.wait_for_connect(1));
  ASSERT_TRUE(wait_for([&] { return destination->status().frames_sent > 90; }));
  destination->stop();
  nginx.stop();
  ASSERT_THAT(nginx.recordings(kCanaryName), SizeIs(1));
  const auto judged = judge(nginx.recordings(kCanaryName)[0], Decode::kYes);
  EXPECT_EQ(judged.errors, "");
  EXPECT_EQ(judged.video.size(), destination->status().frames_sent)
      << "the goodbye arrives after all that was sent";
  EXPECT_EQ(missing_frames(judged.video), 0);
}

/// Nothing of RTMP may reach a server whose certificate is not good.
void expect_refused(TlsFront::Certificate certificate, const ::testing::Matcher<std::string>& message) {
  const UniqueFd plain = fakes::listen_on_loopback();
  fakes::ChaosProxy proxy(fakes::port_of(plain));
  const TlsFront front(proxy.port(), certificate);
  LiveProgram program;
  Destination destination(program, front.url(), {.ca_file = front.ca_file()});
  ASSERT_TRUE(destination.wait_for_fault(ErrorCode::kTlsFailed));
  EXPECT_THAT(destination->status().last_fault->message, message);
  EXPECT_EQ(proxy.client_bytes(), 0);
}

TEST(PublisherTls, RefusesAnExpiredCertificateAndNamesTheClock) {
  expect_refused(TlsFront::Certificate::kExpired, AllOf(HasSubstr("has expired"), HasSubstr("clock")));
}

TEST(PublisherTls, RefusesACertificateForAnotherHost) {
  expect_refused(TlsFront::Certificate::kWrongHost, HasSubstr("localhost"));
}

TEST(PublisherTls, RefusesASelfSignedCertificate) {
  expect_refused(TlsFront::Certificate::kSelfSigned, HasSubstr("nobody this box trusts"));
}

TEST(PublisherTls, NeverFallsBackToPlainRtmp) {
  fakes::NginxRtmp nginx;
  LiveProgram program;
  Destination destination(program, "rtmps://localhost:" + std::to_string(nginx.port()) + "/live");
  ASSERT_TRUE(wait_for([&] { return destination->status().last_fault.has_value(); }));
  EXPECT_EQ(destination->status().connects, 0U);
}

TEST(PublisherTls, AHandshakeThatStallsEndsAndIsTriedAgain) {
  const UniqueFd silent = fakes::listen_on_loopback();  // takes connections, says nothing
  LiveProgram program;
  Destination destination(program, "rtmps://localhost:" + std::to_string(fakes::port_of(silent)) + "/live");
  ASSERT_TRUE(destination.wait_for_fault(ErrorCode::kTimeout));
  const auto begin = std::chrono::steady_clock::now();
  destination->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s) << "stop doesn't wait for a handshake";
}

}  // namespace
}  // namespace vitrine::encoder
