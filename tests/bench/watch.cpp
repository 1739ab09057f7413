// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <array>
#include <numeric>

namespace vitrine::bench {
namespace {

/// `bytes` at `offset`; false while they are not all there.
template <size_t kBytes>
bool read_at(std::ifstream& file, std::streamoff offset, std::array<uint8_t, kBytes>& bytes) {
  file.clear();
  file.seekg(offset);
  file.read(reinterpret_cast<char*>(bytes.data()), kBytes);
  return file.gcount() == static_cast<std::streamsize>(kBytes);
}

}  // namespace

int64_t CodedPictures::count() {
  // Adobe's FLV 10.1, E.4.1: an 11 byte tag header, the data, 4 bytes of the tag's size.
  constexpr std::streamoff kHeader = 11;
  constexpr uint8_t kVideo = 9;
  constexpr uint8_t kAvc = 7;
  constexpr uint8_t kCodedPicture = 1;
  for (std::array<uint8_t, kHeader + 2> tag; read_at(file_, next_tag_, tag);) {
    const std::streamoff bytes = tag[1] << 16 | tag[2] << 8 | tag[3];
    if (tag[0] == kVideo && (tag[kHeader] & 0x0F) == kAvc && tag[kHeader + 1] == kCodedPicture) ++count_;
    next_tag_ += kHeader + bytes + 4;
  }
  return count_;
}

void Blinks::look() {
  if (!file_.is_open()) file_.open(path_, std::ios::binary);
  constexpr int kDark = 100;  // black is 0 or 16, the wall of the drawn shop 187 and more
  for (std::array<uint8_t, kSize * kSize> picture; read_at(file_, next_picture_, picture);) {
    next_picture_ += picture.size();
    const bool is_dark =
        std::accumulate(picture.begin(), picture.end(), 0) < kDark * static_cast<int>(picture.size());
    if (is_dark && !is_dark_) seen_.push_back(steady_now());
    is_dark_ = is_dark;
  }
}

}  // namespace vitrine::bench
