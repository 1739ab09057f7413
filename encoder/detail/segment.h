// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <memory>

#include "core/packet.h"
#include "encoder/detail/fragment_muxer.h"
#include "encoder/detail/mp4_index.h"
#include "encoder/recording_file.h"

namespace vitrine::encoder::detail {

/// One file of a recording. While it grows it is fragmented MP4, each fragment of at most a second on the
/// disk before the next is begun: whatever happens, what was synced plays. When it is finished it becomes an
/// ordinary MP4, with an index, by two steps of which each leaves a file that plays: a moov behind
/// everything, then 16 bytes at the front that turn all fragments into one mdat. docs/adr/0303.
/// Thread: one.
class Segment {
 public:
  /// `first` is the video keyframe the segment begins with; it is not written yet. The file comes into
  /// being with its first fragment: nobody ever finds one that has nothing to play.
  static Result<std::unique_ptr<Segment>> create(std::filesystem::path path, OpenRecordingFile open_file,
                                                 const StreamInfo& info, const Packet& first);

  /// May write and sync the fragment before. After an error: abandon().
  Status write(const Packet& packet);
  Status finish();
  /// Keeps what is safely on the disk, and lets go of the file without another sync.
  void abandon();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] MediaTime first_pts() const { return first_pts_; }
  /// End of what is on the disk.
  [[nodiscard]] MediaTime safe_until() const { return safe_until_; }
  /// On the disk; 0 before the first fragment.
  [[nodiscard]] uint64_t bytes() const { return good_bytes_; }

 private:
  /// What a track's samples in the fragment being built and in those before come to.
  struct Track {
    Mp4Track index;
    uint32_t new_samples = 0;  // in the fragment being built
    uint64_t new_bytes = 0;
    int64_t last_dts = 0;
  };

  Segment(std::filesystem::path path, OpenRecordingFile open_file, const Packet& first);
  Result<Bytes> make_header();
  Status write_fragment();
  Status write_index();
  void note(const Packet& packet);
  Track& track_of(PacketKind kind) { return tracks_[kind == PacketKind::kVideo ? 0 : 1]; }

  const std::filesystem::path path_;
  const OpenRecordingFile open_file_;
  std::unique_ptr<RecordingFile> file_;
  std::unique_ptr<FragmentMuxer> muxer_;
  std::array<Track, 2> tracks_;
  size_t free_box_at_ = 0;
  uint64_t good_bytes_ = 0;  // written and synced
  MediaTime first_pts_{};
  MediaTime fragment_start_{};
  MediaTime added_until_{};
  MediaTime safe_until_{};
};

}  // namespace vitrine::encoder::detail
