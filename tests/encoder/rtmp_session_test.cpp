// SPDX-License-Identifier: Apache-2.0
#include "encoder/rtmp_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoder/flv_tag.h"
#include "encoder/rtmp_status.h"
#include "tests/encoder/key_watch.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

StreamInfo stream_info() {
  StreamInfo info;
  info.size = {1280, 720};
  info.frame_rate = {30, 1};
  info.audio_rate_hz = 48'000;
  info.audio_channels = 2;
  info.video_config = std::make_shared<const Bytes>(Bytes{1, 100, 0, 31});
  info.audio_config = std::make_shared<const Bytes>(Bytes{0x11, 0x90});
  return info;
}

/// The server's side, by hand.
class Server {
 public:
  static Bytes hello() {
    Bytes bytes(1 + 2 * 1536, 9);
    bytes[0] = 3;
    return bytes;
  }
  Bytes result(double transaction, const std::function<void(amf0::Writer&)>& rest) {
    return command([&](amf0::Writer& writer) {
      writer.text("_result").number(transaction);
      rest(writer);
    });
  }
  Bytes status(const std::string& level, const std::string& code, const std::string& description) {
    return command([&](amf0::Writer& writer) {
      writer.text("onStatus").number(0).null().begin_object();
      writer.name("level").text(level).name("code").text(code).name("description").text(description).end();
    });
  }
  Bytes command(const std::function<void(amf0::Writer&)>& write) {
    Bytes payload;
    Bytes out;
    amf0::Writer writer(payload);
    write(writer);
    chunks_.write({3, RtmpType::kCommandAmf0, 0, 0}, {payload}, out);
    return out;
  }

 private:
  RtmpChunkWriter chunks_;
};

class Connected {
 public:
  RtmpSession session{
      {.app = "live", .tc_url = "rtmp://h/live", .key = Secret(kCanaryKey), .stream = stream_info()}};
  Server server;

  Connected() {
    EXPECT_TRUE(session.receive(Server::hello()));
    EXPECT_TRUE(session.receive(server.result(1, [](amf0::Writer& writer) {
      writer.begin_object().name("fmsVer").text("X/1").end().begin_object().end();
    })));
    EXPECT_TRUE(session.receive(server.result(4, [](amf0::Writer& writer) { writer.null().number(1); })));
    EXPECT_EQ(session.phase(), RtmpSession::Phase::kPublish);
  }
  void start() {
    EXPECT_TRUE(session.receive(server.status("status", "NetStream.Publish.Start", "")));
    EXPECT_EQ(session.phase(), RtmpSession::Phase::kLive);
    sent();
  }
  /// The messages in what the session has sent since the last call.
  std::vector<RtmpMessage> sent() {
    const Bytes bytes = session.take_output();
    const size_t greeting = std::exchange(has_greeted_, true) ? 0 : 1 + 2 * 1536;
    std::vector<RtmpMessage> messages;
    const auto ok = reader_.feed(std::span(bytes).subspan(greeting), [&](RtmpMessage message) {
      messages.push_back(std::move(message));
      return Status{};
    });
    EXPECT_TRUE(ok) << ok.error().message;
    return messages;
  }

 private:
  RtmpChunkReader reader_;
  bool has_greeted_ = false;
};

Packet picture(MediaTime dts, MediaTime pts, bool is_keyframe) {
  Packet packet;
  packet.kind = PacketKind::kVideo;
  packet.dts = dts;
  packet.pts = pts;
  packet.is_keyframe = is_keyframe;
  packet.bytes = std::make_shared<const Bytes>(Bytes{0, 0, 0, 1, 0x65});
  return packet;
}

TEST(RtmpSession, GoesThroughItsPhasesAndKnowsTheServer) {
  Connected connected;
  connected.start();
  EXPECT_EQ(connected.session.server_name(), "X/1");
  connected.session.finish();
  EXPECT_EQ(connected.session.phase(), RtmpSession::Phase::kEnded);
}

TEST(RtmpSession, TakesTheHandshakeByteByByte) {
  RtmpSession session(
      {.app = "live", .tc_url = "rtmp://h/live", .key = Secret("k"), .stream = stream_info()});
  EXPECT_EQ(session.take_output().size(), 1537U) << "C0 and C1";
  size_t answered = 0;
  for (const uint8_t byte : Server::hello()) {
    ASSERT_TRUE(session.receive(std::span(&byte, 1)));
    if (session.phase() == RtmpSession::Phase::kHandshake) answered += session.take_output().size();
  }
  EXPECT_EQ(answered, 1536U) << "C2";
  EXPECT_EQ(session.phase(), RtmpSession::Phase::kConnect);
}

