// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "encoder/avc_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine::encoder;
  const std::span<const uint8_t> bytes(data, size);
  const auto units = split_length_prefixed(bytes);
  if (units) {
    size_t total = 0;
    for (const auto& unit : *units) total += 4 + unit.size();
    if (total != size) std::abort();
  }
  const auto record = make_avc_config(bytes);
  if (record && (!units || record->size() < 7 + 2 + 4 + 2 + 1 || record->front() != 1)) std::abort();
  return 0;
}
