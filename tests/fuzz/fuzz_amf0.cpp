// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "encoder/amf0.h"

namespace {

using vitrine::encoder::amf0::Object;
using vitrine::encoder::amf0::Value;

/// What was read is a tree within the stated limits.
int depth_of(const Value& value, int depth) {
  if (depth > 17) std::abort();
  int values = 1;
  if (const auto* object = std::get_if<Object>(&value.data)) {
    for (const auto& property : *object) values += depth_of(property.value, depth + 1);
  }
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto values = vitrine::encoder::amf0::decode({data, size});
  if (!values) return 0;
  int count = 0;
  for (const auto& value : *values) {
    count += depth_of(value, 0);
    static_cast<void>(value.text_of("code"));
  }
  if (count > 1024) std::abort();
  return 0;
}
