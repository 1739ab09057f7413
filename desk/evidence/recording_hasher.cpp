// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/recording_hasher.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/log.h"
#include "core/pause.h"
#include "core/unique_fd.h"

namespace vitrine::desk {
namespace {

using namespace std::chrono_literals;

constexpr size_t kReadBytes = size_t{1} << 20;
/// After each: at most 16 MiB/s, a tenth of what the slowest disks of such boxes read; ten minutes of
/// programme take 20 s. The unit may not set a thread's priority, so it waits instead.
constexpr auto kPause = 62ms;
constexpr auto kTryAgain = 30s;

}  // namespace

Result<EvidenceBook::FileHash> hash_recording(const std::filesystem::path& path, HashPace pace,
                                              const std::stop_token& stop) {
  EvidenceBook::FileHash result;
  const auto fault = [&](const char* what) {
    result.fault = errno == ENOENT ? "missing" : fmt::format("{}: {}", what, std::strerror(errno));
    return result;
  };
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open()) return fault("open");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fault("stat");
  crypto_generichash_state state;
  std::array<unsigned char, 32> hash{};
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  std::vector<unsigned char> bytes(kReadBytes);
  while (true) {
    if (stop.stop_requested()) return fail(ErrorCode::kStopped, "hashing " + path.string());
    const ssize_t length = ::read(fd.get(), bytes.data(), bytes.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return fault("read");
    if (length == 0) break;
    crypto_generichash_update(&state, bytes.data(), static_cast<unsigned long long>(length));
    // Gone through once: it must not push out of the page cache what the show needs.
    ::posix_fadvise(fd.get(), static_cast<off_t>(result.bytes), length, POSIX_FADV_DONTNEED);
    result.bytes += static_cast<uint64_t>(length);
    if (pace == HashPace::kBesideAShow) pause(stop, kPause);
  }
  crypto_generichash_final(&state, hash.data(), hash.size());
  std::array<char, 65> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  result.blake2b = hex.data();
  result.written_at = Instant(std::chrono::seconds(status.st_mtim.tv_sec) +
                              std::chrono::microseconds(status.st_mtim.tv_nsec / 1000));
  return result;
}

RecordingHasher::RecordingHasher(EvidenceBook& book) : book_(book) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  ::pthread_setname_np(thread_.native_handle(), "evidence-hash");
}

RecordingHasher::~RecordingHasher() {
  thread_.request_stop();
}

void RecordingHasher::poke() {
  {
    const std::lock_guard lock(mutex_);
    is_poked_ = true;
  }
  poked_.notify_one();
}

void RecordingHasher::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      poked_.wait(lock, stop, [this] { return is_poked_; });
      is_poked_ = false;
    }
    const auto done = hash_all(stop);
    if (done || stop.stop_requested()) continue;
    log::error("evidence", "a recording's hash can't be kept: {}; trying again in {} s", done.error().message,
               kTryAgain / 1s);
    pause(stop, kTryAgain);
    poke();
  }
}

Status RecordingHasher::hash_all(const std::stop_token& stop) {
  const auto recordings = book_.unhashed();
  if (!recordings) return tl::unexpected(recordings.error());
  for (const auto& recording : *recordings) {
    const auto path = recording.below(book_.config().recordings);
    const auto hash = hash_recording(path, HashPace::kBesideAShow, stop);
    if (!hash) return tl::unexpected(hash.error());
    if (auto noted = book_.note_hash(recording, *hash); !noted) return noted;
    if (!hash->fault.empty()) {
      log::warning("evidence", "recording {}: {}; the evidence says so instead of its hash", path.string(),
                   hash->fault);
    }
  }
  return {};
}

}  // namespace vitrine::desk
