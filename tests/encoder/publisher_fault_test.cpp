// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <poll.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoder/publisher.h"
#include "tests/encoder/destination.h"
#include "tests/encoder/flv_judge.h"
#include "tests/fakes/chaos_proxy.h"
#include "tests/fakes/fake_rtmp_server.h"
#include "tests/fakes/nginx_rtmp.h"
#include "tests/fakes/sockets.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using fakes::ChaosProxy;
using fakes::FakeRtmpServer;
using fakes::LiveProgram;
using fakes::NginxRtmp;
using fakes::wait_for;
using Ending = FakeRtmpServer::Script::Ending;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

Error fault_of(const FakeRtmpServer::Script& script, ErrorCode expected) {
  const FakeRtmpServer server(script);
  LiveProgram program;
  Destination destination(program, server.url());
  EXPECT_TRUE(destination.wait_for_fault(expected));
  const auto status = destination->status();
  return status.last_fault.value_or(Error{});
}

std::chrono::milliseconds first_pause(Destination& destination) {
  for (const auto& change : destination.changes()) {
    if (change.state == PublisherState::kReconnecting) return change.retry_in;
  }
  return -1ms;
}

// --- What a server answers
// ------------------------------------------------------------------------------------------

TEST(PublisherFaults, TakesBadNameForItsOwnDeadSession) {
  NginxRtmp nginx;
  LiveProgram program;
  Destination first(program, nginx.url());
  ASSERT_TRUE(first.wait_for_connect(1));
  Destination second(program, nginx.url());
  ASSERT_TRUE(second.wait_for_fault(ErrorCode::kIngestBusy));
  EXPECT_GE(first_pause(second), 5s);
  first->stop();
  ASSERT_TRUE(second.wait_for_connect(1)) << "when the session is gone it is let in";
}

TEST(PublisherFaults, ShowsARefusedKeyWithoutTheKey) {
  const auto error =
      fault_of({.status = "NetStream.Publish.Denied", .level = "error", .description = "no such key %KEY%!"},
               ErrorCode::kAuthRejected);
  EXPECT_THAT(error.message, AllOf(HasSubstr("refused the stream key"), HasSubstr("no such key [key]!"),
                                   Not(HasSubstr("canary"))));
}

TEST(PublisherFaults, WaitsLongerAfterARefusedKey) {
  const FakeRtmpServer server({.status = "NetStream.Publish.Rejected", .level = "error"});
  LiveProgram program;
  Destination destination(program, server.url());
  ASSERT_TRUE(destination.wait_for_fault(ErrorCode::kAuthRejected));
  EXPECT_GE(first_pause(destination), 5s);
}

TEST(PublisherFaults, NamesAnAppThatIsNotThere) {
  const auto error = fault_of({.connect_error = "NetConnection.Connect.InvalidApp"}, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("check the part of the URL"));
}

TEST(PublisherFaults, TakesABareCloseAtPublishForARefusedKey) {
  const auto error = fault_of({.hangs_up = Ending::kAtPublish}, ErrorCode::kAuthRejected);
  EXPECT_THAT(error.message, HasSubstr("most likely the key"));
}

TEST(PublisherFaults, TakesRepeatedClosesRightAfterTheStartForARefusedKey) {
  const auto error = fault_of({.hangs_up = Ending::kAfterStart}, ErrorCode::kAuthRejected);
  EXPECT_THAT(error.message, HasSubstr("most likely the key"));
}

TEST(PublisherFaults, TakesACloseAtConnectForABrokenPath) {
  fault_of({.hangs_up = Ending::kAtConnect}, ErrorCode::kIngestDisconnected);
}

TEST(PublisherFaults, EndsAStreamTheServerComplainsAboutLater) {
  const auto error = fault_of({.late_status = "NetStream.Failed"}, ErrorCode::kIngestDisconnected);
  EXPECT_THAT(error.message, HasSubstr("NetStream.Failed"));
}

TEST(PublisherFaults, EndsAConnectionThatIsNotRtmp) {
  const auto error = fault_of({.is_handshake_garbage = true}, ErrorCode::kProtocol);
  EXPECT_THAT(error.message, HasSubstr("does not speak RTMP"));
}

