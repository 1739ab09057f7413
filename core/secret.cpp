// SPDX-License-Identifier: Apache-2.0
#include "core/secret.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/unique_fd.h"

namespace vitrine {
namespace {

constexpr size_t kMaxSecretBytes = 4096;

enum class Guard { kMode, kServiceManager };

Result<Secret> read_secret_file(const std::filesystem::path& path, Guard guard) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open()) {
    const auto code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kPermission;
    return fail_errno(code, fmt::format("credential file {}", path.string()));
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(ErrorCode::kIo, path.string());
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kInvalidInput, fmt::format("{}: not a regular file", path.string()));
  if (guard == Guard::kMode && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::kPermission,
                fmt::format("{}: others may read this secret (mode {:04o}); mend with: chmod 0600 {}",
                            path.string(), status.st_mode & 07777, path.string()));
  }
  std::string text(kMaxSecretBytes + 1, '\0');
  const ssize_t length = ::read(fd.get(), text.data(), text.size());
  if (length < 0) return fail_errno(ErrorCode::kIo, path.string());
  text.resize(static_cast<size_t>(length));
  Secret whole(std::move(text));  // wipes the buffer on every way out
  if (whole.reveal().size() > kMaxSecretBytes) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: larger than {} bytes", path.string(), kMaxSecretBytes));
  }
  const size_t end = whole.reveal().find_last_not_of("\r\n \t");
  if (end == std::string::npos) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: the file is empty; put the key into it", path.string()));
  }
  return Secret(whole.reveal().substr(0, end + 1));
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) {
  other.wipe();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = std::move(other.value_);
    other.wipe();
  }
  return *this;
}

Secret::~Secret() {
  wipe();
}

void Secret::wipe() {
  // A moved-from or short string keeps its bytes in place; capacity, not size, is what was written.
  value_.resize(value_.capacity());
  explicit_bzero(value_.data(), value_.size());
  value_.clear();
}

Result<Secret> load_credential(const std::filesystem::path& directory, std::string_view name) {
  if (const char* systemd_directory = std::getenv("CREDENTIALS_DIRECTORY")) {
    // Its directory is closed to others; the group bits of a file there may be the mask of its ACL.
    auto secret = read_secret_file(std::filesystem::path(systemd_directory) / name, Guard::kServiceManager);
    if (secret || secret.error().code != ErrorCode::kNotFound) return secret;
  }
  return read_secret_file(directory / name, Guard::kMode);
}

Status store_credential(const std::filesystem::path& directory, std::string_view name, const Secret& secret) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  const std::filesystem::path target = directory / name;
  std::string unfinished = target.string() + ".XXXXXX";
  const UniqueFd fd(::mkostemp(unfinished.data(), O_CLOEXEC));  // 0600
  if (!fd.is_open()) {
    const bool may_not = errno == EACCES || errno == EPERM || errno == EROFS;
    return fail_errno(may_not ? ErrorCode::kPermission : ErrorCode::kIo, "creating " + unfinished);
  }
  const std::string& text = secret.reveal();
  const bool is_kept = ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::write(fd.get(), "\n", 1) == 1 && ::fsync(fd.get()) == 0 &&
                       ::rename(unfinished.c_str(), target.c_str()) == 0;
  if (!is_kept) {
    const int why = errno;
    ::unlink(unfinished.c_str());
    return fail_errno(ErrorCode::kIo, "writing " + target.string(), why);
  }
  const UniqueFd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.is_open() || ::fsync(parent.get()) != 0)
    return fail_errno(ErrorCode::kIo, "syncing " + directory.string());
  return {};
}

}  // namespace vitrine
