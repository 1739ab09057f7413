// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "core/error.h"

namespace vitrine::encoder {

/// The file operations of a recording: the place where a test puts a slow, full or broken disk.
/// Errors: kDiskFull (ENOSPC, EDQUOT, EFBIG), kIo.
class RecordingFile {
 public:
  virtual ~RecordingFile() = default;
  virtual Status append(std::span<const uint8_t> bytes) = 0;
  virtual Status overwrite(uint64_t offset, std::span<const uint8_t> bytes) = 0;
  /// After an error never again on this file: the kernel has dropped what it could not write, and says so
  /// only once.
  virtual Status sync() = 0;
  virtual Status truncate(uint64_t bytes) = 0;
};

using OpenRecordingFile = std::function<Result<std::unique_ptr<RecordingFile>>(const std::filesystem::path&)>;

/// Creates the file, which must not be there yet, and makes its name durable.
/// Errors: kDiskFull, kPermission, kIo; kInvalidInput when the file is there.
Result<std::unique_ptr<RecordingFile>> create_recording_file(const std::filesystem::path& path);

/// Creates the directory and those above it, durably.
Status create_recording_directory(const std::filesystem::path& path);

}  // namespace vitrine::encoder
