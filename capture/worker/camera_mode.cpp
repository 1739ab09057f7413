// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/camera_mode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

namespace vitrine::capture {
namespace {

using Encoding = CameraMode::Encoding;

constexpr Size kWanted{1920, 1080};
constexpr Rational kWantedRate{30, 1};
constexpr double kFastEnough = 25 * 0.999;  // 24.98 and the like

struct EncodingName {
  Encoding encoding;
  const char* media;
  const char* format;  // null: not raw
};
constexpr std::array kEncodings = {EncodingName{Encoding::kNv12, "video/x-raw", "NV12"},
                                   EncodingName{Encoding::kYuy2, "video/x-raw", "YUY2"},
                                   EncodingName{Encoding::kI420, "video/x-raw", "I420"},
                                   EncodingName{Encoding::kMjpeg, "image/jpeg", nullptr},
                                   EncodingName{Encoding::kH264, "video/x-h264", nullptr}};

double per_second(Rational rate) {
  return rate.den > 0 ? static_cast<double>(rate.num) / rate.den : 0;
}

bool has_value(const GValue* offered, const char* text) {
  if (offered == nullptr) return false;
  if (G_VALUE_HOLDS_STRING(offered)) return g_strcmp0(g_value_get_string(offered), text) == 0;
  if (!GST_VALUE_HOLDS_LIST(offered)) return false;
  for (guint i = 0; i < gst_value_list_get_size(offered); ++i) {
    if (has_value(gst_value_list_get_value(offered, i), text)) return true;
  }
  return false;
}

/// The largest offered that is not above `wanted`; the smallest when all are.
int nearest_int(const GValue* offered, int wanted) {
  if (offered == nullptr) return 0;
  if (G_VALUE_HOLDS_INT(offered)) return g_value_get_int(offered);
  if (GST_VALUE_HOLDS_INT_RANGE(offered)) {
    const int step = std::max(1, gst_value_get_int_range_step(offered));
    const int least = gst_value_get_int_range_min(offered);
    const int most = std::min(wanted, gst_value_get_int_range_max(offered));
    return most < least ? least : least + (most - least) / step * step;
  }
  int best = 0;
  for (guint i = 0; GST_VALUE_HOLDS_LIST(offered) && i < gst_value_list_get_size(offered); ++i) {
    const int value = nearest_int(gst_value_list_get_value(offered, i), wanted);
    const bool is_better = best == 0 || (value <= wanted ? best > wanted || value > best : value < best);
    if (is_better) best = value;
  }
  return best;
}

Rational fraction(const GValue* value) {
  return {gst_value_get_fraction_numerator(value), gst_value_get_fraction_denominator(value)};
}

bool is_better_rate(Rational a, Rational b) {
  const bool is_fast_a = per_second(a) >= kFastEnough;
  const bool is_fast_b = per_second(b) >= kFastEnough;
  if (is_fast_a != is_fast_b) return is_fast_a;
  if (!is_fast_a) return per_second(a) > per_second(b);
  return std::abs(per_second(a) - per_second(kWantedRate)) <
         std::abs(per_second(b) - per_second(kWantedRate));
}

Rational best_rate(const GValue* offered) {
  if (offered == nullptr) return {0, 1};
  if (GST_VALUE_HOLDS_FRACTION(offered)) return fraction(offered);
  if (GST_VALUE_HOLDS_FRACTION_RANGE(offered)) {
    const Rational most = fraction(gst_value_get_fraction_range_max(offered));
    return per_second(most) < per_second(kWantedRate) ? most : kWantedRate;
  }
  Rational best{0, 1};
  for (guint i = 0; GST_VALUE_HOLDS_LIST(offered) && i < gst_value_list_get_size(offered); ++i) {
    const Rational rate = best_rate(gst_value_list_get_value(offered, i));
    if (is_better_rate(rate, best)) best = rate;
  }
  return best;
}

/// What raw and compressed cost: a decoder's milliseconds and artefacts, then its latency.
int preference(Encoding encoding) {
  switch (encoding) {
    case Encoding::kI420:
      return 5;
    case Encoding::kNv12:
      return 4;
    case Encoding::kYuy2:
      return 3;
    case Encoding::kMjpeg:
      return 2;
    case Encoding::kH264:
      return 1;
    case Encoding::kUnknown:
      break;
  }
  return 0;
}

auto rank(const CameraMode& mode) {
  const bool is_fast = per_second(mode.rate) >= kFastEnough;
  const bool fits = mode.size.width <= kWanted.width && mode.size.height <= kWanted.height;
  const int64_t area = static_cast<int64_t>(mode.size.width) * mode.size.height;
  return std::tuple(is_fast, is_fast ? 0.0 : per_second(mode.rate), fits, fits ? area : -area,
                    preference(mode.encoding));
}

}  // namespace

std::string CameraMode::caps() const {
  for (const auto& [candidate, media, format] : kEncodings) {
    if (candidate != encoding) continue;
    return fmt::format("{}{}{},width={},height={},framerate={}/{}", media,
                       format != nullptr ? ",format=" : "", format != nullptr ? format : "", size.width,
                       size.height, rate.num, rate.den);
  }
  return {};
}

std::vector<CameraMode> modes_of(const GstCaps* caps) {
  std::vector<CameraMode> modes;
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    const GstStructure* structure = gst_caps_get_structure(caps, i);
    const Size size{nearest_int(gst_structure_get_value(structure, "width"), kWanted.width),
                    nearest_int(gst_structure_get_value(structure, "height"), kWanted.height)};
    const Rational rate = best_rate(gst_structure_get_value(structure, "framerate"));
    for (const auto& [encoding, media, format] : kEncodings) {
      if (gst_structure_has_name(structure, media) == FALSE) continue;
      if (format != nullptr && !has_value(gst_structure_get_value(structure, "format"), format)) continue;
      if (size.width > 0 && size.height > 0 && rate.num > 0) modes.push_back({encoding, size, rate});
    }
  }
  return modes;
}

std::optional<CameraMode> choose_mode(const std::vector<CameraMode>& modes) {
  const auto best = std::ranges::max_element(modes, {}, rank);
  return best == modes.end() ? std::nullopt : std::optional(*best);
}

}  // namespace vitrine::capture
