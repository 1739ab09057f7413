// SPDX-License-Identifier: Apache-2.0
#include "encoder/avc_config.h"

#include <fmt/format.h>

namespace vitrine::encoder {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr uint8_t kProfileHigh = 100;

void append_u16(Bytes& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

/// The count field of SPS has 5 bits, that of PPS 8.
Status check_sets(const std::vector<NalUnit>& sets, std::string_view name, size_t min_bytes,
                  size_t max_count) {
  if (sets.empty() || sets.size() > max_count) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{} {} units; 1 to {} are allowed", sets.size(), name, max_count));
  }
  for (const auto& set : sets) {
    if (set.size() < min_bytes || set.size() > UINT16_MAX) {
      return fail(ErrorCode::kInvalidInput, fmt::format("{} of {} bytes", name, set.size()));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<NalUnit>> split_length_prefixed(std::span<const uint8_t> bytes) {
  std::vector<NalUnit> units;
  while (!bytes.empty()) {
    if (bytes.size() < kLengthBytes) {
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("{} stray bytes after the last NAL unit", bytes.size()));
    }
    const size_t length = size_t{bytes[0]} << 24 | size_t{bytes[1]} << 16 | size_t{bytes[2]} << 8 | bytes[3];
    bytes = bytes.subspan(kLengthBytes);
    if (length == 0 || length > bytes.size()) {
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("NAL unit of {} bytes where {} are left", length, bytes.size()));
    }
    units.push_back(bytes.first(length));
    bytes = bytes.subspan(length);
  }
  return units;
}

Result<Bytes> make_avc_config(std::span<const uint8_t> parameter_sets) {
  const auto units = split_length_prefixed(parameter_sets);
  if (!units) return tl::unexpected(units.error());
  std::vector<NalUnit> sps;
  std::vector<NalUnit> pps;
  for (const auto& unit : *units) {
    if (type_of(unit) == NalType::kSps) sps.push_back(unit);
    if (type_of(unit) == NalType::kPps) pps.push_back(unit);
  }
  if (const auto ok = check_sets(sps, "SPS", 4, 31); !ok) return tl::unexpected(ok.error());
  if (const auto ok = check_sets(pps, "PPS", 1, 255); !ok) return tl::unexpected(ok.error());

  const NalUnit& first = sps.front();
  Bytes record{
      1, first[1], first[2], first[3], 0xFC | (kLengthBytes - 1), static_cast<uint8_t>(0xE0 | sps.size())};
  for (const auto& set : sps) {
    append_u16(record, set.size());
    record.insert(record.end(), set.begin(), set.end());
  }
  record.push_back(static_cast<uint8_t>(pps.size()));
  for (const auto& set : pps) {
    append_u16(record, set.size());
    record.insert(record.end(), set.begin(), set.end());
  }
  if (first[1] >= kProfileHigh) {
    // High profiles tell chroma format and bit depth once more: 4:2:0, 8 bits, no SPS extension. All we
    // encode is that.
    record.insert(record.end(), {0xFC | 1, 0xF8 | 0, 0xF8 | 0, 0});
  }
  return record;
}

}  // namespace vitrine::encoder
