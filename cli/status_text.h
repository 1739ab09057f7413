// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace vitrine::cli {

/// The studio's status as a technician reads it at two in the morning: what is on air, where, from which
/// camera, at what rate, and what is wrong. Takes any JSON: what is missing is left out.
std::string format_status(const nlohmann::json& status);

/// A destination's test, step by step, and what to do where it failed. Takes any JSON, too.
std::string format_trial(const nlohmann::json& trial);

}  // namespace vitrine::cli
