// SPDX-License-Identifier: Apache-2.0
#include "commerce/adapters/json_at.h"

namespace vitrine::commerce {

using nlohmann::json;

const json& json_at(const json& value, std::initializer_list<const char*> path) {
  static const json kNothing;
  const json* found = &value;
  for (const char* key : path) {
    if (!found->is_object()) return kNothing;
    const auto next = found->find(key);
    if (next == found->end()) return kNothing;
    found = &*next;
  }
  return *found;
}

const json& list_at(const json& value, std::initializer_list<const char*> path) {
  static const json kEmpty = json::array();
  const json& found = json_at(value, path);
  return found.is_array() ? found : kEmpty;
}

std::string text_at(const json& value, std::initializer_list<const char*> path) {
  const json& found = json_at(value, path);
  return found.is_string() ? found.get<std::string>() : std::string();
}

std::string id_at(const json& value, std::initializer_list<const char*> path) {
  const json& found = json_at(value, path);
  return found.is_number_integer() ? found.dump() : text_at(value, path);
}

bool is_true_at(const json& value, std::initializer_list<const char*> path) {
  const json& found = json_at(value, path);
  return found.is_boolean() && found.get<bool>();
}

std::string to_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace vitrine::commerce
