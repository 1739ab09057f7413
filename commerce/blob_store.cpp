// SPDX-License-Identifier: Apache-2.0
#include "commerce/blob_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <set>
#include <sodium.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "core/unique_fd.h"

namespace vitrine::commerce {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHashBytes = 32;
constexpr const char* kUnfinished = ".unfinished-";

/// Every column that names a blob, old versions of papers included: they are the proof of what was shown.
constexpr const char* kNamedBlobs =
    "SELECT blob FROM item_photo UNION SELECT blob FROM shop_photo "
    "UNION SELECT json_extract(body, '$.picture') FROM paper WHERE kind = 'document'";

std::string hash_of(std::string_view bytes) {
  std::array<unsigned char, kHashBytes> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  std::array<char, kHashBytes * 2 + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

tl::unexpected<Error> io_error(const std::string& what) {
  return fail_errno(errno == ENOSPC || errno == EDQUOT ? ErrorCode::kDiskFull : ErrorCode::kIo, what);
}

Status sync_directory(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return io_error("syncing " + path.string());
  return {};
}

/// All of `bytes` in the file, and on the disk.
Status fill(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error(what);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(fd) != 0) return io_error(what);
  return {};
}

Status write_anew(const fs::path& directory, const fs::path& target, std::string_view bytes) {
  std::string unfinished = fmt::format("{}/{}XXXXXX", directory.string(), kUnfinished);
  const UniqueFd fd(::mkostemp(unfinished.data(), O_CLOEXEC));
  if (!fd.is_open()) return io_error("creating " + unfinished);
  auto done = fill(fd.get(), bytes, "writing " + unfinished);
  if (done && ::fchmod(fd.get(), 0640) != 0) done = io_error("chmod " + unfinished);
  if (done && ::rename(unfinished.c_str(), target.c_str()) != 0) done = io_error("naming " + target.string());
  if (!done) {
    ::unlink(unfinished.c_str());
    return done;
  }
  return sync_directory(target.parent_path());
}

}  // namespace

bool is_blob_hash(std::string_view text) {
  return text.size() == kHashBytes * 2 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::unique_ptr<BlobStore>> BlobStore::open(const fs::path& directory, Store& store) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("creating {}: {}", directory.string(), error.message()));
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().filename().string().starts_with(kUnfinished)) fs::remove(entry.path(), error);
  for (int first = 0; first < 256; ++first) {
    fs::create_directory(directory / fmt::format("{:02x}", first), error);
    if (error)
      return fail(ErrorCode::kIo, fmt::format("creating in {}: {}", directory.string(), error.message()));
  }
  if (auto synced = sync_directory(directory); !synced) return tl::unexpected(synced.error());
  return std::unique_ptr<BlobStore>(new BlobStore(directory, store));
}

fs::path BlobStore::path_of(const std::string& hash) const {
  return directory_ / hash.substr(0, 2) / hash.substr(2);
}

Result<std::string> BlobStore::put(const Adding& /*adding*/, std::string_view bytes) {
  std::string hash = hash_of(bytes);
  const fs::path path = path_of(hash);
  // There already, and whole: from now on as good as new for the sweep.
  if (const auto known = read(hash); known && ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0)
    return hash;
  if (auto written = write_anew(directory_, path, bytes); !written) return tl::unexpected(written.error());
  return hash;
}

Result<std::string> BlobStore::read(const std::string& hash) const {
  if (!has(hash)) return fail(ErrorCode::kNotFound, fmt::format("no picture \"{}\" is kept here", hash));
  const fs::path path = path_of(hash);
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof()) return fail(ErrorCode::kIo, path.string() + ": can't be read");
  if (hash_of(bytes) != hash)
    return fail(ErrorCode::kIo,
                path.string() + " is not what it was when it was kept: the disk has changed it");
  return bytes;
}

bool BlobStore::has(const std::string& hash) const {
  std::error_code error;
  return is_blob_hash(hash) && fs::is_regular_file(path_of(hash), error);
}

Status BlobStore::lay_out(const std::string& hash, const fs::path& directory) const {
  std::error_code error;
  if (is_blob_hash(hash) && fs::is_regular_file(directory / hash, error)) return {};
  const auto bytes = read(hash);
  if (!bytes) return tl::unexpected(bytes.error());
  return write_anew(directory, directory / hash, *bytes);
}

Result<int64_t> BlobStore::sweep(Instant unused_since) {
  const std::lock_guard alone(sweep_mutex_);
  std::set<std::string> named;
  auto read = store_.read([&](SQLite::Database& database) -> Status {
    SQLite::Statement found(database, kNamedBlobs);
    while (found.executeStep()) named.insert(found.getColumn(0).getString());
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  int64_t removed = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory_, error)) {
    const fs::path& path = entry.path();
    const std::string hash = path.parent_path().filename().string() + path.filename().string();
    struct stat status {};
    if (!is_blob_hash(hash) || named.contains(hash) || ::stat(path.c_str(), &status) != 0) continue;
    const Instant used_at{std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec))};
    if (used_at >= unused_since) continue;
    if (::unlink(path.c_str()) != 0) return io_error("removing " + path.string());
    ++removed;
  }
  if (error)
    return fail(ErrorCode::kIo, fmt::format("looking through {}: {}", directory_.string(), error.message()));
  return removed;
}

}  // namespace vitrine::commerce
