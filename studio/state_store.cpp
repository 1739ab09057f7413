// SPDX-License-Identifier: Apache-2.0
#include "studio/state_store.h"

#include <sys/stat.h>

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/media_time.h"
#include "core/program_state.h"
#include "core/rfc3339.h"
#include "core/unique_fd.h"

namespace vitrine::studio {
namespace {

tl::unexpected<Error> disk_error(const std::string& what) {
  return fail_errno(errno == ENOSPC || errno == EDQUOT ? ErrorCode::kDiskFull : ErrorCode::kIo, what);
}

Status write_and_sync(const std::filesystem::path& path, const std::string& text) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.is_open()) return disk_error("creating " + path.string());
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(fd.get(), text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error("writing " + path.string());
    written += static_cast<size_t>(count);
  }
  if (::fsync(fd.get()) != 0) return disk_error("syncing " + path.string());
  if (::close(fd.release()) != 0) return disk_error("closing " + path.string());
  return {};
}

Status sync_directory(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return disk_error("syncing " + path.string());
  return {};
}

}  // namespace

Result<std::optional<nlohmann::json>> StateStore::load() const {
  std::ifstream file(file_, std::ios::binary);
  if (!file) {
    if (!std::filesystem::exists(file_)) return std::optional<nlohmann::json>();
    return fail_errno(ErrorCode::kIo, "reading " + file_.string());
  }
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto state = parse_json(text, kMaxStateBytes);
  if (state) return std::optional(std::move(*state));
  const auto aside = file_.string() + ".broken-" + format_rfc3339(system_now());
  std::error_code ignored;
  std::filesystem::rename(file_, aside, ignored);
  return fail(ErrorCode::kIo, fmt::format("{} could not be read ({}); it was set aside as {}", file_.string(),
                                          state.error().message, aside));
}

Status StateStore::save(const nlohmann::json& state) const {
  const std::filesystem::path temporary = file_.string() + ".new";
  if (auto written = write_and_sync(temporary, state.dump(2) + "\n"); !written) return written;
  if (::rename(temporary.c_str(), file_.c_str()) != 0) return disk_error("replacing " + file_.string());
  return sync_directory(file_.parent_path());
}

}  // namespace vitrine::studio
