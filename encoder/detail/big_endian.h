// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/packet.h"

namespace vitrine::encoder::detail {

/// The `count` lowest bytes of `value`, most significant first.
inline void append_be(Bytes& out, uint64_t value, int count) {
  for (int shift = (count - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<uint8_t>(value >> shift));
}

/// All of `bytes` (8 at most) as one number, most significant first.
inline uint64_t read_be(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace vitrine::encoder::detail
