// SPDX-License-Identifier: Apache-2.0
#include "desk/journal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <systemd/sd-journal.h>

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;

constexpr std::array kUnits = {"vitrine-studio.service", "vitrine-desk.service"};
constexpr std::string_view kService = ".service";
constexpr size_t kMostLineBytes = 4096;  // a longer one is cut

struct CloseJournal {
  void operator()(sd_journal* journal) const { sd_journal_close(journal); }
};
using JournalPtr = std::unique_ptr<sd_journal, CloseJournal>;

Error failed(std::string_view what, int code) {
  return {code == -EACCES ? ErrorCode::kPermission : ErrorCode::kIo,
          fmt::format("{}: {}", what, std::generic_category().message(-code))};
}

std::string field(sd_journal* journal, const std::string& name) {
  const void* data = nullptr;
  size_t size = 0;
  if (sd_journal_get_data(journal, name.c_str(), &data, &size) < 0) return "";
  std::string_view text(static_cast<const char*>(data), size);
  text.remove_prefix(std::min(text.size(), name.size() + 1));  // NAME=
  return std::string(text);
}

/// Whether there are journal files, whoever may read them.
bool has_files(const fs::path& directory) {
  std::error_code error;
  const fs::recursive_directory_iterator begin(directory, error);
  if (error) return error == std::errc::permission_denied;
  return std::any_of(begin, fs::recursive_directory_iterator(),
                     [](const auto& entry) { return entry.path().extension() == ".journal"; });
}

/// An open journal without any file: there is none, or none that may be read.
Error nothing_in(const fs::path& directory) {
  const bool is_closed = directory.empty() ? has_files("/var/log/journal") || has_files("/run/log/journal")
                                           : has_files(directory);
  if (is_closed)
    return {ErrorCode::kPermission,
            "the journal may not be read: the desk's user must be in the group systemd-journal"};
  return {ErrorCode::kNotFound, "this system keeps no journal"};
}

/// What the units said themselves, and what the manager said of them: started, killed, failed.
int match_units(sd_journal* journal) {
  const auto match = [&](const std::string& wanted) {
    return sd_journal_add_match(journal, wanted.data(), wanted.size());
  };
  int done = 0;
  for (const char* unit : kUnits) done = std::min(done, match(fmt::format("_SYSTEMD_UNIT={}", unit)));
  done = std::min(done, sd_journal_add_disjunction(journal));
  done = std::min(done, match("_PID=1"));
  for (const char* unit : kUnits) done = std::min(done, match(fmt::format("UNIT={}", unit)));
  return done;
}

JournalLine line_at(sd_journal* journal) {
  JournalLine line;
  uint64_t microseconds = 0;
  if (sd_journal_get_realtime_usec(journal, &microseconds) >= 0)
    line.at = Instant(std::chrono::duration_cast<Instant::duration>(std::chrono::microseconds(microseconds)));
  line.unit = field(journal, "UNIT");
  if (line.unit.empty()) line.unit = field(journal, "_SYSTEMD_UNIT");
  if (line.unit.ends_with(kService)) line.unit.resize(line.unit.size() - kService.size());
  const std::string priority = field(journal, "PRIORITY");
  (void)std::from_chars(priority.data(), priority.data() + priority.size(), line.priority);
  line.text = field(journal, "MESSAGE");
  if (line.text.size() > kMostLineBytes) line.text = line.text.substr(0, kMostLineBytes) + " …";
  return line;
}

}  // namespace

Result<std::vector<JournalLine>> newest_lines(size_t most, const fs::path& directory) {
  sd_journal* opened = nullptr;
  const int rc = directory.empty() ? sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY)
                                   : sd_journal_open_directory(&opened, directory.c_str(), 0);
  if (rc < 0) return tl::unexpected(failed("opening the journal", rc));
  const JournalPtr journal(opened);
  uint64_t bytes = 0;
  if (sd_journal_get_usage(journal.get(), &bytes) < 0 || bytes == 0)
    return tl::unexpected(nothing_in(directory));
  if (const int done = match_units(journal.get()); done < 0)
    return tl::unexpected(failed("searching the journal", done));
  if (const int done = sd_journal_seek_tail(journal.get()); done < 0)
    return tl::unexpected(failed("reading the journal", done));
  std::vector<JournalLine> lines;
  while (lines.size() < most) {
    const int step = sd_journal_previous(journal.get());
    if (step < 0) return tl::unexpected(failed("reading the journal", step));
    if (step == 0) break;
    lines.push_back(line_at(journal.get()));
  }
  std::ranges::reverse(lines);
  return lines;
}

}  // namespace vitrine::desk
