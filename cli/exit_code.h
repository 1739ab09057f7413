// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vitrine::cli {

/// docs/vitrinectl.md
enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kNoStudio = 3, kRefused = 4, kNeedsAttention = 5 };

}  // namespace vitrine::cli
