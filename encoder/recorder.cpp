// SPDX-License-Identifier: Apache-2.0
#include "encoder/recorder.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "core/log.h"
#include "encoder/detail/segment.h"
#include "encoder/detail/thread_name.h"

namespace vitrine::encoder {
namespace {

using namespace std::chrono_literals;
using detail::Segment;

constexpr auto kRetryInterval = 3s;
constexpr auto kStopLimit = 5s;
constexpr MediaTime kSameErrorLogInterval = 60s;

/// The number in "<program>-20261122T120000Z-007.mp4"; 0 for other names.
int number_of(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  const size_t dash = stem.rfind('-');
  int number = 0;
  if (dash != std::string::npos) std::from_chars(stem.data() + dash + 1, stem.data() + stem.size(), number);
  return number;
}

/// After a restart in the same session the numbers go on: they tell the order even where the clock was
/// stepped.
int last_number_in(const std::filesystem::path& directory) {
  int last = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    last = std::max(last, number_of(entry.path()));
  }
  return last;
}

}  // namespace

class Recorder::Worker {
 public:
  Worker(RecorderConfig config, StreamInfo stream, const std::shared_ptr<PacketRing>& ring, OnEvent on_event)
      : config_(std::move(config)),
        directory_(config_.directory / config_.program / config_.session),
        stream_(std::move(stream)),
        ring_(ring),
        reader_(ring->open_reader(PacketRing::StartAt::kOldest)),
        on_event_(std::move(on_event)) {}

  void run() {
    detail::name_this_thread("rec-" + config_.program);
    while (auto item = reader_.pop(stop_.get_token())) take(*item);
    close_segment();
    if (recorded_until_ && seen_until_ > *recorded_until_) report_gap(*recorded_until_, seen_until_);
    const std::lock_guard lock(mutex_);
    status_.state = RecorderStatus::State::kStopped;
    has_ended_ = true;
    ended_.notify_all();
  }

  void ask_to_stop() {
    if (!ring_->is_closed()) stop_.request_stop();
  }

  /// False, once, when the thread hangs in the disk. No event comes any more in either case.
  bool wait_for_end() {
    std::unique_lock lock(mutex_);
    if (is_abandoned_) return true;  // said already
    const bool has_ended = ended_.wait_for(lock, kStopLimit, [this] { return has_ended_; });
    stop_.request_stop();
    is_abandoned_ = !has_ended;
    return has_ended;
  }

  [[nodiscard]] RecorderStatus status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  void take(const PacketRing::Item& item) {
    const Packet& packet = item.packet;
    seen_until_ = std::max(seen_until_, packet.pts + packet.duration);
    const bool is_entry = packet.kind == PacketKind::kVideo && packet.is_keyframe;
    if (item.skipped > 0) close_segment();  // the disk was too slow: each file is without holes
    if (segment_ && is_entry && packet.pts - segment_->first_pts() >= config_.segment) close_segment();
    if (!segment_ && is_entry) begin_segment(packet);
    if (!segment_) return;
    if (const auto ok = segment_->write(packet); !ok) return fail_segment(ok.error());
    if (segment_->bytes() > 0) note_progress();
  }

  void begin_segment(const Packet& first) {
    if (!recorded_until_) recorded_until_ = first.pts;
    auto created = create_segment(first);
    if (!created) return report_failure(nullptr, created.error());
    segment_ = std::move(*created);
    is_announced_ = false;
  }

