// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>

#include <nlohmann/json.hpp>

namespace vitrine::commerce {

// A look into an answer whose shape is not ours to demand: what is not there is null, empty or "".

const nlohmann::json& json_at(const nlohmann::json& value, std::initializer_list<const char*> path);
const nlohmann::json& list_at(const nlohmann::json& value, std::initializer_list<const char*> path);
std::string text_at(const nlohmann::json& value, std::initializer_list<const char*> path);
/// Text or integer.
std::string id_at(const nlohmann::json& value, std::initializer_list<const char*> path);
bool is_true_at(const nlohmann::json& value, std::initializer_list<const char*> path);

/// For the wire. What is not UTF-8 becomes U+FFFD; never throws.
std::string to_text(const nlohmann::json& value);

}  // namespace vitrine::commerce
