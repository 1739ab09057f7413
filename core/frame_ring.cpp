// SPDX-License-Identifier: Apache-2.0
#include "core/frame_ring.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>

namespace vitrine {
namespace {

constexpr uint64_t kMagic = 0x31474e4952465456;  // "VTFRING1"
constexpr size_t kEntries = 8;  // newest + one pin for each of several programs + one to write
constexpr size_t kMaxRingBytes = 1ULL << 30;

struct Entry {
  std::atomic<uint32_t> pins;
  uint64_t sequence;
  FrameDescriptor frame;
};

struct Header {
  uint64_t magic;
  std::atomic<uint64_t> latest;  // sequence · kEntries + entry; 0 before the first picture
  Entry entries[kEntries];
};
static_assert(sizeof(Header) <= FrameRingWriter::kPixelOffset);
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

Header& header_of(const Mapping& mapping) {
  return *std::launder(reinterpret_cast<Header*>(mapping.data()));
}

bool plane_fits(int64_t offset, int64_t stride, int width, int height, size_t bytes) {
  if (offset < 0 || stride < width || stride > (1 << 16)) return false;
  if (offset > static_cast<int64_t>(bytes)) return false;
  return offset + stride * (height - 1) + width <= static_cast<int64_t>(bytes);
}

bool is_valid(const FrameDescriptor& frame, size_t bytes) {
  const auto [width, height] = frame.size;
  if (width < 2 || height < 2 || width > 1 << 14 || height > 1 << 14) return false;
  if (static_cast<int64_t>(width) * height > kMaxFramePixels) return false;
  const int chroma_width = (width + 1) / 2;
  const int chroma_height = (height + 1) / 2;
  return plane_fits(frame.offset_bytes[0], frame.stride_bytes[0], width, height, bytes) &&
         plane_fits(frame.offset_bytes[1], frame.stride_bytes[1], chroma_width, chroma_height, bytes) &&
         plane_fits(frame.offset_bytes[2], frame.stride_bytes[2], chroma_width, chroma_height, bytes);
}

}  // namespace

Result<FrameRingWriter> FrameRingWriter::create(size_t pixel_bytes) {
  const size_t bytes = kPixelOffset + pixel_bytes;
  auto fd = create_sealed_memfd("vitrine-frames", bytes);
  if (!fd) return tl::unexpected(fd.error());
  auto mapping = Mapping::create(fd->get(), 0, bytes, Mapping::Access::kReadWrite);
  if (!mapping) return tl::unexpected(mapping.error());
  new (mapping->data()) Header{};
  header_of(*mapping).magic = kMagic;
  return FrameRingWriter(std::move(*fd), std::move(*mapping));
}

FrameRingWriter::FrameRingWriter(UniqueFd fd, Mapping mapping)
    : fd_(std::move(fd)), mapping_(std::move(mapping)) {
  static_assert(std::tuple_size_v<decltype(holds_)> == kEntries);
}

bool FrameRingWriter::publish(const FrameDescriptor& frame, std::shared_ptr<void> hold) {
  Header& header = header_of(mapping_);
  const size_t newest = header.latest.load() % kEntries;
  size_t free = kEntries;
  for (size_t i = 0; i < kEntries && free == kEntries; ++i) {
    const bool is_newest = sequence_ > 0 && i == newest;
    if (!is_newest && header.entries[i].pins.load() == 0) free = i;
  }
  if (free == kEntries) return false;
  Entry& entry = header.entries[free];
  ++sequence_;
  entry.sequence = sequence_;
  entry.frame = frame;
  holds_[free] = std::move(hold);
  header.latest.store(sequence_ * kEntries + free);
  for (size_t i = 0; i < kEntries; ++i) {
    if (i != free && header.entries[i].pins.load() == 0) holds_[i].reset();
  }
  return true;
}

Result<std::shared_ptr<FrameRingReader>> FrameRingReader::open(UniqueFd fd) {
  const auto bytes = verify_memfd(fd.get(), Sealing::kSize, kMaxRingBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  if (*bytes <= FrameRingWriter::kPixelOffset) return fail(ErrorCode::kProtocol, "frame ring without pixels");
  auto header = Mapping::create(fd.get(), 0, FrameRingWriter::kPixelOffset, Mapping::Access::kReadWrite);
  if (!header) return tl::unexpected(header.error());
  auto pixels = Mapping::create(fd.get(), FrameRingWriter::kPixelOffset,
                                *bytes - FrameRingWriter::kPixelOffset, Mapping::Access::kRead);
  if (!pixels) return tl::unexpected(pixels.error());
  if (header_of(*header).magic != kMagic) return fail(ErrorCode::kProtocol, "frame ring of another version");
  return std::shared_ptr<FrameRingReader>(new FrameRingReader(std::move(*header), std::move(*pixels)));
}

FrameRingReader::FrameRingReader(Mapping header, Mapping pixels)
    : header_(std::move(header)), pixels_(std::move(pixels)) {
}

std::optional<CameraFrame> FrameRingReader::latest() const {
  Header& header = header_of(header_);
  // A writer at camera rate can't overtake twice in a row; a hostile one may, and then there is no picture
  // this tick.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const uint64_t latest = header.latest.load();
    if (latest == 0) return std::nullopt;
    Entry& entry = header.entries[latest % kEntries];
    entry.pins.fetch_add(1);
    if (header.latest.load() != latest) {
      entry.pins.fetch_sub(1);
      continue;
    }
    const FrameDescriptor frame = entry.frame;
    const uint64_t sequence = entry.sequence;
    if (!is_valid(frame, pixels_.size())) {
      entry.pins.fetch_sub(1);
      return std::nullopt;
    }
    const uint8_t* const base = pixels_.data();
    CameraFrame result;
    result.picture = {frame.size,
                      {base + frame.offset_bytes[0], frame.stride_bytes[0]},
                      {base + frame.offset_bytes[1], frame.stride_bytes[1]},
                      {base + frame.offset_bytes[2], frame.stride_bytes[2]}};
    result.captured_at = std::min(frame.captured_at, steady_now());
    result.sequence = sequence;
    // The pin goes with the frame; the mapping stays as long as the pin.
    result.keep_alive = std::shared_ptr<const void>(
        &entry, [self = shared_from_this(), &entry](const void*) { entry.pins.fetch_sub(1); });
    return result;
  }
  return std::nullopt;
}

}  // namespace vitrine
