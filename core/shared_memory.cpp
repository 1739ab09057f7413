// SPDX-License-Identifier: Apache-2.0
#include "core/shared_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <fcntl.h>
#include <utility>

#include <fmt/format.h>

namespace vitrine {

Result<Mapping> Mapping::create(int fd, size_t offset, size_t bytes, Access access) {
  const int protection = access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* data = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (data == MAP_FAILED) return fail_errno(ErrorCode::kIo, fmt::format("mmap of {} bytes", bytes));
  Mapping mapping;
  mapping.data_ = static_cast<uint8_t*>(data);
  mapping.bytes_ = bytes;
  return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

Result<UniqueFd> create_sealed_memfd(const std::string& name, size_t bytes) {
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return fail_errno(ErrorCode::kIo, "memfd_create " + name);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return fail_errno(ErrorCode::kIo, fmt::format("sizing memfd {} to {} bytes", name, bytes));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return fail_errno(ErrorCode::kIo, "sealing memfd " + name);
  }
  return fd;
}

Result<UniqueFd> create_immutable_memfd(const std::string& name, std::span<const uint8_t> content) {
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return fail_errno(ErrorCode::kIo, "memfd_create " + name);
  size_t written = 0;
  while (written < content.size()) {
    const ssize_t count = ::write(fd.get(), content.data() + written, content.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail_errno(ErrorCode::kIo, "writing memfd " + name);
    written += static_cast<size_t>(count);
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return fail_errno(ErrorCode::kIo, "sealing memfd " + name);
  }
  return fd;
}

Result<size_t> verify_memfd(int fd, Sealing sealing, size_t max_bytes) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) return fail_errno(ErrorCode::kProtocol, "what came is no memfd");
  const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | (sealing == Sealing::kImmutable ? F_SEAL_WRITE : 0);
  if ((seals & wanted) != wanted) {
    return fail(ErrorCode::kProtocol,
                fmt::format("what came is a memfd with seals {:#x}, needs {:#x}", seals, wanted));
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_errno(ErrorCode::kIo, "fstat of a memfd");
  if (status.st_size <= 0 || static_cast<size_t>(status.st_size) > max_bytes) {
    return fail(ErrorCode::kProtocol, fmt::format("what came is a memfd of {} bytes, allowed 1 to {}",
                                                  static_cast<int64_t>(status.st_size), max_bytes));
  }
  return static_cast<size_t>(status.st_size);
}

}  // namespace vitrine
