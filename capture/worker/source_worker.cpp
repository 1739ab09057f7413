// SPDX-License-Identifier: Apache-2.0
#include "capture/worker/source_worker.h"

#include <algorithm>
#include <cstdlib>
#include <pthread.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

namespace vitrine::capture {
namespace {

constexpr MediaTime kCheckEvery = std::chrono::milliseconds(500);

PictureChecks::Motion expected_motion(const SourceAddress& address) {
  const bool is_camera =
      address.kind == SourceAddress::Kind::kRtsp || address.kind == SourceAddress::Kind::kV4l2;
  return is_camera ? PictureChecks::Motion::kMustMove : PictureChecks::Motion::kMayStandStill;
}

}  // namespace

SourceWorker::SourceWorker(WorkerSession& session, OpenRequest request, std::string sandbox)
    : session_(session),
      request_(std::move(request)),
      sandbox_(std::move(sandbox)),
      watchdog_(request_.address.redacted(), steady_now()),
      checks_(expected_motion(request_.address)) {
  const Pace pace =
      request_.address.kind == SourceAddress::Kind::kFile ? Pace::kByTimestamp : Pace::kAsItComes;
  if (request_.wants_picture) picture_ = std::make_unique<PictureStream>(session_.channel(), pace);
  if (request_.wants_sound) sound_ = std::make_unique<SoundStream>(session_.channel(), pace);
}

void SourceWorker::run() {
  auto pipeline = Pipeline::create(request_, picture_.get(), sound_.get());
  if (!pipeline) end(pipeline.error());
  pipeline_ = std::move(*pipeline);
  // A device that hangs in the kernel hangs this thread; the heart beats on main, and the watchdog sees that
  // nothing comes.
  std::jthread player([this] {
    pthread_setname_np(pthread_self(), "play");
    end(pipeline_->play());
  });
  const auto refuse = [](const Channel::Message&) -> Status {
    return fail(ErrorCode::kProtocol, "a source worker takes one request and no other");
  };
  (void)session_.run(refuse, [this] { return beat(); });
  ::_exit(EXIT_SUCCESS);  // the studio is gone
}

nlohmann::json SourceWorker::beat() {
  const MediaTime now = steady_now();
  if (auto dead = watchdog_.look(flow(), now)) end(*dead);
  check_picture(now);

  SourceReport report;
  report.sandbox = sandbox_;
  if (picture_) {
    const auto& counts = picture_->writer().counts();
    report.fps = rate_.update(counts.published, now);
    report.dropped = counts.dropped;
    report.copied = counts.copied;
    if (const auto newest = picture_->writer().newest()) report.size = newest->picture.size;
    report.format = picture_->describe();
    for (const auto warning : checks_.warnings()) report.warnings.emplace_back(warning);
  }
  if (sound_) {
    report.level_db = sound_->meter().level_db();
    for (const auto warning : sound_->meter().warnings(now)) report.warnings.emplace_back(warning);
  }
  for (const std::string& part : {sound_ ? sound_->describe() : std::string(), pipeline_->missing()}) {
    if (part.empty()) continue;
    if (!report.format.empty()) report.format += ", ";
    report.format += part;
  }
  return to_message(report);
}

FlowCounts SourceWorker::flow() const {
  FlowCounts counts;
  if (picture_) {
    const auto& written = picture_->writer().counts();
    counts.shown = written.published;
    counts.arrived = picture_->units();
    counts.undecodable = picture_->undecodable();
    counts.lag = written.lag;
  } else {
    counts.shown = counts.arrived = sound_->blocks();
  }
  return counts;
}

void SourceWorker::check_picture(MediaTime now) {
  if (!picture_ || now - checked_at_ < kCheckEvery) return;
  const auto newest = picture_->writer().newest();
  if (!newest) return;
  checked_at_ = now;
  checks_.look(newest->picture, now);
}

void SourceWorker::end(const Error& cause) {
  end_mutex_.lock();  // whoever comes second waits here for the process to go
  session_.announce_end(cause);
  ::_exit(EXIT_FAILURE);
}

}  // namespace vitrine::capture
