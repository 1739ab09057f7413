// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "core/error.h"
#include "desk/api/route.h"

namespace vitrine::desk {

/// The pages that people see, one route a file: "kiosk.html" is "/kiosk", "assets/x.js" is "/assets/x.js",
/// "/" leads to "/kiosk". All are read now and kept in memory: what a request names is looked up in the table
/// and never becomes a path. Errors: kNotFound where there is no kiosk.html; kIo; kUnsupportedFormat for a
/// file that no page needs.
Result<std::vector<Route>> page_routes(const std::filesystem::path& directory);

}  // namespace vitrine::desk
