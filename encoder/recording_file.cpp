// SPDX-License-Identifier: Apache-2.0
#include "encoder/recording_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/unique_fd.h"

namespace vitrine::encoder {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::kDiskFull;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermission;
    case EEXIST:
      return ErrorCode::kInvalidInput;
    default:
      return ErrorCode::kIo;
  }
}

tl::unexpected<Error> failure(std::string_view what, const std::filesystem::path& path) {
  const int error_number = errno;
  return fail_errno(code_of(error_number), fmt::format("{} {}", what, path.string()), error_number);
}

Status sync_directory(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return failure("syncing directory", path);
  return {};
}

class PosixFile : public RecordingFile {
 public:
  PosixFile(UniqueFd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status append(std::span<const uint8_t> bytes) override {
    const auto ok = write_at(size_, bytes);
    if (ok) size_ += bytes.size();
    return ok;
  }

  Status overwrite(uint64_t offset, std::span<const uint8_t> bytes) override {
    return write_at(offset, bytes);
  }

  Status sync() override {
    if (::fdatasync(fd_.get()) != 0) return failure("syncing", path_);
    // What is on the disk need not fill the memory a camera's pictures want.
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    return {};
  }

  Status truncate(uint64_t bytes) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) return failure("cutting", path_);
    size_ = bytes;
    return {};
  }

 private:
  Status write_at(uint64_t offset, std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failure("writing", path_);
      bytes = bytes.subspan(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
    }
    return {};
  }

  const UniqueFd fd_;
  const std::filesystem::path path_;
  uint64_t size_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordingFile>> create_recording_file(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!fd.is_open()) return failure("creating", path);
  if (const auto ok = sync_directory(path.parent_path()); !ok) return tl::unexpected(ok.error());
  return std::make_unique<PosixFile>(std::move(fd), path);
}

Status create_recording_directory(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) == 0) return sync_directory(path.parent_path());
  if (errno == EEXIST) return {};
  if (errno != ENOENT || !path.has_relative_path()) return failure("creating directory", path);
  if (auto ok = create_recording_directory(path.parent_path()); !ok) return ok;
  if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
    return failure("creating directory", path);
  return sync_directory(path.parent_path());
}

}  // namespace vitrine::encoder
