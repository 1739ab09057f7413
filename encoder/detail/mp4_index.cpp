// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/mp4_index.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "core/geometry.h"
#include "core/media_time.h"
#include "encoder/detail/big_endian.h"

namespace vitrine::encoder::detail {
namespace {

constexpr size_t kBoxHeader = 8;
constexpr size_t kFullBoxHeader = kBoxHeader + 4;  // version and flags
// Both mvhd (8.2.2) and mdhd (8.4.2), version 0: time scale and duration behind the two dates.
constexpr size_t kTimeScaleAt = kFullBoxHeader + 8;
constexpr size_t kDurationAt = kTimeScaleAt + 4;
constexpr size_t kTrackDurationAt = kFullBoxHeader + 16;  // tkhd (8.3.2): dates, track id, reserved

/// Writes a box whose size is known at its end.
class BoxWriter {
 public:
  explicit BoxWriter(Bytes& out) : out_(out) {}

  template <typename Body>
  void box(std::string_view type, Body body) {
    const size_t start = out_.size();
    u32(0);
    out_.insert(out_.end(), type.begin(), type.end());
    body();
    patch(start, out_.size() - start);
  }
  void u32(uint64_t value) { append_be(out_, value, 4); }
  void u64(uint64_t value) { append_be(out_, value, 8); }
  void copy(std::span<const uint8_t> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void patch(size_t at, uint64_t value) {
    for (size_t i = 0; i < 4; ++i) out_[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  }
  [[nodiscard]] size_t size() const { return out_.size(); }

  /// A table of equal values in a row: (count, value) pairs behind their number.
  template <typename Range, typename Value>
  void runs(const Range& range, Value value_of) {
    const size_t count_at = size();
    u32(0);
    uint32_t entries = 0;
    for (auto it = range.begin(); it != range.end(); ++entries) {
      const auto end =
          std::find_if(it, range.end(), [&](const auto& item) { return value_of(item) != value_of(*it); });
      u32(static_cast<uint64_t>(end - it));
      u32(static_cast<uint32_t>(value_of(*it)));
      it = end;
    }
    patch(count_at, entries);
  }

 private:
  Bytes& out_;
};

class MoovBuilder {
 public:
  MoovBuilder(const std::vector<Mp4Track>& tracks, Bytes& out) : tracks_(tracks), writer_(out) {}

  /// Copies the boxes in `bytes`, changing those that must be.
  Status copy(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const uint64_t length = bytes.size() < kBoxHeader ? 0 : read_be(bytes.first(4));
      if (length < kBoxHeader || length > bytes.size())
        return fail(ErrorCode::kInvalidInput, "moov: a box of wrong size");
      if (auto ok = copy_box(bytes.first(length)); !ok) return ok;
      bytes = bytes.subspan(length);
    }
    return {};
  }

 private:
  Status copy_box(std::span<const uint8_t> box) {
    const std::string_view type(reinterpret_cast<const char*>(box.data()) + 4, 4);
    if (type == "mvex") return {};
    if (type == "moov" || type == "mdia" || type == "minf") return container(type, box);
    if (type == "trak") return track_box(box);
    if (type == "stbl") return sample_table(box);
    if (type == "mvhd") return movie_header(box);
    if (type == "tkhd") return track_header(box);
    if (type == "mdhd") return media_header(box);
    writer_.copy(box);
    return {};
  }

  Status container(std::string_view type, std::span<const uint8_t> box) {
    Status ok;
    writer_.box(type, [&] { ok = copy(box.subspan(kBoxHeader)); });
    return ok;
  }

  /// The track's own time scale stands deep inside it and is needed at its head: it is looked up first.
  Status track_box(std::span<const uint8_t> box) {
    const std::string_view text(reinterpret_cast<const char*>(box.data()), box.size());
    const size_t header = text.find("mdhd");
    if (next_track_ >= tracks_.size() || header == std::string_view::npos ||
        header + kDurationAt + 4 > box.size()) {
      return fail(ErrorCode::kInvalidInput, "moov: not the tracks that were written");
    }
    track_ = &tracks_[next_track_++];
    track_scale_ = static_cast<int>(read_be(box.subspan(header - 4 + kTimeScaleAt, 4)));
    track_duration_ = 0;
    for (const auto& sample : track_->samples) track_duration_ += sample.duration;
    return container("trak", box);
  }

  [[nodiscard]] uint64_t in_movie_scale(int64_t track_time) const {
    return static_cast<uint64_t>(rescale(track_time, {1, track_scale_}, {1, movie_scale_}));
  }

  Status movie_header(std::span<const uint8_t> box) {
    if (box.size() < kDurationAt + 4) return fail(ErrorCode::kInvalidInput, "moov: mvhd is cut off");
    movie_scale_ = static_cast<int>(read_be(box.subspan(kTimeScaleAt, 4)));
    if (movie_scale_ <= 0) return fail(ErrorCode::kInvalidInput, "moov: no time scale");
    movie_duration_at_ = writer_.size() + kDurationAt;
    writer_.copy(box);
    return {};
  }

  Status track_header(std::span<const uint8_t> box) {
    if (box.size() < kTrackDurationAt + 4 || track_ == nullptr || track_scale_ <= 0) {
      return fail(ErrorCode::kInvalidInput, "moov: tkhd in the wrong place");
    }
    const uint64_t duration = in_movie_scale(track_->start + track_duration_);
    const size_t start = writer_.size();
    writer_.copy(box);
    writer_.patch(start + kTrackDurationAt, duration);
    movie_duration_ = std::max(movie_duration_, duration);
    writer_.patch(movie_duration_at_, movie_duration_);
    if (track_->start > 0) edit_list();
    return {};
  }

  /// 8.6.6: nothing until the track's start, then all of it.
  void edit_list() {
    writer_.box("edts", [&] {
      writer_.box("elst", [&] {
        writer_.u32(0);
        writer_.u32(2);
        for (const auto& [duration, media_time] :
             {std::pair{in_movie_scale(track_->start), uint64_t{UINT32_MAX}},
              {in_movie_scale(track_duration_), 0}}) {
          writer_.u32(duration);
          writer_.u32(media_time);
          writer_.u32(0x10000);
        }
      });
    });
  }

  Status media_header(std::span<const uint8_t> box) {
    if (box.size() < kDurationAt + 4) return fail(ErrorCode::kInvalidInput, "moov: mdhd is cut off");
    const size_t start = writer_.size();
    writer_.copy(box);
    writer_.patch(start + kDurationAt, static_cast<uint64_t>(track_duration_));
    return {};
  }

  /// The sample description stays, everything else is written anew.
  Status sample_table(std::span<const uint8_t> box) {
    const auto inner = box.subspan(kBoxHeader);
    const uint64_t length = inner.size() < kBoxHeader ? 0 : read_be(inner.first(4));
    const bool is_description = length >= kBoxHeader && length <= inner.size() && inner[4] == 's' &&
                                inner[5] == 't' && inner[6] == 's' && inner[7] == 'd';
    if (!is_description || track_ == nullptr)
      return fail(ErrorCode::kInvalidInput, "moov: stbl without its description");
    writer_.box("stbl", [&] {
      writer_.copy(inner.first(length));
      times();
      sizes();
      chunks();
    });
    return {};
  }

  void times() {
    const auto& samples = track_->samples;
    writer_.box("stts", [&] {  // 8.6.1.2
      writer_.u32(0);
      writer_.runs(samples, [](const auto& sample) { return sample.duration; });
    });
    if (std::ranges::any_of(samples, [](const auto& sample) { return sample.composition_offset != 0; })) {
      writer_.box("ctts", [&] {  // 8.6.1.3
        writer_.u32(0);
        writer_.runs(samples, [](const auto& sample) { return sample.composition_offset; });
      });
    }
    if (std::ranges::all_of(samples, &Mp4Sample::is_keyframe)) return;
    writer_.box("stss", [&] {  // 8.6.2
      writer_.u32(0);
      writer_.u32(static_cast<uint64_t>(std::ranges::count_if(samples, &Mp4Sample::is_keyframe)));
      for (size_t i = 0; i < samples.size(); ++i) {
        if (samples[i].is_keyframe) writer_.u32(i + 1);
      }
    });
  }

  void sizes() {
    writer_.box("stsz", [&] {  // 8.7.3.2
      writer_.u64(0);          // version and flags; no common size
      writer_.u32(track_->samples.size());
      for (const auto& sample : track_->samples) writer_.u32(sample.bytes);
    });
  }

  void chunks() {
    const auto& chunks = track_->chunks;
    writer_.box("stsc", [&] {  // 8.7.4: an entry where the number of samples a chunk changes
      writer_.u32(0);
      const size_t count_at = writer_.size();
      writer_.u32(0);
      uint32_t entries = 0;
      for (size_t i = 0; i < chunks.size(); ++i) {
        if (i > 0 && chunks[i].samples == chunks[i - 1].samples) continue;
        writer_.u32(i + 1);
        writer_.u32(chunks[i].samples);
        writer_.u32(1);
        ++entries;
      }
      writer_.patch(count_at, entries);
    });
    const bool is_large = !chunks.empty() && chunks.back().offset > UINT32_MAX;
    writer_.box(is_large ? "co64" : "stco", [&] {  // 8.7.5
      writer_.u32(0);
      writer_.u32(chunks.size());
      for (const auto& chunk : chunks) is_large ? writer_.u64(chunk.offset) : writer_.u32(chunk.offset);
    });
  }

  const std::vector<Mp4Track>& tracks_;
  BoxWriter writer_;
  const Mp4Track* track_ = nullptr;
  size_t next_track_ = 0;
  int track_scale_ = 0;
  int64_t track_duration_ = 0;
  int movie_scale_ = 1000;
  uint64_t movie_duration_ = 0;
  size_t movie_duration_at_ = 0;
};

}  // namespace

Result<Bytes> make_moov(std::span<const uint8_t> empty_moov, const std::vector<Mp4Track>& tracks) {
  Bytes out;
  MoovBuilder builder(tracks, out);
  if (const auto ok = builder.copy(empty_moov); !ok) return tl::unexpected(ok.error());
  return out;
}

}  // namespace vitrine::encoder::detail
