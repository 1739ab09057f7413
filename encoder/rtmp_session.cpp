// SPDX-License-Identifier: Apache-2.0
#include "encoder/rtmp_session.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "encoder/detail/big_endian.h"
#include "encoder/flv_tag.h"
#include "encoder/rtmp_status.h"

namespace vitrine::encoder {
namespace {

using detail::append_be;
using detail::read_be;

constexpr size_t kHandshakeBytes = 1536;
constexpr uint8_t kVersion = 3;
// Nearly every picture fits into one chunk; some CDNs announce the same size themselves.
constexpr uint32_t kOutChunkBytes = 60'000;
// Of answers a server asked for and doesn't read: more than a picture, less than our memory.
constexpr size_t kMaxOutputBytes = 1024 * 1024;

// Chunk streams as Flash and librtmp use them; servers tell nothing from them.
constexpr uint8_t kControlChunks = 2;
constexpr uint8_t kCommandChunks = 3;
constexpr uint8_t kAudioChunks = 4;
constexpr uint8_t kVideoChunks = 6;

// One command of each is sent, so the transaction (a number, and AMF's numbers are doubles) tells which
// answer came.
constexpr double kConnect = 1;
constexpr double kReleaseStream = 2;
constexpr double kFcPublish = 3;
constexpr double kCreateStream = 4;
constexpr double kPublish = 5;
constexpr double kFcUnpublish = 6;
constexpr double kDeleteStream = 7;

enum UserControlEvent : uint16_t { kPingRequest = 6, kPingResponse = 7 };

}  // namespace

RtmpSession::RtmpSession(Config config) : config_(std::move(config)) {
  start_handshake();
}

Bytes RtmpSession::take_output() {
  return std::exchange(output_, {});
}

/// C0 and C1 (5.2.2, 5.2.3). The "random" bytes only have to differ from zeros; nothing depends on them.
void RtmpSession::start_handshake() {
  output_.push_back(kVersion);
  append_be(output_, 0, 8);
  std::minstd_rand random;  // NOLINT(cert-msc51-cpp): see above
  for (size_t i = 8; i < kHandshakeBytes; ++i) output_.push_back(static_cast<uint8_t>(random()));
}

Status RtmpSession::receive(std::span<const uint8_t> bytes) {
  received_bytes_ += bytes.size();
  if (phase_ == Phase::kHandshake) {
    bytes = bytes.subspan(receive_handshake(bytes));
    if (!handshake_.empty() && handshake_.front() != kVersion) {
      return fail(
          ErrorCode::kProtocol,
          fmt::format("the server does not speak RTMP (its first byte is {:#04x})", handshake_.front()));
    }
  }
  if (bytes.empty()) return {};
  const auto ok =
      reader_.feed(bytes, [this](const RtmpMessage& message) { return receive_message(message); });
  acknowledge_if_due();
  return ok;
}

/// Takes its share of the bytes: S0, S1, S2. Answers S1 with C2 and S2 with connect.
size_t RtmpSession::receive_handshake(std::span<const uint8_t> bytes) {
  constexpr size_t kS1End = 1 + kHandshakeBytes;
  constexpr size_t kS2End = kS1End + kHandshakeBytes;
  const size_t before = handshake_.size();
  const size_t taken = std::min(bytes.size(), kS2End - before);
  handshake_.insert(handshake_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
  if (before < kS1End && handshake_.size() >= kS1End && handshake_.front() == kVersion) {
    output_.insert(output_.end(), handshake_.begin() + 1, handshake_.begin() + kS1End);
  }
  if (handshake_.size() == kS2End && handshake_.front() == kVersion) {
    phase_ = Phase::kConnect;
    send_connect();
  }
  return taken;
}

Status RtmpSession::receive_message(const RtmpMessage& message) {
  const auto number = [&] { return static_cast<uint32_t>(read_be(std::span(message.payload).first(4))); };
  switch (message.type) {
    case RtmpType::kAcknowledgement:
      receive_acknowledgement(message);
      return {};
    case RtmpType::kWindowAckSize:
      if (message.payload.size() >= 4) server_window_ = number();
      return {};
    case RtmpType::kUserControl:
      return receive_user_control(message);
    case RtmpType::kCommandAmf0:
      return receive_command(message);
    // Set Peer Bandwidth limits what we may have unacknowledged. Answering it with a window of the server's
    // own choice would undo the small one we asked for, on which the detection of a frozen server rests.
    case RtmpType::kSetPeerBandwidth:
    default:
      return {};
  }
}

/// Most servers count from the connection's start, modulo 2^32; some (YouTube) send the step itself.
void RtmpSession::receive_acknowledgement(const RtmpMessage& message) {
  ++acknowledgements_;
  if (message.payload.size() < 4) return;
  const auto number = static_cast<uint32_t>(read_be(std::span(message.payload).first(4)));
  const uint32_t step = number > last_acknowledgement_ ? number - last_acknowledgement_ : number;
  acknowledgement_step_ = std::max(acknowledgement_step_, step);
  last_acknowledgement_ = number;
}

Status RtmpSession::receive_user_control(const RtmpMessage& message) {
  if (message.payload.size() < 6 || read_be(std::span(message.payload).first(2)) != kPingRequest) return {};
  if (output_.size() > kMaxOutputBytes)
    return fail(ErrorCode::kProtocol, "the server asks without end and does not read the answers");
  Bytes answer;
  append_be(answer, kPingResponse, 2);
  answer.insert(answer.end(), message.payload.begin() + 2, message.payload.begin() + 6);
  send_control(RtmpType::kUserControl, answer);
  return {};
}

void RtmpSession::acknowledge_if_due() {
  if (server_window_ == 0 || received_bytes_ - acknowledged_bytes_ < server_window_) return;
  acknowledged_bytes_ = received_bytes_;
  Bytes sequence;
  append_be(sequence, static_cast<uint32_t>(received_bytes_), 4);
  send_control(RtmpType::kAcknowledgement, sequence);
}

Status RtmpSession::receive_command(const RtmpMessage& message) {
  auto values = amf0::decode(message.payload);
  if (!values) return tl::unexpected(values.error().with_context("a command of the server"));
  values->resize(std::max<size_t>(values->size(), 4));
  const auto* const name = (*values)[0].text();
  const auto* const transaction = (*values)[1].number();
  const auto& info = (*values)[3];
  if (name == nullptr) return {};
  if (*name == "_result" || *name == "_error") {
    if (*name == "_result" && transaction != nullptr && *transaction == kConnect) {
      server_name_ = without_key((*values)[2].text_of("fmsVer"), config_.key);
    }
    return receive_result(*name, transaction == nullptr ? 0 : *transaction, info);
  }
  if (*name == "onStatus") return receive_status(info);
  if (*name == "close")
    return tl::unexpected(error_of_status("NetConnection.Connect.Closed", "", config_.key));
  return {};
}

Status RtmpSession::receive_result(std::string_view name, double transaction, const amf0::Value& info) {
  if (transaction == kConnect && phase_ == Phase::kConnect) {
    if (name == "_error") {
      const auto code = info.text_of("code");
      return tl::unexpected(error_of_status(code.empty() ? "NetConnection.Connect.Rejected" : code,
                                            info.text_of("description"), config_.key));
    }
    phase_ = Phase::kCreateStream;
    send_create_stream();
  } else if (transaction == kCreateStream && phase_ == Phase::kCreateStream) {
    if (name == "_error")
      return tl::unexpected(error_of_status("NetStream.Failed", info.text_of("description"), config_.key));
    const auto* const id = info.number();
    if (id == nullptr || !(*id >= 0 && *id <= UINT32_MAX)) {
      return fail(ErrorCode::kProtocol, "the server's answer to createStream has no stream number");
    }
    stream_id_ = static_cast<uint32_t>(*id);
    phase_ = Phase::kPublish;
    send_publish();
  }
  return {};  // releaseStream and FCPublish are answered with _error by servers that don't know them
}

Status RtmpSession::receive_status(const amf0::Value& info) {
  const auto code = info.text_of("code");
  if (code == "NetStream.Publish.Start") {
    if (phase_ == Phase::kPublish) {
      phase_ = Phase::kLive;
      send_headers();
    }
    return {};
  }
  // Our own goodbye is answered, too.
  if (phase_ == Phase::kEnded || !ends_connection(code, info.text_of("level"))) return {};
  return tl::unexpected(error_of_status(code, info.text_of("description"), config_.key));
}

void RtmpSession::send_control(RtmpType type, std::span<const uint8_t> payload) {
  writer_.write({kControlChunks, type, 0, 0}, {payload}, output_);
}

void RtmpSession::send_command(uint32_t stream_id, const Bytes& payload) {
  writer_.write({kCommandChunks, RtmpType::kCommandAmf0, stream_id, 0}, {payload}, output_);
}

void RtmpSession::send_connect() {
  Bytes payload;
  amf0::Writer writer(payload);
  writer.text("connect").number(kConnect).begin_object();
  writer.name("app").text(config_.app);
  writer.name("type").text("nonprivate");
  // Ingests look for "FMLE" here to know an encoder from a player.
  writer.name("flashVer").text("FMLE/3.0 (compatible; Vitrine)");
  writer.name("swfUrl").text(config_.tc_url);
  writer.name("tcUrl").text(config_.tc_url);
  writer.end();
  send_command(0, payload);
}

void RtmpSession::send_create_stream() {
  Bytes number;
  append_be(number, kOutChunkBytes, 4);
  send_control(RtmpType::kSetChunkSize, number);
  writer_.set_chunk_size(kOutChunkBytes);
  number.clear();
  append_be(number, kAckWindowBytes, 4);
  send_control(RtmpType::kWindowAckSize, number);
  // The order of Flash's encoder: some ingests close on those who leave out releaseStream and FCPublish.
  for (const auto& [name, transaction] :
       {std::pair{"releaseStream", kReleaseStream}, {"FCPublish", kFcPublish}}) {
    Bytes payload;
    amf0::Writer(payload).text(name).number(transaction).null().text(config_.key.reveal());
    send_command(0, payload);
  }
  Bytes payload;
  amf0::Writer(payload).text("createStream").number(kCreateStream).null();
  send_command(0, payload);
}

void RtmpSession::send_publish() {
  Bytes payload;
  amf0::Writer(payload).text("publish").number(kPublish).null().text(config_.key.reveal()).text("live");
  send_command(stream_id_, payload);
}

void RtmpSession::send_headers() {
  if (!config_.stream.video_config) return;  // a trial
  const uint32_t time = config_.initial_timestamp_ms;
  writer_.write({kCommandChunks, RtmpType::kDataAmf0, stream_id_, time}, {flv::metadata(config_.stream)},
                output_);
  const auto video = flv::video_header(flv::FrameType::kKeyframe, flv::AvcType::kSequenceHeader, 0);
  writer_.write({kVideoChunks, RtmpType::kVideo, stream_id_, time}, {video, *config_.stream.video_config},
                output_);
  const auto audio = flv::audio_header(flv::AacType::kSequenceHeader);
  writer_.write({kAudioChunks, RtmpType::kAudio, stream_id_, time}, {audio, *config_.stream.audio_config},
                output_);
}

uint32_t RtmpSession::to_timestamp(MediaTime time) const {
  // A late packet of the other stream may lie a little before the keyframe the connection began with.
  const MediaTime elapsed = std::max(MediaTime{0}, time - first_dts_.value_or(time));
  return config_.initial_timestamp_ms +
         static_cast<uint32_t>(rescale(elapsed.count(), kNanoseconds, kMilliseconds));
}

void RtmpSession::send(const Packet& packet) {
  if (phase_ != Phase::kLive) return;
  if (!first_dts_) first_dts_ = packet.dts;
  const uint32_t time = to_timestamp(packet.dts);
  if (packet.kind == PacketKind::kVideo) {
    const auto frame = packet.is_keyframe ? flv::FrameType::kKeyframe : flv::FrameType::kInter;
    const auto composition_ms = static_cast<int32_t>(to_timestamp(packet.pts) - time);
    const auto header = flv::video_header(frame, flv::AvcType::kPicture, composition_ms);
    writer_.write({kVideoChunks, RtmpType::kVideo, stream_id_, time}, {header, *packet.bytes}, output_);
  } else {
    const auto header = flv::audio_header(flv::AacType::kRaw);
    writer_.write({kAudioChunks, RtmpType::kAudio, stream_id_, time}, {header, *packet.bytes}, output_);
  }
}

void RtmpSession::finish() {
  if (phase_ == Phase::kPublish || phase_ == Phase::kLive) {
    Bytes payload;
    amf0::Writer(payload).text("FCUnpublish").number(kFcUnpublish).null().text(config_.key.reveal());
    send_command(0, payload);
    payload.clear();
    amf0::Writer(payload).text("deleteStream").number(kDeleteStream).null().number(stream_id_);
    send_command(0, payload);
  }
  phase_ = Phase::kEnded;
}

}  // namespace vitrine::encoder
