// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/media_time.h"

namespace vitrine::studio {

enum class CheckFormat { kText, kJson };

/// Reads the configuration and looks at everything it names: secrets, files, directories, themes,
/// destinations and their platforms' ceilings. Prints every problem and warning; changes nothing. Returns the
/// exit status: 0 without problems (there may be warnings), 4 with.
int print_check(const std::filesystem::path& config_file, const std::filesystem::path& libexec_dir,
                CheckFormat format);

/// Whether each destination could be published to, all the time until `until`: its key there and not expired
/// by then, its platform's ceilings kept. And how many hours the recordings' disk has room for. As the
/// control socket's "check" answers it. Reads files: it may wait for the disk.
nlohmann::json check_destinations(const Config& config, Instant until);

}  // namespace vitrine::studio