TEST(RtmpSession, SendsNothingBeforeTheServerSaysStart) {
  Connected connected;
  static_cast<void>(connected.session.take_output());
  connected.session.send(picture(0ms, 0ms, true));
  EXPECT_TRUE(connected.session.take_output().empty());
}

TEST(RtmpSession, CountsTimeFromItsFirstPacket) {
  Connected connected;
  connected.start();
  connected.session.send(picture(10'000ms, 10'066ms, true));
  connected.session.send(picture(10'033ms, 10'033ms, false));
  connected.session.send(picture(9'990ms, 9'990ms, false));  // a late one: not below zero
  const auto sent = connected.sent();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0].timestamp, 0U);
  EXPECT_THAT(Bytes(sent[0].payload.begin(), sent[0].payload.begin() + 5), ElementsAre(0x17, 1, 0, 0, 66));
  EXPECT_EQ(sent[1].timestamp, 33U);
  EXPECT_EQ(sent[1].payload[0], 0x27);
  EXPECT_EQ(sent[2].timestamp, 0U);
}

TEST(RtmpSession, AnswersAPing) {
  Connected connected;
  connected.start();
  ASSERT_TRUE(connected.session.receive(Bytes{0x02, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 1, 2, 3, 4}));
  const auto sent = connected.sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].type, RtmpType::kUserControl);
  EXPECT_THAT(sent[0].payload, ElementsAre(0, 7, 1, 2, 3, 4));
}

TEST(RtmpSession, CountsAcknowledgements) {
  Connected connected;
  connected.start();
  EXPECT_EQ(connected.session.acknowledgements(), 0U);
  ASSERT_TRUE(connected.session.receive(Bytes{0x02, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 1, 0}));
  EXPECT_EQ(connected.session.acknowledgements(), 1U);
}

