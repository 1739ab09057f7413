// SPDX-License-Identifier: Apache-2.0
#include "encoder/publisher.h"

#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/encoder/destination.h"
#include "tests/encoder/flv_judge.h"
#include "tests/fakes/chaos_proxy.h"
#include "tests/fakes/nginx_rtmp.h"
#include "tests/fakes/sockets.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using fakes::LiveProgram;
using fakes::NginxRtmp;
using fakes::wait_for;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Publisher, SendsEveryPacketAsFfmpegReadsIt) {
  NginxRtmp nginx;
  LiveProgram program({.speed = 4, .first_pts = {}, .max_frames = 230});
  Destination destination(program, nginx.url());
  ASSERT_TRUE(destination.wait_until(PublisherState::kStopped))
      << "the ring was closed, so it ends by itself";
  nginx.stop();
  ASSERT_THAT(nginx.recordings(kCanaryName), SizeIs(1)) << nginx.log();
  const auto judged = judge(nginx.recordings(kCanaryName)[0], Decode::kYes);
  EXPECT_EQ(judged.errors, "");

  // What was sent begins at a keyframe: the first, or a later one where this machine was slow to connect.
  const auto& packets = fakes::encoded_packets();
  ASSERT_FALSE(judged.video.empty());
  const size_t first_frame = 230 - judged.video.size();
  std::vector<const Packet*> video;
  std::vector<const Packet*> audio;
  size_t frame = 0;
  for (const auto& packet : packets) {
    const bool is_video = packet.kind == PacketKind::kVideo;
    if (is_video && frame++ == 230) break;
    if (frame > first_frame) (is_video ? video : audio).push_back(&packet);
  }
  ASSERT_EQ(judged.video.size(), video.size());
  ASSERT_EQ(judged.audio.size(), audio.size());
  EXPECT_TRUE(video[0]->is_keyframe);
  const MediaTime first = video[0]->dts;
  const auto ms = [&](MediaTime time) {
    return rescale((time - first).count(), kNanoseconds, kMilliseconds);
  };
  for (size_t i = 0; i < video.size(); ++i) {
    ASSERT_EQ(judged.video[i].pts_ms, ms(video[i]->pts)) << i;
    ASSERT_EQ(judged.video[i].dts_ms, ms(video[i]->dts)) << i;
    ASSERT_EQ(judged.video[i].size, static_cast<int64_t>(video[i]->bytes->size())) << i;
    ASSERT_EQ(judged.video[i].is_keyframe, video[i]->is_keyframe) << i;
  }
  for (size_t i = 0; i < audio.size(); ++i) {
    ASSERT_EQ(judged.audio[i].size, static_cast<int64_t>(audio[i]->bytes->size())) << i;
    ASSERT_EQ(judged.audio[i].dts_ms, ms(audio[i]->dts)) << i;
  }
}

TEST(Publisher, TellsWhatItDoes) {
  NginxRtmp nginx;
  LiveProgram program;
  Destination destination(program, nginx.url());
  ASSERT_TRUE(destination.wait_for_connect(1));
  ASSERT_TRUE(wait_for([&] { return destination->status().bitrate_bps > 100'000; }));
  auto status = destination->status();
  EXPECT_THAT(status.server, HasSubstr("127.0.0.1"));
  EXPECT_EQ(status.connects, 1U);
  EXPECT_FALSE(status.last_fault);
  EXPECT_LT(status.lag, 2s);
  destination->stop();
  destination->stop();
  EXPECT_EQ(destination->status().state, PublisherState::kStopped);
  const auto changes = destination.changes();
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_EQ(changes[0].state, PublisherState::kLive);
  EXPECT_EQ(changes[1].state, PublisherState::kStopped);
  EXPECT_TRUE(wait_for([&] { return nginx.log().find("deleteStream") != std::string::npos; })) << nginx.log();
}

TEST(Publisher, StopSendsWhatTheClosedRingHolds) {
  NginxRtmp nginx;
  const auto ring = std::make_shared<PacketRing>(PacketRing::Config{12s, 48U << 20});
  PublisherConfig config;
  config.destination = "last";
  config.url = nginx.url();
  config.key = Secret("show");
  auto publisher = Publisher::create(std::move(config), LiveProgram::info(), ring, {});
  ASSERT_TRUE(publisher);
  // A second and a half: of more than 2.5 s the publisher would leave something out to stay live.
  const std::span packets = std::span(fakes::encoded_packets()).first(115);
  auto next = packets.begin();
  const auto push_one = [&] { ring->push(*next++); };
  while (next->kind != PacketKind::kVideo) push_one();
  const auto before = next - packets.begin();
  push_one();
  ASSERT_TRUE(wait_for([&] { return (*publisher)->status().frames_sent == 1; }));
  while (next != packets.end()) push_one();
  ring->close();
  (*publisher)->stop();
  nginx.stop();
  ASSERT_THAT(nginx.recordings("show"), SizeIs(1)) << nginx.log();
  const auto judged = judge(nginx.recordings("show")[0], Decode::kYes);
  EXPECT_EQ(judged.video.size() + judged.audio.size(), packets.size() - static_cast<size_t>(before))
      << "the show lost its last pictures";
}

TEST(Publisher, DeathOfOneDestinationIsNotFeltByAnother) {
  NginxRtmp good;
  NginxRtmp bad;
  LiveProgram program;
  Destination steady(program, good.url());
  Destination dying(program, bad.url());
  ASSERT_TRUE(steady.wait_for_connect(1));
  ASSERT_TRUE(dying.wait_for_connect(1));
  bad.kill();
  ASSERT_TRUE(dying.wait_for_fault(ErrorCode::kConnectRefused));
  bad.start();
  ASSERT_TRUE(dying.wait_for_connect(2));
  const int64_t frames = program.frames();
  ASSERT_TRUE(wait_for([&] { return program.frames() > frames + 30; }));
  steady->stop();
  dying->stop();
  good.stop();
  bad.stop();
  ASSERT_THAT(good.recordings(kCanaryName), SizeIs(1)) << "the steady one never reconnected";
  const auto judged = judge(good.recordings(kCanaryName)[0], Decode::kYes);
  EXPECT_EQ(judged.errors, "");
  EXPECT_EQ(missing_frames(judged.video), 0);
  EXPECT_EQ(judged.video.size(), steady->status().frames_sent);
  ASSERT_THAT(bad.recordings(kCanaryName), SizeIs(2));
  const auto resumed = judge(bad.recordings(kCanaryName)[1], Decode::kYes);
  EXPECT_EQ(resumed.errors, "");
  ASSERT_FALSE(resumed.video.empty());
  EXPECT_TRUE(resumed.video[0].is_keyframe);
  EXPECT_EQ(resumed.video[0].dts_ms, 0) << "each connection begins at 0";
}

TEST(Publisher, ComesBackAtOnceAfterAReset) {
  NginxRtmp nginx;
  fakes::ChaosProxy proxy(nginx.port());
  LiveProgram program;
  Destination destination(program, local_url(proxy.port()));
  ASSERT_TRUE(destination.wait_for_connect(1));
  for (uint64_t i = 2; i <= 4; ++i) {
    ASSERT_TRUE(wait_for([&, frames = program.frames()] { return program.frames() > frames + 70; }));
    proxy.reset_all();
    ASSERT_TRUE(destination.wait_for_connect(i));
    EXPECT_EQ(destination->status().last_fault->code, ErrorCode::kIngestDisconnected);
  }
  for (const auto& change : destination.changes()) {
    EXPECT_EQ(change.retry_in, 0ms);
  }
}

}  // namespace
}  // namespace vitrine::encoder
