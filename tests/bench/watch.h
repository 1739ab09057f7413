// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/media_time.h"

namespace vitrine::bench {

/// Both read a file while another process writes it, and take the time at which something new is seen in it.
/// Accurate to what lies between two looks (kLookEvery).
constexpr MediaTime kLookEvery = std::chrono::milliseconds(2);

/// Coded pictures in an FLV file. nginx writes every message into its recording as it comes, so this is
/// when they reached the RTMP server.
class CodedPictures {
 public:
  explicit CodedPictures(const std::filesystem::path& flv) : file_(flv, std::ios::binary) {}
  /// How many there are by now.
  int64_t count();

 private:
  std::ifstream file_;
  std::streamoff next_tag_ = 13;  // behind the file's header and the size of no previous tag
  int64_t count_ = 0;
};

/// Blinks (the box of the clip turns black) in a file of raw grey pictures of kSize x kSize, as a player
/// writes them when it shows them.
class Blinks {
 public:
  static constexpr int kSize = 4;
  explicit Blinks(std::filesystem::path raw) : path_(std::move(raw)) {}
  void look();
  /// When each blink began to be seen.
  [[nodiscard]] const std::vector<MediaTime>& seen() const { return seen_; }

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  std::streamoff next_picture_ = 0;
  bool is_dark_ = true;  // a blink under way at the first look has no beginning to be seen
  std::vector<MediaTime> seen_;
};

}  // namespace vitrine::bench
