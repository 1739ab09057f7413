// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/geometry.h"
#include "core/picture_limits.h"
#include "core/unique_fd.h"

namespace vitrine::overlay {

/// What a picture from outside may be, checked before a pixel is decoded. 25 Mpx is the largest phone photo
/// in use, decoded 100 MB; below 16 px a side nothing can be recognised.
struct PhotoLimits {
  size_t max_bytes = 16U << 20;
  int64_t max_pixels = kMostPicturePixels;
  int min_side = kLeastPictureSide;
};

/// Product photos and scanned documents, by names relative to a few directories. PNG, JPEG and WebP, told
/// apart by their first bytes and never by their names; no SVG. EXIF orientation of JPEG is applied. Thread:
/// the one that renders.
class PhotoStore {
 public:
  enum class Crop { kCover, kContain };

  /// A photo at the size it is drawn: the box for kCover, at most the box for kContain.
  struct Fitted {
    Size size;
    std::string data_uri;  // PNG, as librsvg takes it
  };

  /// A name is looked for in each directory, in this order; it can't lead out of them.
  explicit PhotoStore(std::vector<std::filesystem::path> directories, PhotoLimits limits = {});

  /// Units: `box` in pixels. Decoded and resized once, then remembered until the file changes.
  /// Errors: kNotFound, kUnsupportedFormat with what was found and what is allowed.
  Result<std::shared_ptr<const Fitted>> fit(const std::string& name, Size box, Crop crop);

 private:
  struct Remembered {
    std::string name;
    Size box;
    Crop crop;
    timespec changed;
    off_t bytes;
    std::shared_ptr<const Fitted> photo;
  };

  Result<UniqueFd> open(const std::string& name) const;

  const std::vector<std::filesystem::path> directories_;
  const PhotoLimits limits_;
  std::list<Remembered> remembered_;  // newest first
};

/// An <image> that stands in a template as data:image/png;base64,… or data:image/jpeg: held to the same
/// limits.
Status check_embedded_image(std::string_view data_uri);

}  // namespace vitrine::overlay