  Result<std::unique_ptr<Segment>> create_segment(const Packet& first) {
    if (const auto ok = create_recording_directory(directory_); !ok) return tl::unexpected(ok.error());
    const auto started_ago =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_now() - first.captured_at);
    const auto start = std::chrono::floor<std::chrono::seconds>(system_now() - started_ago);
    const std::string name =
        fmt::format("{}-{:%Y%m%dT%H%M%SZ}-{:03}.mp4", config_.program,
                    fmt::gmtime(std::chrono::system_clock::to_time_t(start)), last_number_in(directory_) + 1);
    return Segment::create(directory_ / name, config_.open_file, stream_, first);
  }

  /// The segment has something on the disk.
  void note_progress() {
    if (!std::exchange(is_announced_, true)) {
      if (segment_->first_pts() > *recorded_until_) report_gap(*recorded_until_, segment_->first_pts());
      last_logged_.reset();
      log::info("recorder", "program '{}': recording to {}", config_.program, segment_->path().string());
      report({RecorderEvent::Kind::kOpened, segment_->path(), segment_->first_pts(), segment_->safe_until(),
              segment_->bytes(), std::nullopt});
    }
    recorded_until_ = segment_->safe_until();
    const std::lock_guard lock(mutex_);
    status_.state = RecorderStatus::State::kRecording;
    status_.file = segment_->path();
    status_.last_error.reset();
    status_.safe_until = segment_->safe_until();
    status_.bytes = closed_bytes_ + segment_->bytes();
  }

  void close_segment() {
    if (!segment_) return;
    const auto finished = segment_->finish();
    if (segment_->bytes() > 0) note_progress();
    if (!finished) return fail_segment(finished.error());
    if (segment_->bytes() > 0) {
      report({RecorderEvent::Kind::kClosed, segment_->path(), segment_->first_pts(), segment_->safe_until(),
              segment_->bytes(), std::nullopt});
    }
    closed_bytes_ += segment_->bytes();
    segment_.reset();
  }

  /// What is on the disk stays and plays; the next try is at a keyframe some seconds later. The ring holds
  /// more than that, so that a disk which has room again by then has lost less than a GOP.
  void fail_segment(const Error& error) {
    segment_->abandon();
    closed_bytes_ += segment_->bytes();
    const auto failed = std::exchange(segment_, nullptr);
    report_failure(failed.get(), error);
  }

  void report_failure(const Segment* segment, const Error& error) {
    {
      const std::lock_guard lock(mutex_);
      status_.state = RecorderStatus::State::kFailing;
      status_.file.clear();
      status_.last_error = error;
    }
    const MediaTime now = steady_now();
    if (last_logged_ != error.code || now - logged_at_ > kSameErrorLogInterval) {
      last_logged_ = error.code;
      logged_at_ = now;
      log::error("recorder",
                 "program '{}': {}; the show goes on without recording, a new file is tried every {} s",
                 config_.program, error.message, kRetryInterval / 1s);
      RecorderEvent event{RecorderEvent::Kind::kFailed,  {}, recorded_until_.value_or(0ns),
                          recorded_until_.value_or(0ns), 0,  error};
      if (segment != nullptr && segment->bytes() > 0) {
        event.file = segment->path();
        event.first_pts = segment->first_pts();
        event.bytes = segment->bytes();
      }
      report(event);
    }
    if (ring_->is_closed()) return;
    std::unique_lock lock(mutex_);
    std::condition_variable_any().wait_for(lock, stop_.get_token(), kRetryInterval, [] { return false; });
  }

  void report_gap(MediaTime from, MediaTime until) {
    {
      const std::lock_guard lock(mutex_);
      ++status_.gaps;
      status_.lost += until - from;
    }
    log::warning("recorder", "program '{}': {:.1f} s are missing from the recording", config_.program,
                 std::chrono::duration<double>(until - from).count());
    report({RecorderEvent::Kind::kGap, {}, from, until, 0, std::nullopt});
  }

  void report(const RecorderEvent& event) {
    {
      const std::lock_guard lock(mutex_);
      if (is_abandoned_) return;
    }
    if (on_event_) on_event_(event);
  }

  const RecorderConfig config_;
  const std::filesystem::path directory_;
  const StreamInfo stream_;
  const std::shared_ptr<PacketRing> ring_;
  std::stop_source stop_;

  // The recorder's thread only.
  PacketRing::Reader reader_;
  const OnEvent on_event_;
  std::unique_ptr<Segment> segment_;
  bool is_announced_ = false;
  std::optional<MediaTime> recorded_until_;
  MediaTime seen_until_{};
  uint64_t closed_bytes_ = 0;
  std::optional<ErrorCode> last_logged_;
  MediaTime logged_at_{};

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  RecorderStatus status_;      // guarded by mutex_
  bool has_ended_ = false;     // guarded by mutex_
  bool is_abandoned_ = false;  // guarded by mutex_
};

Recorder::Recorder(RecorderConfig config, StreamInfo stream, const std::shared_ptr<PacketRing>& ring,
                   OnEvent on_event)
    : worker_(std::make_shared<Worker>(std::move(config), std::move(stream), ring, std::move(on_event))) {
  // Detached, and owner of what it uses: a disk that hangs for ever must not take the studio with it.
  std::thread([worker = worker_] { worker->run(); }).detach();
}

Recorder::~Recorder() {
  stop();
}

RecorderStatus Recorder::status() const {
  return worker_->status();
}

void Recorder::stop() {
  worker_->ask_to_stop();
  if (worker_->wait_for_end()) return;
  log::error("recorder", "the disk has not answered for {} s; its file ends at the last fragment",
             kStopLimit / 1s);
}

}  // namespace vitrine::encoder
