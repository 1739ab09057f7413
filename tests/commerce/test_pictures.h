// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/fakes/temp_dir.h"

namespace vitrine::commerce {

inline std::string big_endian_bytes(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFFU);
  return text;
}

/// The head of a PNG of that size; `more` makes one unlike another.
inline std::string png_head(uint32_t width, uint32_t height, const std::string& more = "") {
  return "\x89PNG\r\n\x1A\n" + big_endian_bytes(13, 4) + "IHDR" + big_endian_bytes(width, 4) +
         big_endian_bytes(height, 4) + more;
}

/// One that a real encoder made, 48×32.
inline std::string real_picture(const std::string& name) {
  return fakes::read_file(VITRINE_SOURCE_DIR "/tests/fuzz/corpus/picture/" + name);
}

}  // namespace vitrine::commerce
