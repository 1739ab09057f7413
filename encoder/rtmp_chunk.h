// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>

#include "core/error.h"
#include "core/packet.h"

namespace vitrine::encoder {

/// RTMP message types (Adobe, "RTMP specification 1.0", 5.4 and 7.1).
enum class RtmpType : uint8_t {
  kSetChunkSize = 1,
  kAbort = 2,
  kAcknowledgement = 3,
  kUserControl = 4,
  kWindowAckSize = 5,
  kSetPeerBandwidth = 6,
  kAudio = 8,
  kVideo = 9,
  kCommandAmf3 = 17,
  kDataAmf0 = 18,
  kCommandAmf0 = 20,
};

struct RtmpMessage {
  RtmpType type{};
  uint32_t stream_id = 0;
  uint32_t timestamp = 0;  // ms, modulo 2^32
  Bytes payload;
};

inline constexpr uint32_t kRtmpInitialChunkSize = 128;

/// Cuts messages into chunks (5.3). One for each connection.
/// Timestamps go out as differences (type 1) wherever they don't go backwards: the field then never reaches
/// 2^24, which servers get wrong after 4 h 39 min. Where it does (a first message so late), the extended
/// field is repeated on every type 3 chunk of the message, as 5.3.1.3 says.
class RtmpChunkWriter {
 public:
  void set_chunk_size(uint32_t bytes) { chunk_size_ = bytes; }

  struct Header {
    uint8_t chunk_stream = 0;  // 2 to 63
    RtmpType type{};
    uint32_t stream_id = 0;
    uint32_t timestamp = 0;
  };
  /// Appends one message, its payload given in parts.
  void write(const Header& header, std::initializer_list<std::span<const uint8_t>> payload, Bytes& out);

 private:
  struct Last {
    uint32_t stream_id = 0;
    uint32_t timestamp = 0;
  };
  uint32_t chunk_size_ = kRtmpInitialChunkSize;
  std::map<uint8_t, Last> last_;  // by chunk stream
};

/// Puts a server's chunks together again. Obeys Set Chunk Size and Abort by itself, and hands them on too.
/// A server may be broken or hostile: messages over 256 KiB, more than 32 chunk streams or more than 1 MiB of
/// unfinished messages end the connection.
class RtmpChunkReader {
 public:
  /// Feeds what came; calls `on_message` for each message that is whole. Errors: kProtocol, or what
  /// `on_message` returned; the connection is over then.
  Status feed(std::span<const uint8_t> bytes, const std::function<Status(RtmpMessage)>& on_message);

 private:
  /// A chunk's header, with what it leaves out taken from the chunk before it in its stream.
  struct Header {
    int format = 0;
    uint32_t chunk_stream = 0;
    size_t bytes = 0;   // of the header itself
    uint32_t time = 0;  // timestamp or difference
    bool is_extended = false;
    uint32_t length = 0;
    RtmpType type{};
    uint32_t stream_id = 0;
  };
  struct Stream {
    Header last;
    uint32_t timestamp = 0;
    Bytes payload;  // so far
  };
  using OnMessage = std::function<Status(RtmpMessage)>;

  /// nullopt when more bytes are needed.
  Result<std::optional<Header>> read_header(std::span<const uint8_t> bytes) const;
  /// 0 when more bytes are needed, else how many were used.
  Result<size_t> read_chunk(std::span<const uint8_t> bytes, const OnMessage& on_message);
  Status finish_message(Stream& stream, const OnMessage& on_message);
  Status obey(const RtmpMessage& message);
  void forget_unfinished(Stream& stream);

  Bytes waiting_;  // less than one chunk between calls
  uint32_t chunk_size_ = kRtmpInitialChunkSize;
  std::map<uint32_t, Stream> streams_;
  size_t unfinished_bytes_ = 0;
};

}  // namespace vitrine::encoder
