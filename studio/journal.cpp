// SPDX-License-Identifier: Apache-2.0
#include "studio/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "core/log.h"
#include "core/unique_fd.h"

namespace vitrine::studio {
namespace {

constexpr size_t kQueueTasks = 1024;

}  // namespace

Journal::Journal(StateStore store) : store_(std::move(store)), queue_(kQueueTasks, Overflow::kRefuse) {
  thread_ = std::jthread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "journal");
}

Journal::~Journal() {
  queue_.close();
}

void Journal::save_state(nlohmann::json state, std::function<void(Status)> done) {
  Task task = Save{std::move(state), std::move(done)};
  if (queue_.push(std::move(task)) == PushResult::kQueued) return;
  std::get<Save>(task).done(fail(ErrorCode::kTimeout, "the disk does not keep up: 1024 writes are waiting"));
}

void Journal::run_later(std::function<void()> task) {
  queue_.push(std::move(task));
}

void Journal::append(std::filesystem::path file, nlohmann::json record) {
  Task task = Append{std::move(file), std::move(record)};
  if (queue_.push(std::move(task)) != PushResult::kQueued)
    lost_records_.fetch_add(1, std::memory_order_relaxed);
}

void Journal::run() {
  log::Limiter limiter(std::chrono::seconds(10));
  int64_t told = 0;
  while (auto task = queue_.pop({})) {
    if (auto* save = std::get_if<Save>(&*task)) {
      save->done(store_.save(save->state));
      continue;
    }
    if (const auto* other = std::get_if<std::function<void()>>(&*task)) {
      (*other)();
      continue;
    }
    auto& append = std::get<Append>(*task);
    // A gap in the records must be in the records.
    if (const int64_t lost = lost_records(); lost > told)
      append.record["records_lost_before"] = lost - std::exchange(told, lost);
    if (auto written = append_now(append); !written) {
      lost_records_.fetch_add(1, std::memory_order_relaxed);
      int64_t held_back = 0;
      if (limiter.should_log(&held_back)) {
        log::error("journal", "as-run record lost ({} more since the last line): {}; the show goes on",
                   held_back, written.error().message);
      }
    }
  }
}

Status Journal::append_now(const Append& append) {
  std::error_code ignored;
  std::filesystem::create_directories(append.file.parent_path(), ignored);
  const UniqueFd fd(::open(append.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!fd.is_open()) return fail_errno(ErrorCode::kIo, append.file.string());
  const std::string line = append.record.dump() + "\n";
  if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return fail_errno(ErrorCode::kIo, "writing " + append.file.string());
  }
  if (::fdatasync(fd.get()) != 0) return fail_errno(ErrorCode::kIo, "syncing " + append.file.string());
  return {};
}

}  // namespace vitrine::studio
