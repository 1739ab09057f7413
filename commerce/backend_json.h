// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace vitrine::commerce {

/// A backend's answer: at most 64 deep and of 500,000 values, UTF-8. A number with a point or an exponent
/// becomes the text that stood there: a price is never a double. Errors: kProtocol with the position. Never
/// throws.
Result<nlohmann::json> parse_backend_json(std::string_view text);

}  // namespace vitrine::commerce
