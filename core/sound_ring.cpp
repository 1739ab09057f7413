// SPDX-License-Identifier: Apache-2.0
#include "core/sound_ring.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

namespace vitrine {
namespace {

constexpr uint64_t kMagic = 0x31474e4952535456;  // "VTSRING1"
constexpr int64_t kCapacity = 2 * kAudioRateHz;  // samples per channel: two seconds
constexpr int64_t kSafety =
    kAudioRateHz / 4;  // the oldest quarter second may be overwritten while it is read
constexpr size_t kDataOffset = 4096;
constexpr size_t kRingBytes = kDataOffset + sizeof(float) * kAudioChannels * static_cast<size_t>(kCapacity);

struct Header {
  uint64_t magic;
  std::atomic<int64_t> begin;  // first sample ever written
  std::atomic<int64_t> end;    // one past the last
};
static_assert(std::atomic<int64_t>::is_always_lock_free);

Header& header_of(const Mapping& mapping) {
  return *std::launder(reinterpret_cast<Header*>(mapping.data()));
}

/// Samples are single floats in memory that two processes touch; relaxed atomics make that defined and cost
/// nothing.
std::atomic_ref<float> sample_at(const Mapping& mapping, int64_t index, int channel) {
  auto* samples = std::launder(reinterpret_cast<float*>(mapping.data() + kDataOffset));
  return std::atomic_ref<float>(samples[(index % kCapacity) * kAudioChannels + channel]);
}

}  // namespace

Result<SoundRingWriter> SoundRingWriter::create() {
  auto fd = create_sealed_memfd("vitrine-sound", kRingBytes);
  if (!fd) return tl::unexpected(fd.error());
  auto mapping = Mapping::create(fd->get(), 0, kRingBytes, Mapping::Access::kReadWrite);
  if (!mapping) return tl::unexpected(mapping.error());
  new (mapping->data()) Header{};
  header_of(*mapping).magic = kMagic;
  return SoundRingWriter(std::move(*fd), std::move(*mapping));
}

SoundRingWriter::SoundRingWriter(UniqueFd fd, Mapping mapping)
    : fd_(std::move(fd)), mapping_(std::move(mapping)) {
}

void SoundRingWriter::write(int64_t begin, std::span<const float> interleaved) {
  const int64_t count = static_cast<int64_t>(interleaved.size()) / kAudioChannels;
  Header& header = header_of(mapping_);
  if (end_ == 0) {
    end_ = begin;
    header.begin.store(begin, std::memory_order_release);
  }
  const int64_t stop = begin + count;
  // A gap longer than the ring is silence everywhere.
  for (int64_t index = std::max(end_, std::min(begin, stop) - kCapacity); index < begin; ++index) {
    for (int channel = 0; channel < kAudioChannels; ++channel) {
      sample_at(mapping_, index, channel).store(0.0F, std::memory_order_relaxed);
    }
  }
  for (int64_t index = std::max(begin, end_); index < stop; ++index) {
    for (int channel = 0; channel < kAudioChannels; ++channel) {
      sample_at(mapping_, index, channel)
          .store(interleaved[static_cast<size_t>((index - begin) * kAudioChannels + channel)],
                 std::memory_order_relaxed);
    }
  }
  end_ = std::max(end_, stop);
  header.end.store(end_, std::memory_order_release);
}

Result<std::shared_ptr<SoundRingReader>> SoundRingReader::open(UniqueFd fd) {
  const auto bytes = verify_memfd(fd.get(), Sealing::kSize, kRingBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  if (*bytes != kRingBytes) return fail(ErrorCode::kProtocol, "sound ring of another size");
  // Read-write only because atomics on a read-only page are not promised to work; nothing is stored here.
  auto mapping = Mapping::create(fd.get(), 0, kRingBytes, Mapping::Access::kReadWrite);
  if (!mapping) return tl::unexpected(mapping.error());
  if (header_of(*mapping).magic != kMagic) return fail(ErrorCode::kProtocol, "sound ring of another version");
  return std::shared_ptr<SoundRingReader>(new SoundRingReader(std::move(*mapping)));
}

int64_t SoundRingReader::end() const {
  return header_of(mapping_).end.load(std::memory_order_acquire);
}

int SoundRingReader::mix_into(int64_t begin, float gain, std::span<float> out) const {
  const Header& header = header_of(mapping_);
  // The worker may write anything here; this keeps the arithmetic below inside int64.
  const int64_t end = std::clamp<int64_t>(header.end.load(std::memory_order_acquire), 0, int64_t{1} << 62);
  const int64_t oldest = std::max(header.begin.load(std::memory_order_acquire), end - kCapacity + kSafety);
  const int64_t count = static_cast<int64_t>(out.size()) / kAudioChannels;
  const int64_t first = std::max(begin, oldest);
  const int64_t last = std::min(begin + count, end);
  for (int64_t index = first; index < last; ++index) {
    for (int channel = 0; channel < kAudioChannels; ++channel) {
      const float sample = sample_at(mapping_, index, channel).load(std::memory_order_relaxed);
      if (std::isfinite(sample)) {
        out[static_cast<size_t>((index - begin) * kAudioChannels + channel)] +=
            gain * std::clamp(sample, -4.0F, 4.0F);
      }
    }
  }
  return static_cast<int>(std::max<int64_t>(0, last - first));
}

}  // namespace vitrine
