// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace vitrine {

/// JSON from outside: at most `max_bytes`, at most 64 deep, UTF-8, no duplicate keys. Errors: kInvalidInput
/// with the position. Never throws.
Result<nlohmann::json> parse_json(std::string_view text, size_t max_bytes);

/// A short form of any value for an error message: strings quoted and cut, containers by their type. What
/// must not reach a screen (`find_unsafe_character`) stands as \uXXXX.
std::string describe(const nlohmann::json& value);

}  // namespace vitrine
