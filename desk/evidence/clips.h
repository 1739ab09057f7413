// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/unique_fd.h"

namespace vitrine::desk {

/// Pieces of recordings as files of their own: the recording's head and some of its fragments, byte for byte.
/// So a clip costs no coding, and it begins and ends at a fragment, each of at most a second. Threads: any;
/// each clip has one of its own while it is sent.
class Clips {
 public:
  /// Fragments `first` to `last`, counted from 0, as far as the recording has them; one that is being written
  /// is read as far as it is whole. What comes from the socket until its end is an MP4 file. Errors:
  /// kNotFound where there is no such fragment; kDeviceBusy for the fifth at a time; kIo; kUnsupportedFormat.
  Result<UniqueFd> send(const std::filesystem::path& recording, int64_t first, int64_t last);

 private:
  std::mutex mutex_;
  std::vector<std::future<void>> sending_;  // guarded by mutex_
};

}  // namespace vitrine::desk
