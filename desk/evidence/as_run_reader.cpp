// SPDX-License-Identifier: Apache-2.0
#include "desk/evidence/as_run_reader.h"

#include <sys/stat.h>

#include <algorithm>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/json_text.h"
#include "core/pause.h"
#include "core/text_rules.h"
#include "core/unique_fd.h"
#include "desk/evidence/chain.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kLookEvery = 200ms;
/// Directories' times tell of new sessions at once; this is for what they don't tell of.
constexpr auto kFullLookEvery = 60s;
constexpr size_t kChunkBytes = size_t{1} << 20;  // of one transaction, at least a line
constexpr size_t kBeginsBytes = 120;
constexpr const char* kAsRunName = "as-run.jsonl";

BrokenLine broken_line(std::string_view text, std::string why) {
  const auto begins = nlohmann::json(std::string(text.substr(0, kBeginsBytes)));
  return {text.size(), blake2b(text), describe(begins), std::move(why)};
}

}  // namespace

AsRunReader::AsRunReader(EvidenceBook& book, Events events) : book_(book), events_(std::move(events)) {
}

AsRunReader::~AsRunReader() {
  thread_.request_stop();
}

void AsRunReader::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  ::pthread_setname_np(thread_.native_handle(), "evidence");
}

void AsRunReader::run(const std::stop_token& stop) {
  const auto say = [&](const Status& done) {
    int64_t held_back = 0;
    if (done || !limiter_.should_log(&held_back)) return;
    log::error("evidence", "{}; trying again, nothing is lost while the studio's files are there ({} more)",
               done.error().message, held_back);
  };
  while (!stop.stop_requested()) {
    say(read_once());
    say(book_.seal_if_due());
    pause(stop, kLookEvery);
  }
  say(book_.seal("the desk ends"));
}

Status AsRunReader::read_once() {
  if (auto looked = look_for_sessions(); !looked) return looked;
  Status failed;
  for (auto& [key, source] : sources_)
    if (auto read = read_source(key, source); !read) failed = read;  // the others go on
  if (should_seal_) {
    if (auto sealed = book_.seal("a session has ended"); !sealed) return sealed;
    should_seal_ = false;
  }
  return failed;
}

/// Sessions that are new, and where each was read up to.
Status AsRunReader::look_for_sessions() {
  const auto now = std::chrono::steady_clock::now();
  const bool is_full = now >= next_full_look_;
  std::error_code error;
  std::optional<EvidenceBook::Positions> positions;
  if (!has_positions_) {
    auto known = book_.positions();
    if (!known) return tl::unexpected(known.error());
    positions = std::move(*known);
    has_positions_ = true;
  }
  for (fs::directory_iterator program(book_.config().recordings, error), end; !error && program != end;
       program.increment(error)) {
    const std::string name = program->path().filename().string();
    std::error_code ignored;
    if (!is_id(name) || !program->is_directory(ignored)) continue;
    const auto changed = fs::last_write_time(program->path(), ignored);
    auto& known = programs_[name];
    if (!is_full && known == changed) continue;
    known = changed;
    for (fs::directory_iterator session(program->path(), ignored); session != end;
         session.increment(ignored)) {
      const SessionKey key{session->path().filename().string(), name};
      if (!is_id(key.first)) continue;
      auto& source = sources_[key];
      if (!positions) continue;
      const auto at = positions->find({key.second, key.first});
      source.position = at == positions->end() ? 0 : at->second;
    }
  }
  if (is_full) next_full_look_ = now + kFullLookEvery;
  return {};  // no directory yet: no program has been on air
}

Status AsRunReader::read_source(const SessionKey& key, Source& source) {
  struct stat status {};
  if (::stat(path_of(key).c_str(), &status) != 0) return {};  // not begun, or gone with its recordings
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size == source.looked_at && size == source.position) return {};
  if (size < source.position) {
    // A power cut may take back what was read before it was on the disk.
    AsRunLines lines{key.second, key.first, source.position, size, {}};
    lines.lines.emplace_back(BrokenLine{source.position - size, std::string(kNoHash), "",
                                        "the file is shorter by this than what was read of it"});
    return take(std::move(lines), source);
  }
  if (size == source.looked_at) {
    // A half line stays the last one of its file when the studio ended in it; one that grows is being
    // written.
    auto is_over = book_.is_over(key.second, key.first);
    if (!is_over) return tl::unexpected(is_over.error());
    if (!*is_over) return {};
  }
  const UniqueFd fd(::open(path_of(key).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open()) return fail_errno(ErrorCode::kIo, "as-run records " + path_of(key).string());
  while (true) {
    auto more = take_some(key, source, fd.get(), size);
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
  }
  source.looked_at = size;
  return {};
}

Result<bool> AsRunReader::take_some(const SessionKey& key, Source& source, int fd, uint64_t size) {
  // One line more than it may have, so that a line that is too long shows.
  std::string text(std::min<uint64_t>(size - source.position, kMaxAsRunLine + kChunkBytes), '\0');
  const ssize_t length = ::pread(fd, text.data(), text.size(), static_cast<off_t>(source.position));
  if (length < 0) return fail_errno(ErrorCode::kIo, "reading " + path_of(key).string());
  text.resize(static_cast<size_t>(length));
  AsRunLines lines{key.second, key.first, source.position, source.position, {}};
  std::string_view rest = text;
  for (size_t end = 0; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    const std::string_view line = rest.substr(0, end);
    auto record = read_as_run_line(line, key.second, key.first);
    if (record)
      lines.lines.emplace_back(std::move(*record));
    else
      lines.lines.emplace_back(broken_line(line, record.error().message));
    lines.until += end + 1;
    if (lines.until - lines.from >= kChunkBytes) break;
  }
  if (lines.lines.empty() && !rest.empty()) {
    const bool is_too_long = rest.size() > kMaxAsRunLine;
    bool is_cut_off = false;
    if (!is_too_long && source.looked_at == size && source.position + rest.size() == size) {
      const auto is_over = book_.is_over(key.second, key.first);
      if (!is_over) return tl::unexpected(is_over.error());
      is_cut_off = *is_over;
    }
    if (is_too_long || is_cut_off) {
      lines.lines.emplace_back(broken_line(
          rest, is_too_long ? fmt::format("no line end in {} bytes", rest.size()) : "it was never finished"));
      lines.until += rest.size();
    }
  }
  if (lines.lines.empty()) return false;
  if (auto taken = take(std::move(lines), source); !taken) return tl::unexpected(taken.error());
  return source.position < size;
}

Status AsRunReader::take(AsRunLines lines, Source& source) {
  auto taken = book_.take(lines);
  if (!taken) {
    has_positions_ = false;  // they are read again: what is in the chain decides
    next_full_look_ = {};
    return tl::unexpected(taken.error());
  }
  source.position = lines.until;
  should_seal_ |= taken->has_ended_session;
  for (const auto& line : lines.lines) {
    const auto* broken = std::get_if<BrokenLine>(&line);
    int64_t held_back = 0;
    if (broken != nullptr && limiter_.should_log(&held_back)) {
      log::warning("evidence", "as-run records of {}/{}: {} bytes are no record: {}; kept as such ({} more)",
                   lines.program, lines.session, broken->bytes, broken->why, held_back);
    }
  }
  if (taken->has_file_to_hash && events_.on_file_to_hash) events_.on_file_to_hash();
  if (events_.on_visible)
    for (const auto& visible : taken->visible) events_.on_visible(visible);
  return {};
}

fs::path AsRunReader::path_of(const SessionKey& key) const {
  return book_.config().recordings / key.second / key.first / kAsRunName;
}

}  // namespace vitrine::desk
