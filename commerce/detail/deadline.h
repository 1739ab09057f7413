// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commerce/adapter.h"

namespace vitrine::commerce::detail {

/// Of one call to the shop's server: longer than any that went well took, shorter than anybody waits.
inline Adapter::Deadline soon() {
  constexpr std::chrono::seconds kCallLimit{15};
  return {steady_now() + kCallLimit};
}

}  // namespace vitrine::commerce::detail
