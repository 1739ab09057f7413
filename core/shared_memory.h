// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/error.h"
#include "core/unique_fd.h"

namespace vitrine {

/// An mmap that unmaps itself.
class Mapping {
 public:
  enum class Access { kRead, kReadWrite };

  Mapping() = default;
  static Result<Mapping> create(int fd, size_t offset, size_t bytes, Access access);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  [[nodiscard]] uint8_t* data() const { return data_; }
  [[nodiscard]] size_t size() const { return bytes_; }
  [[nodiscard]] std::span<const uint8_t> bytes() const { return {data_, bytes_}; }

 private:
  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

/// A sparse memfd whose size can never change again, so that no peer can make us fault by truncating it.
Result<UniqueFd> create_sealed_memfd(const std::string& name, size_t bytes);

/// A memfd with these bytes, which nobody can change or resize any more.
Result<UniqueFd> create_immutable_memfd(const std::string& name, std::span<const uint8_t> content);

/// What every memfd from a worker passes through before it is mapped. Errors: kProtocol when the size is not
/// sealed (or, for kImmutable, the content), or when it is larger than `max_bytes`.
enum class Sealing { kSize, kImmutable };
Result<size_t> verify_memfd(int fd, Sealing sealing, size_t max_bytes);

}  // namespace vitrine
