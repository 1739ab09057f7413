// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

namespace vitrine::studio {

class Studio;

/// Everything a person or the desk may ask about this moment, as docs/control-socket.md describes it.
/// `problems` are sentences: what is wrong, and what happens about it.
nlohmann::json describe(const Studio& studio);

}  // namespace vitrine::studio
