// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/qr_code.h"

#include <errno.h>
#include <memory>
#include <qrencode.h>
#include <string.h>

#include <fmt/format.h>

namespace vitrine::overlay {
namespace {

struct FreeSymbol {
  void operator()(QRcode* symbol) const { QRcode_free(symbol); }
};

}  // namespace

Result<QrCode> encode_qr(const std::string& text) {
  constexpr int kSmallestVersion = 0;
  constexpr int kCaseMatters = 1;
  if (text.find('\0') != std::string::npos)
    return fail(ErrorCode::kInvalidInput, "a zero in the text of a code");
  const std::unique_ptr<QRcode, FreeSymbol> symbol(
      QRcode_encodeString(text.c_str(), kSmallestVersion, QR_ECLEVEL_M, QR_MODE_8, kCaseMatters));
  if (!symbol) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} bytes that make no QR code: {}", text.size(), ::strerror(errno)));
  }
  QrCode code{symbol->width, {}};
  const auto count = static_cast<size_t>(code.side) * static_cast<size_t>(code.side);
  code.modules.reserve(count);
  for (size_t i = 0; i < count; ++i) code.modules.push_back((symbol->data[i] & 1) != 0);
  return code;
}

}  // namespace vitrine::overlay
