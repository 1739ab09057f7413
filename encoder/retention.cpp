// SPDX-License-Identifier: Apache-2.0
#include "encoder/retention.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <unistd.h>

#include <fmt/format.h>

namespace vitrine::encoder {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHoldFile = "keep";
constexpr std::string_view kRecordsFile = "as-run.jsonl";

/// Recordings into `files`, as-run records into `records`.
void find_files(const RecordingConfig& config, const std::vector<fs::path>& open_files,
                RetentionInput& input) {
  std::error_code ignored;
  for (fs::recursive_directory_iterator
           it(config.directory, fs::directory_options::skip_permission_denied, ignored),
       end;
       it != end; it.increment(ignored)) {
    struct stat status {};
    const bool is_records = it->path().filename() == kRecordsFile;
    if ((it->path().extension() != ".mp4" && !is_records) || ::lstat(it->path().c_str(), &status) != 0 ||
        !S_ISREG(status.st_mode))
      continue;
    const bool is_held = fs::exists(it->path().parent_path() / kHoldFile, ignored);
    (is_records ? input.records : input.files)
        .push_back({it->path(), static_cast<uint64_t>(status.st_size),
                    Instant(std::chrono::seconds(status.st_mtime)),
                    is_held || std::ranges::find(open_files, it->path()) != open_files.end()});
  }
}

/// The session's directory, and the programme's above it, when nothing is left in them.
void remove_empty_directories(const fs::path& file, const fs::path& root) {
  std::error_code error;
  for (fs::path directory = file.parent_path(); directory != root && directory != directory.parent_path();
       directory = directory.parent_path()) {
    if (!fs::remove(directory, error) || error) return;  // fails on one that is not empty
  }
}

}  // namespace

std::string_view to_string(DeletionReason reason) {
  return reason == DeletionReason::kTooOld ? "too_old" : "space_needed";
}

std::vector<Deletion> decide_retention(RetentionInput input, const RecordingConfig& config) {
  const auto is_old = [&](const RecordedFile& file) {
    return input.now && *input.now - file.ended_at > std::chrono::days(config.keep_days);
  };
  std::map<fs::path, int> recordings_left;  // by session directory
  for (const auto& file : input.files) ++recordings_left[file.path.parent_path()];
  std::erase_if(input.files, &RecordedFile::is_protected);
  // By name where the times are equal, so that a session's segments go in their order.
  std::ranges::sort(input.files, {},
                    [](const RecordedFile& file) { return std::pair(file.ended_at, file.path); });
  const uint64_t min_free_bytes = static_cast<uint64_t>(config.min_free_mib) << 20;
  std::vector<Deletion> deletions;
  for (auto& file : input.files) {
    const auto reason = is_old(file) ? DeletionReason::kTooOld : DeletionReason::kSpaceNeeded;
    if (reason == DeletionReason::kSpaceNeeded && input.free_bytes >= min_free_bytes) break;
    input.free_bytes += file.bytes;
    --recordings_left[file.path.parent_path()];
    deletions.push_back({std::move(file), reason});
  }
  for (auto& file : input.records) {
    if (file.is_protected || !is_old(file) || recordings_left[file.path.parent_path()] > 0) continue;
    deletions.push_back({std::move(file), DeletionReason::kTooOld});
  }
  return deletions;
}

Status apply_retention(const RecordingConfig& config, const std::vector<fs::path>& open_files,
                       std::optional<Instant> now, const std::function<void(const Deletion&)>& on_deletion) {
  struct statvfs disk {};
  if (::statvfs(config.directory.c_str(), &disk) != 0) {
    return fail_errno(ErrorCode::kIo, fmt::format("free space of {}", config.directory.string()));
  }
  RetentionInput input{{}, uint64_t{disk.f_bavail} * disk.f_frsize, now};
  find_files(config, open_files, input);
  std::string failed;
  for (const auto& deletion : decide_retention(std::move(input), config)) {
    if (::unlink(deletion.file.path.c_str()) != 0) {
      failed += fmt::format("{}{}: {}", failed.empty() ? "" : "; ", deletion.file.path.string(),
                            std::strerror(errno));
      continue;
    }
    remove_empty_directories(deletion.file.path, config.directory);
    on_deletion(deletion);
  }
  if (!failed.empty())
    return fail(ErrorCode::kIo, "recordings that should go and can't be deleted: " + failed);
  return {};
}

}  // namespace vitrine::encoder
