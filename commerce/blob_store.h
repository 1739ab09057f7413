// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "commerce/store.h"
#include "core/error.h"
#include "core/media_time.h"

namespace vitrine::commerce {

/// Pictures by what is in them: files `directory`/ab/cdef… named by their BLAKE2b-256 in hex. Equal pictures
/// are one file, and a name never means other bytes. What a table of `store` names stays; the rest goes with
/// `sweep`. Threads: any, all functions; `sweep` waits for those who add, and they for it.
class BlobStore {
 public:
  /// Creates `directory`, and removes what a crash left half written there. One process at a time. Errors:
  /// kIo.
  static Result<std::unique_ptr<BlobStore>> open(const std::filesystem::path& directory, Store& store);
  BlobStore(const BlobStore&) = delete;
  BlobStore& operator=(const BlobStore&) = delete;

  /// Holds off the sweep. Until it ends, a row that names what was put must be in the store.
  using Adding = std::shared_lock<std::shared_mutex>;
  [[nodiscard]] Adding begin_adding() const { return Adding(sweep_mutex_); }
  /// On the disk, directory and all, when it returns. Gives the name. Errors: kIo, kDiskFull.
  Result<std::string> put(const Adding& adding, std::string_view bytes);

  /// Errors: kNotFound; kIo, also where the file is not what its name says: the disk has changed it.
  [[nodiscard]] Result<std::string> read(const std::string& hash) const;
  [[nodiscard]] bool has(const std::string& hash) const;
  /// Makes it a file of `directory` too, named by its hash, for who may read there and not here. Errors:
  /// kNotFound, kIo, kDiskFull.
  Status lay_out(const std::string& hash, const std::filesystem::path& directory) const;

  /// Removes what no row names and nobody put since `unused_since`: a backup of the store may still name what
  /// was used when it was made. Returns how many went.
  Result<int64_t> sweep(Instant unused_since);

 private:
  BlobStore(std::filesystem::path directory, Store& store)
      : directory_(std::move(directory)), store_(store) {}
  [[nodiscard]] std::filesystem::path path_of(const std::string& hash) const;

  const std::filesystem::path directory_;
  Store& store_;
  mutable std::shared_mutex sweep_mutex_;  // who adds shares it, the sweep has it alone
};

/// A name that `BlobStore::put` may have given: 64 small hex digits.
bool is_blob_hash(std::string_view text);

}  // namespace vitrine::commerce