TEST(PublisherFaults, DoesNotHangOnAServerThatNeverAnswers) {
  fault_of({.answers_connect = false}, ErrorCode::kTimeout);
}

/// A server that shakes hands and then sends empty messages, as fast as they are taken, and hears nothing.
class TalkingServer {
 public:
  [[nodiscard]] std::string url() const { return local_url(fakes::port_of(listener_)); }
  /// Lets go of a publisher that hangs.
  void stop() { thread_.request_stop(); }

 private:
  static bool is_ready(const UniqueFd& fd, short events) {
    pollfd polled{fd.get(), events, 0};
    return ::poll(&polled, 1, 20) > 0;
  }
  void run(const std::stop_token& stop) const {
    Bytes bytes(64 * 1024, 0);  // zeros are a message without content, of a type that says nothing
    while (!stop.stop_requested()) {
      if (!is_ready(listener_, POLLIN)) continue;
      const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      bytes[0] = 3;  // the version, once
      while (!stop.stop_requested()) {
        if (!is_ready(client, POLLOUT)) continue;
        const ssize_t sent = ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) bytes[0] = 0;
        if (sent < 0 && errno != EAGAIN) break;
      }
    }
  }

  UniqueFd listener_ = fakes::listen_on_loopback();
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};
};

TEST(PublisherFaults, DoesNotHangOnAServerThatNeverStopsTalking) {
  TalkingServer server;
  LiveProgram program;
  Destination destination(program, server.url());
  EXPECT_TRUE(wait_for([&] { return destination->status().last_fault.has_value(); }, 30s));
  auto stopping = std::async(std::launch::async, [&] { destination->stop(); });
  EXPECT_EQ(stopping.wait_for(4s), std::future_status::ready) << "2 s, and as much again for a busy machine";
  server.stop();
}

