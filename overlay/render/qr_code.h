// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/error.h"

namespace vitrine::overlay {

/// The modules of a QR symbol, without the quiet zone around it.
struct QrCode {
  int side = 0;
  std::vector<bool> modules;  // row by row

  [[nodiscard]] bool is_dark(int x, int y) const {
    return modules[static_cast<size_t>(y) * static_cast<size_t>(side) + static_cast<size_t>(x)];
  }
};

/// The smallest symbol that holds `text`, with error correction M: 15 % of it may be smeared.
/// Errors: kInvalidInput when it is empty, too long, or holds a zero.
/// Source: ISO/IEC 18004, by libqrencode.
Result<QrCode> encode_qr(const std::string& text);

}  // namespace vitrine::overlay
