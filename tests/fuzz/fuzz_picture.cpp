// SPDX-License-Identifier: Apache-2.0
// The header of a photo or a scanned document, from a shop's server or a technician's folder.
#include <cstdlib>

#include "commerce/picture.h"
#include "core/picture_limits.h"
#include "core/text_rules.h"

namespace {

using namespace vitrine;
using namespace vitrine::commerce;

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto info = check_picture("a.jpg", {reinterpret_cast<const char*>(data), size});
  if (!info) {
    expect(!find_unsafe_character(info.error().message));
    return 0;
  }
  expect(info->type != PictureType::kUnknown);
  expect(info->size.width >= kLeastPictureSide && info->size.width <= kMostPictureSide);
  expect(info->size.height >= kLeastPictureSide && info->size.height <= kMostPictureSide);
  expect(int64_t{info->size.width} * info->size.height <= kMostPicturePixels);
  return 0;
}
