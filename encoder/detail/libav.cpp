// SPDX-License-Identifier: Apache-2.0
#include "encoder/detail/libav.h"

extern "C" {
#include <libavutil/log.h>
}

#include <array>

#include <fmt/format.h>

#include "core/log.h"

namespace vitrine::encoder::detail {
namespace {

void write_log(void* source, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  std::array<char, 512> line{};
  int at_line_start = 1;
  av_log_format_line2(source, level, format, arguments, line.data(), line.size(), &at_line_start);
  std::string_view text(line.data());
  while (text.ends_with('\n')) text.remove_suffix(1);
  log::write(level <= AV_LOG_ERROR ? log::Level::kWarning : log::Level::kDebug, "libav", text);
}

}  // namespace

void route_libav_log() {
  av_log_set_callback(&write_log);
}

Status AvDict::all_used(std::string_view call) const {
  if (const auto* left = av_dict_get(dict_, "", nullptr, AV_DICT_IGNORE_SUFFIX)) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: unknown option {}={}", call, left->key, left->value));
  }
  return {};
}

Status av_status(ErrorCode code, std::string_view call, int rc) {
  if (rc >= 0) return {};
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(rc, text.data(), text.size());
  return fail(code, fmt::format("{}: {}", call, text.data()), rc);
}

std::vector<uint8_t> extradata(const AVCodecContext& codec) {
  return {codec.extradata, codec.extradata + codec.extradata_size};
}

}  // namespace vitrine::encoder::detail
