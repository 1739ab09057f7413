// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/geometry.h"

namespace vitrine::commerce {

inline constexpr size_t kMostPictureBytes = size_t{8} << 20;  // a camera's largest JPEG

enum class PictureType { kUnknown = 0, kJpeg, kPng, kWebp };

struct PictureInfo {
  PictureType type = PictureType::kUnknown;
  Size size;
  bool operator==(const PictureInfo&) const = default;
};

/// What `bytes` are, by themselves: neither a name's ending nor a server's word counts. Only the header is
/// read; decoding is left to the sandboxed renderer. `name` stands in the refusal. Errors: kInvalidInput with
/// what was found and what is allowed. Source: ITU-T T.81 B.1.1 and B.2.2; PNG (W3C) 5.2 and 11.2.2; RFC 9649
/// (WebP).
Result<PictureInfo> check_picture(const std::string& name, std::string_view bytes);

}  // namespace vitrine::commerce
