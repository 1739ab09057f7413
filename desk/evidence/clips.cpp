// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/clips.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMostAtOnce = 4;
constexpr int kPatienceS = 10;  // for a client that does not read

struct Range {
  off_t begin = 0;
  off_t end = 0;
};
struct Pieces {
  Range type;       // ftyp
  Range head;       // moov
  Range fragments;  // moof and mdat, again and again
};

Error os_error(const std::filesystem::path& file) {
  return {ErrorCode::kIo, fmt::format("{}: {}", file.string(), std::strerror(errno)), errno};
}

uint64_t big_endian(const unsigned char* bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

/// The boxes at the file's top level (ISO/IEC 14496-12, 4.2): a fragment is a moof with what follows it. In a
/// recording that is closed one mdat is around moov and all fragments, for players that know none
/// (docs/adr/0303): it is gone into.
Result<Pieces> find_pieces(int fd, const std::filesystem::path& file, int64_t first, int64_t last) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return tl::unexpected(os_error(file));
  Pieces pieces;
  int64_t fragment = -1;
  for (off_t at = 0; at < status.st_size;) {
    std::array<unsigned char, 16> head{};
    const ssize_t got = ::pread(fd, head.data(), head.size(), at);
    if (got < 0) return tl::unexpected(os_error(file));
    if (got < 8) break;  // still being written
    uint64_t size = big_endian(head.data(), 4);
    const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
    if (size == 1 && got == 16) size = big_endian(head.data() + 8, 8);
    if (size < 8)
      return fail(
          ErrorCode::kUnsupportedFormat,
          fmt::format("{}: no MP4 box at byte {}: the recording is damaged there", file.string(), at));
    if (type == "mdat" && pieces.head.end == 0) {
      at += big_endian(head.data(), 4) == 1 ? 16 : 8;
      continue;
    }
    if (size > static_cast<uint64_t>(status.st_size - at)) break;  // still being written
    if (type == "moov" && pieces.head.end != 0) break;  // the index of a closed one, behind them all
    if (type == "mfra") break;                          // an index, behind the last one
    if (type == "moof") {
      if (++fragment > last) break;
      if (fragment == first) pieces.fragments.begin = at;
    }
    const Range box{at, at + static_cast<off_t>(size)};
    if (type == "ftyp") pieces.type = box;
    if (type == "moov") pieces.head = box;
    if (type == "mdat" && fragment >= first) pieces.fragments.end = box.end;
    at = box.end;
  }
  if (pieces.head.end == 0 || pieces.fragments.end == 0)
    return fail(ErrorCode::kNotFound, fmt::format("{} has nothing of that time", file.filename().string()));
  return pieces;
}

bool send_range(int to, int from, Range range) {
  while (range.begin < range.end) {
    const ssize_t sent = ::sendfile(to, from, &range.begin, static_cast<size_t>(range.end - range.begin));
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;  // nobody reads any more
  }
  return true;
}

}  // namespace

Result<UniqueFd> Clips::send(const std::filesystem::path& recording, int64_t first, int64_t last) {
  UniqueFd file(::open(recording.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT)
      return fail(ErrorCode::kNotFound, recording.filename().string() + " is not kept any more");
    return tl::unexpected(os_error(recording));
  }
  const auto pieces = find_pieces(file.get(), recording, first, last);
  if (!pieces) return tl::unexpected(pieces.error());
  const std::lock_guard lock(mutex_);
  std::erase_if(sending_, [](const auto& each) { return each.wait_for(0s) == std::future_status::ready; });
  if (sending_.size() >= kMostAtOnce)
    return fail(ErrorCode::kDeviceBusy,
                fmt::format("{} clips are being read already; try again in a moment", kMostAtOnce));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return tl::unexpected(os_error("a clip's socket"));
  UniqueFd ours(ends[0]);
  const timeval patience{kPatienceS, 0};
  (void)::setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sending_.push_back(std::async(std::launch::async,
                                [to = std::move(ours), from = std::move(file), parts = *pieces]() mutable {
                                  for (const Range& range : {parts.type, parts.head, parts.fragments})
                                    if (!send_range(to.get(), from.get(), range)) break;
                                  to.reset();  // the end of the file for who reads: this outlives its thread
                                  from.reset();
                                }));
  return UniqueFd(ends[1]);
}

}  // namespace vitrine::desk
