// SPDX-License-Identifier: Apache-2.0
#include "desk/api/openapi.h"

#include <algorithm>

#include "desk/api/router.h"

namespace vitrine::desk {
namespace {

using nlohmann::json;

json problem_schema() {
  const json text = {{"type", "string"}};
  return {
      {"type", "object"},
      {"required", {"type", "title", "title_zh", "status", "detail", "code"}},
      {"properties",
       {{"type", text},
        {"title", text},
        {"title_zh", text},
        {"status", {{"type", "integer"}}},
        {"detail", text},
        {"code", {{"type", "string"}, {"description", "docs/errors.md"}}},
        {"roles", {{"type", "array"}, {"items", text}, {"description", "who may, where the caller may not"}}},
        {"problems",
         {{"type", "array"},
          {"items",
           {{"type", "object"}, {"properties", {{"where", text}, {"found", text}, {"allowed", text}}}}}}}}}};
}

/// "GET /api/v1/shows/{show}/items" → "getShowsShowItems": what generated clients call it.
std::string operation_id(const Route& route) {
  std::string id = route.method;
  std::ranges::transform(id, id.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  bool starts_word = true;
  for (const char c : route.pattern.substr(std::string_view("/api/v1").size())) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_letter) id += starts_word && c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    starts_word = !is_letter;
  }
  return id;
}

json parameters_of(const Route& route) {
  json parameters = json::array();
  for (const auto& segment : segments_of(route.pattern)) {
    const auto name = name_of_segment(segment);
    if (!name.empty())
      parameters.push_back(
          {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  for (const auto& name : route.takes.query)
    parameters.push_back({{"name", name}, {"in", "query"}, {"schema", {{"type", "string"}}}});
  return parameters;
}

json operation_of(const Route& route) {
  const json object = {{"type", "object"}};
  json operation = {{"operationId", operation_id(route)},
                    {"summary", route.summary},
                    {"x-roles", role_names(route.allowed)},
                    {"parameters", parameters_of(route)}};
  operation["responses"] = {
      {"2XX",
       {{"description", "done"},
        {"content", {{"application/json", {{"schema", route.gives.is_null() ? object : route.gives}}}}}}},
      {"default",
       {{"description", "refused or failed"},
        {"content",
         {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}}}};
  if (!route.takes.upload.empty())
    operation["requestBody"] = {
        {"required", true},
        {"description", route.takes.upload},
        {"content", {{"*/*", {{"schema", {{"type", "string"}, {"format", "binary"}}}}}}}};
  else if (!route.takes.schema.is_null())
    operation["requestBody"] = {{"required", true},
                                {"content", {{"application/json", {{"schema", route.takes.schema}}}}}};
  if (operation.contains("requestBody")) operation["requestBody"]["x-most-bytes"] = route.takes.most_bytes;
  if (route.allowed.allow(Role::kNone)) operation["security"] = json::array();
  return operation;
}

}  // namespace

json role_names(const Roles& allowed) {
  json names = json::array();
  for (const Role role :
       {Role::kNone, Role::kAssistant, Role::kHost, Role::kOperator, Role::kService, Role::kTechnician})
    if (allowed.allow(role)) names.push_back(to_string(role));
  return names;
}

json openapi_document(const std::vector<Route>& routes) {
  json paths = json::object();
  for (const auto& route : routes) {
    if (!route.pattern.starts_with("/api/")) continue;  // pages are no business of programs
    std::string method = route.method;
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    paths[route.pattern][method] = operation_of(route);
  }
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "Vitrine"}, {"version", "1"}, {"license", {{"name", "Apache-2.0"}}}}},
          {"paths", std::move(paths)},
          {"security", {{{"session", json::array()}}, {{"token", json::array()}}}},
          {"components",
           {{"securitySchemes",
             {{"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "__Host-vitrine"}}},
              {"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
            {"schemas", {{"Problem", problem_schema()}}}}}};
}

}  // namespace vitrine::desk
