// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::desk {

/// What one of Vitrine's units said, or the system manager said of it.
struct JournalLine {
  Instant at{};
  std::string unit;  // "vitrine-studio"
  int priority = 6;  // of syslog: 3 an error, 4 a warning, 6 information
  std::string text;
};

/// The newest `most` lines of the system's journal, the oldest of them first. `directory`: of journal files,
/// instead of the system's own. Threads: any; waits for the disk. Errors: kNotFound where there is no
/// journal, kPermission where it may not be read.
Result<std::vector<JournalLine>> newest_lines(size_t most, const std::filesystem::path& directory = {});

}  // namespace vitrine::desk
