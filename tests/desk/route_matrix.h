// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "desk/api/router.h"
#include "tests/desk/http_call.h"

namespace vitrine::desk {

/// Something a route's pattern matches: each of its names stands for "x".
inline std::string target_of(const Route& route) {
  std::string target;
  for (const auto& segment : segments_of(route.pattern))
    target += "/" + (name_of_segment(segment).empty() ? segment : std::string("x"));
  return target;
}

inline const std::vector<Role>& all_roles() {
  static const std::vector<Role> kRoles = {Role::kAssistant, Role::kHost, Role::kOperator, Role::kService,
                                           Role::kTechnician};
  return kRoles;
}

/// Calls each route of a table as nobody and in each role, with a body of its kind that says nothing, and
/// tells where another one gets in than the table says. `call` gives a request the credentials of a role;
/// nullopt: none.
using CallInRole = std::function<HttpReply(const Route&, const std::string& target, const HeaderList& headers,
                                           const std::string& body, std::optional<Role> role)>;

inline std::vector<std::string> wrong_doors(const std::vector<Route>& routes, const CallInRole& call) {
  std::vector<std::string> wrong;
  for (const auto& route : routes) {
    HeaderList headers;
    std::string body;
    if (!route.takes.schema.is_null()) {
      headers.emplace_back("Content-Type", "application/json");
      body = "{}";
    } else if (!route.takes.upload.empty()) {
      headers.emplace_back("Content-Type", "application/octet-stream");
      body = "x";
    }
    const std::string target = target_of(route);
    const auto judge = [&](std::optional<Role> role, const HttpReply& reply) {
      const bool is_allowed = route.allowed.allow(role.value_or(Role::kNone));
      // The table's own refusals name the roles; a handler's do not.
      const bool is_refused = (reply.status == 401 || reply.status == 403) && reply.json().contains("roles");
      const int expected = role ? 403 : 401;
      if (reply.status == 0 || is_allowed == is_refused || (!is_allowed && reply.status != expected))
        wrong.push_back(fmt::format("{} {} as {}: {} {}", route.method, target,
                                    role ? to_string(*role) : "nobody", reply.status, reply.body));
    };
    judge(std::nullopt, call(route, target, headers, body, std::nullopt));
    for (const Role role : all_roles()) judge(role, call(route, target, headers, body, role));
  }
  return wrong;
}

}  // namespace vitrine::desk