TEST(RtmpSession, LearnsHowOftenTheServerAcknowledges) {
  const auto steps = [](std::initializer_list<uint32_t> numbers) {
    Connected connected;
    connected.start();
    for (const uint32_t number : numbers) {
      Bytes message{0x02, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0};
      for (const int shift : {24, 16, 8, 0}) message.push_back(static_cast<uint8_t>(number >> shift));
      EXPECT_TRUE(connected.session.receive(message));
    }
    return connected.session.acknowledgement_step();
  };
  EXPECT_EQ(steps({}), 0U);
  EXPECT_EQ(steps({2'500'100, 5'000'200, 7'500'300}), 2'500'100U) << "counted from the start";
  EXPECT_EQ(steps({131'325, 131'325, 131'325}), 131'325U) << "the step itself, as YouTube does";
  EXPECT_EQ(steps({16'400, 32'800, 10}), 16'400U) << "over 2^32 and on from 0";
}

TEST(RtmpSession, EndsWhenTheServerAsksWithoutEndAndReadsNoAnswer) {
  Connected connected;
  connected.start();
  const Bytes ping{0x02, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 1, 2, 3, 4};
  Status ok;
  for (int i = 0; i < 200'000 && ok; ++i) ok = connected.session.receive(ping);
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().code, ErrorCode::kProtocol);
}

TEST(RtmpSession, IgnoresWhatIsNoError) {
  Connected connected;
  connected.start();
  EXPECT_TRUE(connected.session.receive(connected.server.status("status", "NetStream.Data.Start", "")));
  EXPECT_TRUE(
      connected.session.receive(connected.server.status("warning", "NetStream.Play.InsufficientBW", "")));
  EXPECT_TRUE(connected.session.receive(
      connected.server.command([](amf0::Writer& w) { w.text("onBWDone").number(0); })));
  EXPECT_TRUE(connected.session.receive(connected.server.command([](amf0::Writer& w) { w.number(1); })));
  EXPECT_EQ(connected.session.phase(), RtmpSession::Phase::kLive);
}

TEST(RtmpSession, EndsWhenTheServerUnpublishesIt) {
  Connected connected;
  connected.start();
  const auto ok =
      connected.session.receive(connected.server.status("status", "NetStream.Unpublish.Success", ""));
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().code, ErrorCode::kIngestDisconnected);
}

TEST(RtmpSession, DoesNotTakeTheAnswerToItsGoodbyeForAFault) {
  Connected connected;
  connected.start();
  connected.session.finish();
  EXPECT_TRUE(
      connected.session.receive(connected.server.status("status", "NetStream.Unpublish.Success", "")));
}

TEST(RtmpSession, RefusesAStreamNumberThatIsNone) {
  RtmpSession session(
      {.app = "live", .tc_url = "rtmp://h/live", .key = Secret("k"), .stream = stream_info()});
  Server server;
  ASSERT_TRUE(session.receive(Server::hello()));
  ASSERT_TRUE(session.receive(server.result(1, [](amf0::Writer& writer) { writer.null().null(); })));
  EXPECT_FALSE(session.receive(server.result(4, [](amf0::Writer& writer) { writer.null().number(-1e300); })));
}

TEST(RtmpStatus, MapsEachCodeToWhatAPersonCanDo) {
  const Secret key(kCanaryKey);
  EXPECT_EQ(error_of_status("NetStream.Publish.BadName", "", key).code, ErrorCode::kIngestBusy);
  EXPECT_EQ(error_of_status("NetStream.Publish.Denied", "", key).code, ErrorCode::kAuthRejected);
  EXPECT_EQ(error_of_status("NetConnection.Connect.InvalidApp", "", key).code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of_status("NetStream.Failed", "", key).code, ErrorCode::kIngestDisconnected);
  const auto unknown = error_of_status("NetStream.Odd", "because", key);
  EXPECT_EQ(unknown.code, ErrorCode::kProtocol);
  EXPECT_THAT(unknown.message, AllOf(HasSubstr("NetStream.Odd"), HasSubstr("because")));
}

TEST(RtmpStatus, TakesTheKeyOutOfWhatAServerEchoes) {
  const Secret key(kCanaryKey);
  const std::string whole = std::string("bad ") + kCanaryKey + " name";
  EXPECT_EQ(without_key(whole, key), "bad [key] name");
  EXPECT_EQ(without_key(std::string("stream ") + kCanaryName + " busy", key), "stream [key] busy");
  EXPECT_THAT(without_key("/live/vtr%2Dcanary%2D8fK2mQ9xL4%3Fexpire%3D69b2c3d4", key),
              AllOf(Not(HasSubstr("8fK2mQ9xL4")), Not(HasSubstr("69b2c3d4")), Not(HasSubstr("canary"))));
  EXPECT_EQ(without_key("publish denied", key), "publish denied");
  EXPECT_EQ(without_key("key abc is bad", Secret("abc")), "key [key] is bad");
  EXPECT_EQ(without_key("any text", Secret("")), "any text");
}

TEST(RtmpStatus, LetsNoControlCharactersOrFloodsThrough) {
  const Secret key("k-e-y-of-no-meaning");
  EXPECT_EQ(without_key("a\nb\x1b[31m\x7F", key), "a b [31m ");
  EXPECT_EQ(without_key("\xE2\x80\xAE"
                        "evil",
                        key),
            "evil");
  EXPECT_EQ(without_key("\xFF\xFE"
                        "raw",
                        key),
            "raw");
  EXPECT_LE(without_key(std::string(10'000, 'x'), key).size(), 160U);
}

TEST(RtmpStatus, CutsALongTextBetweenCharacters) {
  std::string chinese;
  for (int i = 0; i < 100; ++i) chinese += "鉴";
  const auto shown = without_key("x" + chinese, Secret("k-e-y-of-no-meaning"));
  EXPECT_EQ(shown, "x" + chinese.substr(0, 159));
  EXPECT_EQ(without_key("xx" + chinese, Secret("k-e-y-of-no-meaning")), "xx" + chinese.substr(0, 156));
}

TEST(FlvTag, WritesHeadersOfThePublishedForm) {
  EXPECT_THAT(flv::video_header(flv::FrameType::kKeyframe, flv::AvcType::kSequenceHeader, 0),
              ElementsAre(0x17, 0, 0, 0, 0));
  EXPECT_THAT(flv::video_header(flv::FrameType::kInter, flv::AvcType::kPicture, -1),
              ElementsAre(0x27, 1, 0xFF, 0xFF, 0xFF));
  EXPECT_THAT(flv::audio_header(flv::AacType::kRaw), ElementsAre(0xAF, 1));
  const auto values = amf0::decode(flv::metadata(stream_info()));
  ASSERT_TRUE(values) << values.error().message;
  ASSERT_EQ(values->size(), 3U);
  EXPECT_EQ(*(*values)[0].text(), "@setDataFrame");
  EXPECT_EQ(*(*values)[1].text(), "onMetaData");
  EXPECT_EQ(*(*values)[2].find("width")->number(), 1280);
  EXPECT_EQ(*(*values)[2].find("audiosamplerate")->number(), 48'000);
}

}  // namespace
}  // namespace vitrine::encoder
