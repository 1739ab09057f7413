// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "desk/api/route.h"

namespace vitrine::desk {

/// The API's part of the table of routes as an OpenAPI 3.1 document; `x-roles` of each operation says who
/// may.
nlohmann::json openapi_document(const std::vector<Route>& routes);

/// The roles that `allowed` lets in, by name; "none" first where no login is needed.
nlohmann::json role_names(const Roles& allowed);

}  // namespace vitrine::desk
