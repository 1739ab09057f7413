// SPDX-License-Identifier: Apache-2.0
#include "encoder/rtmp_chunk.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "encoder/detail/big_endian.h"

namespace vitrine::encoder {
namespace {

using detail::append_be;
using detail::read_be;

constexpr uint32_t kExtendedTimestamp = 0xFFFFFF;
constexpr size_t kMaxMessageBytes = 256 * 1024;
constexpr size_t kMaxUnfinishedBytes = 1024 * 1024;
constexpr size_t kMaxChunkStreams = 32;

/// Bytes of the message header behind the basic header, by chunk format.
constexpr size_t kMessageHeaderBytes[] = {11, 7, 3, 0};

uint32_t read_le32(std::span<const uint8_t> bytes) {
  return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

/// Format, chunk stream and their length; nullopt when more bytes are needed (5.3.1.1).
struct BasicHeader {
  int format;
  uint32_t chunk_stream;
  size_t bytes;
};
std::optional<BasicHeader> read_basic_header(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return std::nullopt;
  const int format = bytes[0] >> 6;
  const uint32_t id = bytes[0] & 0x3F;
  if (id >= 2) return BasicHeader{format, id, 1};
  const size_t length = id == 0 ? 2 : 3;
  if (bytes.size() < length) return std::nullopt;
  const uint32_t high = id == 0 ? 0 : uint32_t{bytes[2]} * 256;
  return BasicHeader{format, 64 + bytes[1] + high, length};
}

}  // namespace

void RtmpChunkWriter::write(const Header& header, std::initializer_list<std::span<const uint8_t>> payload,
                            Bytes& out) {
  size_t length = 0;
  for (const auto& part : payload) length += part.size();

  const auto [last, is_first] = last_.try_emplace(header.chunk_stream);
  const bool is_delta =
      !is_first && last->second.stream_id == header.stream_id && header.timestamp >= last->second.timestamp;
  const uint32_t time = is_delta ? header.timestamp - last->second.timestamp : header.timestamp;
  last->second = {header.stream_id, header.timestamp};

  const bool is_extended = time >= kExtendedTimestamp;
  out.push_back(static_cast<uint8_t>((is_delta ? 0x40 : 0x00) | header.chunk_stream));
  append_be(out, is_extended ? kExtendedTimestamp : time, 3);
  append_be(out, length, 3);
  out.push_back(static_cast<uint8_t>(header.type));
  if (!is_delta) {
    for (const int shift : {0, 8, 16, 24}) out.push_back(static_cast<uint8_t>(header.stream_id >> shift));
  }
  if (is_extended) append_be(out, time, 4);

  size_t room = chunk_size_;
  for (auto part : payload) {
    while (!part.empty()) {
      if (room == 0) {
        out.push_back(static_cast<uint8_t>(0xC0 | header.chunk_stream));
        if (is_extended) append_be(out, time, 4);
        room = chunk_size_;
      }
      const size_t count = std::min(room, part.size());
      out.insert(out.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(count));
      part = part.subspan(count);
      room -= count;
    }
  }
}

Status RtmpChunkReader::feed(std::span<const uint8_t> bytes,
                             const std::function<Status(RtmpMessage)>& on_message) {
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
  std::span<const uint8_t> rest(waiting_);
  while (true) {
    const auto used = read_chunk(rest, on_message);
    if (!used) return tl::unexpected(used.error());
    if (*used == 0) break;
    rest = rest.subspan(*used);
  }
  waiting_.erase(waiting_.begin(), waiting_.end() - static_cast<ptrdiff_t>(rest.size()));
  return {};
}

Result<std::optional<RtmpChunkReader::Header>> RtmpChunkReader::read_header(
    std::span<const uint8_t> bytes) const {
  const auto basic = read_basic_header(bytes);
  if (!basic) return std::nullopt;
  Header header;
  if (const auto found = streams_.find(basic->chunk_stream); found != streams_.end()) {
    header = found->second.last;
  } else if (basic->format != 0) {
    return fail(ErrorCode::kProtocol,
                fmt::format("RTMP: chunk stream {} begins without a full header", basic->chunk_stream));
  } else if (streams_.size() >= kMaxChunkStreams) {
    return fail(ErrorCode::kProtocol, "RTMP: too many chunk streams");
  }
  header.format = basic->format;
  header.chunk_stream = basic->chunk_stream;
  header.bytes = basic->bytes + kMessageHeaderBytes[basic->format];
  if (bytes.size() < header.bytes) return std::nullopt;
  const auto fields = bytes.subspan(basic->bytes);
  if (header.format <= 2) {
    header.time = static_cast<uint32_t>(read_be(fields.first(3)));
    header.is_extended = header.time == kExtendedTimestamp;
  }
  if (header.format <= 1) {
    header.length = static_cast<uint32_t>(read_be(fields.subspan(3, 3)));
    header.type = static_cast<RtmpType>(fields[6]);
  }
  if (header.format == 0) header.stream_id = read_le32(fields.subspan(7, 4));
  if (header.is_extended) {
    if (bytes.size() < header.bytes + 4) return std::nullopt;
    header.time = static_cast<uint32_t>(read_be(bytes.subspan(header.bytes, 4)));  // type 3 repeats it
    header.bytes += 4;
  }
  if (header.length > kMaxMessageBytes) {
    return fail(ErrorCode::kProtocol, fmt::format("RTMP: a message of {} bytes", header.length));
  }
  return header;
}

Result<size_t> RtmpChunkReader::read_chunk(std::span<const uint8_t> bytes, const OnMessage& on_message) {
  const auto header = read_header(bytes);
  if (!header) return tl::unexpected(header.error());
  if (!*header) return 0;
  const Header& chunk = **header;
  const auto found = streams_.find(chunk.chunk_stream);
  // A full header inside a message begins a new one: what came of the old one is dropped, as other clients
  // do.
  const bool is_continued = chunk.format == 3 && found != streams_.end() && !found->second.payload.empty();
  const size_t done = is_continued ? found->second.payload.size() : 0;
  const size_t part = std::min<size_t>(chunk_size_, chunk.length - done);
  if (bytes.size() < chunk.bytes + part) return 0;  // read again from its start when the rest is there

  Stream& stream = streams_[chunk.chunk_stream];
  if (!is_continued) {
    forget_unfinished(stream);
    stream.timestamp = chunk.format == 0 ? chunk.time : stream.timestamp + chunk.time;
  }
  stream.last = chunk;
  if (unfinished_bytes_ + part > kMaxUnfinishedBytes) {
    return fail(ErrorCode::kProtocol, "RTMP: too many unfinished messages");
  }
  const auto content = bytes.subspan(chunk.bytes, part);
  stream.payload.insert(stream.payload.end(), content.begin(), content.end());
  unfinished_bytes_ += part;
  if (stream.payload.size() == chunk.length) {
    if (const auto ok = finish_message(stream, on_message); !ok) return tl::unexpected(ok.error());
  }
  return chunk.bytes + part;
}

void RtmpChunkReader::forget_unfinished(Stream& stream) {
  unfinished_bytes_ -= stream.payload.size();
  stream.payload.clear();
}

Status RtmpChunkReader::finish_message(Stream& stream, const OnMessage& on_message) {
  RtmpMessage message{stream.last.type, stream.last.stream_id, stream.timestamp, stream.payload};
  forget_unfinished(stream);
  if (const auto ok = obey(message); !ok) return ok;
  return on_message(std::move(message));
}

Status RtmpChunkReader::obey(const RtmpMessage& message) {
  const bool is_ours = message.type == RtmpType::kSetChunkSize || message.type == RtmpType::kAbort;
  if (!is_ours) return {};
  if (message.payload.size() < 4) return fail(ErrorCode::kProtocol, "RTMP: a control message is cut off");
  const auto value = static_cast<uint32_t>(read_be(std::span(message.payload).first(4)));
  if (message.type == RtmpType::kSetChunkSize) {
    // 5.4.1: 1 to 2^31-1. Memory is bounded by the limit on messages, whatever the chunk size.
    if (value == 0 || value > INT32_MAX)
      return fail(ErrorCode::kProtocol, fmt::format("RTMP: a chunk size of {}", value));
    chunk_size_ = value;
  } else if (const auto found = streams_.find(value); found != streams_.end()) {
    forget_unfinished(found->second);
  }
  return {};
}

}  // namespace vitrine::encoder
