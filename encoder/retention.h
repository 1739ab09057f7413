// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::encoder {

struct RecordedFile {
  std::filesystem::path path;
  uint64_t bytes = 0;
  Instant ended_at{};         // last written to
  bool is_protected = false;  // open, or its session is held back
};

enum class DeletionReason { kTooOld = 0, kSpaceNeeded };
std::string_view to_string(DeletionReason reason);

struct Deletion {
  RecordedFile file;
  DeletionReason reason = DeletionReason::kTooOld;
};

struct RetentionInput {
  std::vector<RecordedFile> files;
  uint64_t free_bytes = 0;
  /// nullopt when the clock is not set: by a clock of 2099 every recording would be too old.
  std::optional<Instant> now;
  /// The sessions' as-run records.
  std::vector<RecordedFile> records{};
};

/// What must go, oldest first: what is older than `keep_days`, then what stands in the way of `min_free_mib`;
/// at last the as-run records whose session has no recording any more and which are older than `keep_days`
/// themselves: they are small, and evidence, so never for space. Never a protected file. Pure.
std::vector<Deletion> decide_retention(RetentionInput input, const RecordingConfig& config);

/// Looks at the recordings and records, decides, deletes. A session whose directory holds a file named "keep"
/// is protected; so are `open_files`. Calls `on_deletion` after each: nothing goes silently. A session's
/// directory goes with its last file. Returns the files that should have gone and could not, as one error.
Status apply_retention(const RecordingConfig& config, const std::vector<std::filesystem::path>& open_files,
                       std::optional<Instant> now, const std::function<void(const Deletion&)>& on_deletion);

}  // namespace vitrine::encoder