TEST(PublisherFaults, AnswersPingsAndAcknowledges) {
  const FakeRtmpServer server({.out_chunk_bytes = 60'000, .ack_window_bytes = 100, .pings = 3});
  LiveProgram program;
  Destination destination(program, server.url());
  ASSERT_TRUE(wait_for([&] { return server.seen().pongs == 3 && server.seen().acknowledgements > 0; }));
  destination->stop();
  ASSERT_TRUE(wait_for(
      [&] { return !server.seen().commands.empty() && server.seen().commands.back() == "deleteStream"; }));
  EXPECT_THAT(server.seen().commands,
              ::testing::ElementsAre("connect", "releaseStream", "FCPublish", "createStream", "publish",
                                     "FCUnpublish", "deleteStream"));
  EXPECT_EQ(server.seen().key, kCanaryKey) << "with all that stands behind the question mark";
}

TEST(PublisherFaults, BringsNothingOfOneConnectionIntoTheNext) {
  // The first server announces a chunk size and a window; the second, after it, does not.
  FakeRtmpServer server(
      {.out_chunk_bytes = 60'000, .ack_window_bytes = 100, .late_status = "NetStream.Failed"});
  LiveProgram program;
  Destination destination(program, server.url());
  ASSERT_TRUE(destination.wait_for_fault(ErrorCode::kIngestDisconnected));
  server.set_script({});
  ASSERT_TRUE(destination.wait_for_connect(2));
  ASSERT_TRUE(wait_for([&, frames = destination->status().frames_sent] {
    return destination->status().frames_sent > frames + 30;
  }));
  const auto media = server.seen().media;
  const auto second = std::ranges::find_if(
      media.rbegin(), media.rend(), [](const auto& message) { return message.type == RtmpType::kDataAmf0; });
  ASSERT_NE(second, media.rend());
  EXPECT_EQ(second->timestamp, 0U);
  const auto headers = second.base();
  ASSERT_GE(std::distance(headers, media.end()), 3);
  EXPECT_EQ(headers[0].type, RtmpType::kVideo);
  EXPECT_EQ(headers[0].payload[1], 0) << "AVC sequence header";
  EXPECT_EQ(headers[1].type, RtmpType::kAudio);
  EXPECT_EQ(headers[1].payload[1], 0) << "AAC sequence header";
  EXPECT_EQ(headers[2].payload[0], 0x17) << "then a keyframe";
}

// --- What a path does
// -----------------------------------------------------------------------------------------------

TEST(PublisherFaults, TellsARefusedPortAndAnUnknownName) {
  LiveProgram program;
  Destination refused(program, local_url(fakes::free_port()));
  ASSERT_TRUE(refused.wait_for_fault(ErrorCode::kConnectRefused));
  Destination unknown(program, "rtmp://no-such-host.invalid/live");
  ASSERT_TRUE(unknown.wait_for_fault(ErrorCode::kResolveFailed));
  EXPECT_THAT(unknown->status().last_fault->message, HasSubstr("no-such-host.invalid"));
}

TEST(PublisherFaults, SurvivesAResetOrCloseAtAnyByte) {
  NginxRtmp nginx;
  LiveProgram program;
  for (const int64_t bytes : {0, 1, 1000, 1537, 3073, 3200, 3500, 4000, 20'000}) {
    ChaosProxy proxy(nginx.port());
    bytes % 2 == 0 ? proxy.reset_after(bytes) : proxy.close_after(bytes);
    Destination destination(program, local_url(proxy.port()));
    ASSERT_TRUE(wait_for([&] { return destination->status().last_fault.has_value(); })) << bytes;
    proxy.reset_after(-1);
    proxy.close_after(-1);
    destination->retry_now();
    ASSERT_TRUE(destination.wait_for_connect(1)) << bytes;
    destination->stop();
    ASSERT_TRUE(wait_for([&] { return nginx.log().find("deleteStream") != std::string::npos; }));
  }
}

TEST(PublisherFaults, TakesACloseAtPublishByAProxyForARefusedKey) {
  NginxRtmp nginx;
  ChaosProxy proxy(nginx.port());
  proxy.close_at("publish\0");
  LiveProgram program;
  Destination destination(program, local_url(proxy.port()));
  EXPECT_TRUE(wait_for([&] { return destination->status().last_fault.has_value(); }));
  EXPECT_EQ(destination->status().connects, 0U);
}

TEST(PublisherFaults, UnderstandsAServerThatComesInSingleBytes) {
  NginxRtmp nginx;
  ChaosProxy proxy(nginx.port());
  proxy.set_mode(ChaosProxy::Mode::kSlices);
  LiveProgram program;
  Destination destination(program, local_url(proxy.port()));
  ASSERT_TRUE(wait_for([&] { return destination->status().connects == 1; }));
  EXPECT_FALSE(destination->status().last_fault);
}

struct Detection {
  const char* name;
  ChaosProxy::Mode mode;
};
class PublisherDeadPath : public ::testing::TestWithParam<Detection> {};

TEST_P(PublisherDeadPath, IsNoticedAndLeft) {
  NginxRtmp nginx;
  ChaosProxy proxy(nginx.port());
  LiveProgram program;
  Destination destination(program, local_url(proxy.port()));
  ASSERT_TRUE(destination.wait_for_connect(1));
  ASSERT_TRUE(wait_for([&] { return destination->status().frames_sent > 75; }));
  const auto begin = std::chrono::steady_clock::now();
  proxy.set_mode(GetParam().mode);
  ASSERT_TRUE(destination.wait_for_fault(ErrorCode::kTimeout));
  RecordProperty("detected_ms", static_cast<int>((std::chrono::steady_clock::now() - begin) / 1ms));
  proxy.set_mode(ChaosProxy::Mode::kForward);
  ASSERT_TRUE(destination.wait_for_connect(2));
}

INSTANTIATE_TEST_SUITE_P(All, PublisherDeadPath,
                         ::testing::Values(Detection{"HalfOpen", ChaosProxy::Mode::kSwallow},
                                           Detection{"NeverRead", ChaosProxy::Mode::kNeverRead}),
                         [](const auto& suite) { return suite.param.name; });

TEST(PublisherFaults, NoticesAServerProcessThatStandsStill) {
  NginxRtmp nginx;
  LiveProgram program;
  Destination destination(program, nginx.url());
  ASSERT_TRUE(wait_for([&] { return destination->status().frames_sent > 75; }));
  const auto begin = std::chrono::steady_clock::now();
  nginx.freeze();
  ASSERT_TRUE(destination.wait_for_fault(ErrorCode::kTimeout));
  RecordProperty("detected_ms", static_cast<int>((std::chrono::steady_clock::now() - begin) / 1ms));
  nginx.thaw();
  ASSERT_TRUE(destination.wait_for_connect(2));
}

TEST(PublisherFaults, NeverLeavesAServerThatIsOnlySlow) {
  NginxRtmp nginx;
  ChaosProxy proxy(nginx.port());
  LiveProgram program;
  Destination steady(program, nginx.url(), {.key = std::string(kCanaryKey).insert(0, "steady-")});
  Destination slow(program, local_url(proxy.port()));
  ASSERT_TRUE(slow.wait_for_connect(1));
  ASSERT_TRUE(steady.wait_for_connect(1));
  proxy.set_bytes_per_second(20'000);  // the programme has some 87'000
  ASSERT_TRUE(wait_for([&] { return slow->status().packets_skipped > 200; }));
  EXPECT_FALSE(slow->status().last_fault) << slow->status().last_fault->message;
  EXPECT_LT(slow->status().lag, 3s);
  proxy.set_bytes_per_second(0);
  ASSERT_TRUE(wait_for([&] { return slow->status().lag < 500ms; }));
  slow->stop();
  steady->stop();
  nginx.stop();
  ASSERT_THAT(nginx.recordings(kCanaryName), SizeIs(1));
  const auto judged = judge(nginx.recordings(kCanaryName)[0], Decode::kYes);
  EXPECT_EQ(judged.errors, "") << "whole GOPs are missing, and nothing else";
  EXPECT_GT(missing_frames(judged.video), 0);
  for (size_t i = 1; i < judged.video.size(); ++i) {
    if (judged.video[i].dts_ms - judged.video[i - 1].dts_ms > 40) {
      EXPECT_TRUE(judged.video[i].is_keyframe) << i;
    }
  }
  const auto untouched = judge(nginx.recordings(std::string("steady-") + kCanaryName)[0], Decode::kNo);
  EXPECT_EQ(missing_frames(untouched.video), 0);
}

TEST(PublisherFaults, DoesNotTakeFourKilobytesASecondForDeath) {
  NginxRtmp nginx;
  // With a larger buffer the peer's kernel itself takes nothing for longer, and nobody can tell it from one
  // that never reads.
  ChaosProxy proxy(nginx.port(), 4096);
  LiveProgram program;
  Destination destination(program, local_url(proxy.port()));
  ASSERT_TRUE(destination.wait_for_connect(1));
  proxy.set_bytes_per_second(4'000);
  ASSERT_TRUE(wait_for([&, frames = program.frames()] { return program.frames() > frames + 15 * 30; }));
  EXPECT_FALSE(destination->status().last_fault) << destination->status().last_fault->message;
  EXPECT_EQ(destination->status().connects, 1U);
}

TEST(PublisherFaults, EightThatFlapLeaveTheNinthAndTheProcessAlone) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
  };
  NginxRtmp nginx;
  ChaosProxy proxy(nginx.port());
  LiveProgram program;
  Destination steady(program, nginx.url());
  ASSERT_TRUE(steady.wait_for_connect(1));
  std::vector<std::unique_ptr<Destination>> flapping;
  for (int i = 0; i < 8; ++i) {
    flapping.push_back(std::make_unique<Destination>(
        program, local_url(proxy.port()), Destination::Options{.key = "flapping-" + std::to_string(i)}));
  }
  for (auto& destination : flapping) ASSERT_TRUE(destination->wait_for_connect(1));
  const auto before = descriptors();
  for (uint64_t round = 2; round <= 4; ++round) {
    ASSERT_TRUE(wait_for([&, frames = program.frames()] { return program.frames() > frames + 65; }));
    proxy.reset_all();
    for (auto& destination : flapping) ASSERT_TRUE(destination->wait_for_connect(round));
  }
  ASSERT_TRUE(wait_for([&] { return descriptors() <= before; }))
      << descriptors() << " descriptors, were " << before;
  steady->stop();
  nginx.stop();
  const auto judged = judge(nginx.recordings(kCanaryName)[0], Decode::kYes);
  EXPECT_EQ(judged.errors, "");
  EXPECT_EQ(missing_frames(judged.video), 0);
  EXPECT_EQ(judged.video.size(), steady->status().frames_sent);
}

TEST(PublisherFaults, StopsWithinItsBoundWhateverTheServerDoes) {
  NginxRtmp nginx;
  ChaosProxy proxy(nginx.port());
  LiveProgram program;
  Destination destination(program, local_url(proxy.port()));
  ASSERT_TRUE(destination.wait_for_connect(1));
  proxy.set_mode(ChaosProxy::Mode::kNeverRead);
  const auto begin = std::chrono::steady_clock::now();
  destination->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s) << "2 s, and as much again for a busy machine";
}

// --- Late timestamps
// ------------------------------------------------------------------------------------------------

class PublisherLate : public ::testing::TestWithParam<uint32_t> {};

TEST_P(PublisherLate, TimestampsArriveWhole) {
  NginxRtmp nginx;
  LiveProgram program({.speed = 2, .first_pts = {}, .max_frames = 150});
  Destination destination(program, nginx.url(), {.initial_timestamp_ms = GetParam()});
  ASSERT_TRUE(destination.wait_until(PublisherState::kStopped));
  nginx.stop();
  ASSERT_THAT(nginx.recordings(kCanaryName), SizeIs(1));
  const auto judged = judge(nginx.recordings(kCanaryName)[0], Decode::kYes);
  EXPECT_EQ(judged.errors, "");
  EXPECT_EQ(judged.video.size(), destination->status().frames_sent);
  EXPECT_EQ(missing_frames(judged.video), 0);
}

// 16 s around 2^24 ms (4 h 39 min 37 s): before, across it, and behind it, where the first message carries an
// extended field.
INSTANTIATE_TEST_SUITE_P(Around24Bits, PublisherLate,
                         ::testing::Values(0xFFFFF0U, 0xFFF000U, 0x1000000U, 0x2000000U));

TEST(PublisherFaults, BeginsANewConnectionBeforeTimestampsReach31Bits) {
  NginxRtmp nginx;
  LiveProgram program;
  Destination destination(program, nginx.url(), {.initial_timestamp_ms = (1U << 31) - 61'000});
  ASSERT_TRUE(destination.wait_for_connect(2));
  const auto status = destination->status();
  EXPECT_FALSE(status.last_fault) << "planned, no fault";
  const auto changes = destination.changes();
  ASSERT_GE(changes.size(), 3U);
  EXPECT_EQ(changes[1].state, PublisherState::kConnecting) << "not live in between";
  destination->stop();
  nginx.stop();
  const auto files = nginx.recordings(kCanaryName);
  ASSERT_GE(files.size(), 2U);
  const auto first = judge(files[0], Decode::kYes);
  const auto second = judge(files[1], Decode::kYes);
  EXPECT_EQ(first.video.size() % 60, 0U) << "ends before a keyframe";
  ASSERT_FALSE(second.video.empty());
  EXPECT_TRUE(second.video[0].is_keyframe);
}

TEST(PublisherFaults, ABroadcastOf40DaysStillSendsFromZero) {
  NginxRtmp nginx;
  LiveProgram program({.speed = 1, .first_pts = 24h * 40, .max_frames = -1});
  Destination destination(program, nginx.url());
  ASSERT_TRUE(wait_for([&] { return destination->status().frames_sent > 40; }));
  destination->stop();
  nginx.stop();
  const auto judged = judge(nginx.recordings(kCanaryName)[0], Decode::kYes);
  EXPECT_EQ(judged.errors, "");
  EXPECT_EQ(judged.video[0].dts_ms, 0);
  EXPECT_EQ(missing_frames(judged.video), 0);
}

}  // namespace
}  // namespace vitrine::encoder
