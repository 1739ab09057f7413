// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace vitrine::studio {

enum class CheckFormat { kText, kJson };

/// Reads the configuration and looks at everything it names: secrets, files, directories, themes,
/// destinations and their platforms' ceilings. Prints every problem and warning; changes nothing. Returns the
/// exit status: 0 without problems (there may be warnings), 4 with.
int print_check(const std::filesystem::path& config_file, const std::filesystem::path& libexec_dir,
                CheckFormat format);

}  // namespace vitrine::studio
