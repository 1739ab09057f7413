// SPDX-License-Identifier: Apache-2.0
#include "desk/api/route.h"

#include <algorithm>
#include <array>

namespace vitrine::desk {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 6> kRoleNames = {{{Role::kNone, "none"},
                                                                          {Role::kAssistant, "assistant"},
                                                                          {Role::kHost, "host"},
                                                                          {Role::kOperator, "operator"},
                                                                          {Role::kService, "service"},
                                                                          {Role::kTechnician, "technician"}}};

}  // namespace

std::string_view to_string(Role role) {
  return std::ranges::find(kRoleNames, role, &decltype(kRoleNames)::value_type::first)->second;
}

std::optional<Role> role_from(std::string_view name) {
  const auto* const found = std::ranges::find(kRoleNames, name, &decltype(kRoleNames)::value_type::second);
  if (found == kRoleNames.end() || found->first == Role::kNone) return std::nullopt;
  return found->first;
}

}  // namespace vitrine::desk
