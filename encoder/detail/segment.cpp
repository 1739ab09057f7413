// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/segment.h"

#include <fmt/format.h>

#include "encoder/detail/big_endian.h"

namespace vitrine::encoder::detail {
namespace {

using namespace std::chrono_literals;

// A fragment ends before the picture that would make it longer, so at 2 s between keyframes all are equally
// long. Sound alone ends one only when pictures have stopped.
constexpr MediaTime kMaxFragment = 1s;
constexpr MediaTime kMaxSoundFragment = 1100ms;
constexpr size_t kLargeBoxHeader = 16;

struct Box {
  std::string_view type;
  size_t at;
  size_t bytes;
};

/// The boxes in `bytes`, one level deep; none when they don't add up.
std::vector<Box> boxes_of(std::span<const uint8_t> bytes) {
  std::vector<Box> boxes;
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t length = bytes.size() - at < 8 ? 0 : read_be(bytes.subspan(at, 4));
    if (length < 8 || length > bytes.size() - at) return {};
    boxes.push_back({{reinterpret_cast<const char*>(bytes.data()) + at + 4, 4}, at, length});
    at += length;
  }
  return boxes;
}

Bytes large_box_header(std::string_view type, uint64_t bytes) {
  Bytes header;
  append_be(header, 1, 4);  // the size stands behind the type
  header.insert(header.end(), type.begin(), type.end());
  append_be(header, bytes, 8);
  return header;
}

}  // namespace

Segment::Segment(std::filesystem::path path, OpenRecordingFile open_file, const Packet& first)
    : path_(std::move(path)),
      open_file_(std::move(open_file)),
      first_pts_(first.pts),
      fragment_start_(first.dts),
      added_until_(first.pts),
      safe_until_(first.pts) {
}

Result<std::unique_ptr<Segment>> Segment::create(std::filesystem::path path, OpenRecordingFile open_file,
                                                 const StreamInfo& info, const Packet& first) {
  std::unique_ptr<Segment> segment(new Segment(std::move(path), std::move(open_file), first));
  auto muxer = FragmentMuxer::create(info, first.dts);
  if (!muxer) return tl::unexpected(muxer.error());
  segment->muxer_ = std::move(*muxer);
  return segment;
}

/// ftyp, room for the header of the mdat to be, moov.
Result<Bytes> Segment::make_header() {
  const Bytes& header = muxer_->header();
  const auto boxes = boxes_of(header);
  if (boxes.size() != 2 || boxes[0].type != "ftyp" || boxes[1].type != "moov") {
    return fail(ErrorCode::kIo, "mp4: a header of unknown form");
  }
  free_box_at_ = boxes[0].bytes;
  Bytes bytes(header.begin(), header.begin() + static_cast<ptrdiff_t>(free_box_at_));
  append_be(bytes, kLargeBoxHeader, 4);
  for (const char c : std::string_view("free")) bytes.push_back(static_cast<uint8_t>(c));
  append_be(bytes, 0, 8);
  bytes.insert(bytes.end(), header.begin() + static_cast<ptrdiff_t>(free_box_at_), header.end());
  return bytes;
}

Status Segment::write(const Packet& packet) {
  const bool is_video = packet.kind == PacketKind::kVideo;
  // A late packet of the other stream may lie before the keyframe: it belongs to a file that is closed.
  if (muxer_->to_track_time(packet.kind, packet.dts) < 0) return {};
  const bool is_full = packet.dts - fragment_start_ >= (is_video ? kMaxFragment - 1ms : kMaxSoundFragment);
  if (is_full || (is_video && packet.is_keyframe)) {
    if (auto ok = write_fragment(); !ok) return ok;
    fragment_start_ = packet.dts;
  }
  if (auto ok = muxer_->add(packet); !ok) return ok;
  note(packet);
  added_until_ = std::max(added_until_, packet.pts + packet.duration);
  return {};
}

void Segment::note(const Packet& packet) {
  auto& track = track_of(packet.kind);
  auto& samples = track.index.samples;
  const int64_t dts = muxer_->to_track_time(packet.kind, packet.dts);
  if (samples.empty()) {
    track.index.start = dts;
  } else {
    samples.back().duration = static_cast<uint32_t>(dts - track.last_dts);
  }
  const int64_t duration = muxer_->to_track_time(packet.kind, packet.dts + packet.duration) - dts;
  samples.push_back({static_cast<uint32_t>(packet.bytes->size()), static_cast<uint32_t>(duration),
                     static_cast<int32_t>(muxer_->to_track_time(packet.kind, packet.pts) - dts),
                     packet.is_keyframe});
  track.last_dts = dts;
  ++track.new_samples;
  track.new_bytes += packet.bytes->size();
}

/// One write and one sync: a kill falls between fragments, or at worst into one.
Status Segment::write_fragment() {
  if (tracks_[0].new_samples + tracks_[1].new_samples == 0) return {};
  auto fragment = muxer_->take_fragment();
  if (!fragment) return tl::unexpected(fragment.error());
  const auto boxes = boxes_of(*fragment);
  const uint64_t samples_bytes = tracks_[0].new_bytes + tracks_[1].new_bytes;
  if (boxes.size() != 2 || boxes[1].type != "mdat" || boxes[1].bytes != 8 + samples_bytes) {
    return fail(ErrorCode::kIo, "mp4: a fragment of unknown form");
  }
  Bytes bytes;
  if (!file_) {
    auto header = make_header();
    if (!header) return tl::unexpected(header.error());
    bytes = std::move(*header);
    auto file = open_file_(path_);
    if (!file) return tl::unexpected(file.error());
    file_ = std::move(*file);
  }
  uint64_t offset = good_bytes_ + bytes.size() + boxes[1].at + 8;
  bytes.insert(bytes.end(), fragment->begin(), fragment->end());
  if (auto ok = file_->append(bytes); !ok) return ok;
  if (auto ok = file_->sync(); !ok) return ok;
  for (auto& track : tracks_) {
    if (track.new_samples > 0) track.index.chunks.push_back({offset, track.new_samples});
    offset += std::exchange(track.new_bytes, 0);
    track.new_samples = 0;
  }
  good_bytes_ += bytes.size();
  safe_until_ = added_until_;
  return {};
}

Status Segment::finish() {
  if (auto ok = write_fragment(); !ok) return ok;
  if (!file_) return {};
  if (auto ok = write_index(); !ok) return ok;
  file_.reset();
  return {};
}

Status Segment::write_index() {
  const Bytes& header = muxer_->header();
  const auto moov = make_moov(std::span(header).subspan(free_box_at_), {tracks_[0].index, tracks_[1].index});
  if (!moov) return tl::unexpected(moov.error());
  const auto mdat = large_box_header("mdat", good_bytes_ - free_box_at_);
  if (auto ok = file_->append(*moov); !ok) return ok;
  if (auto ok = file_->sync(); !ok) return ok;
  // From here on the index stays: with it the file plays before and after the switch, and when the switch
  // fails nobody knows which of the two is on the disk.
  good_bytes_ += moov->size();
  if (auto ok = file_->overwrite(free_box_at_, mdat); !ok) return ok;
  return file_->sync();
}

void Segment::abandon() {
  if (!file_) return;
  // Best effort: where cutting fails too, players stop at the fragment that is not whole.
  static_cast<void>(file_->truncate(good_bytes_));
  file_.reset();
  std::error_code ignored;
  if (good_bytes_ == 0) std::filesystem::remove(path_, ignored);
}

}  // namespace vitrine::encoder::detail
